import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createRawServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { pidsOf, requestReload } from '../../../src/haproxy/reload.ts';
import { cleanups, closedPort } from '../lib/loopback.ts';

const { add, run } = cleanups();
afterEach(run);
const { signal } = new AbortController();

async function listen(server: Server, host = '127.0.0.1'): Promise<{ host: string; adminPort: number }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  add(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { host, adminPort: (server.address() as AddressInfo).port };
}

const answering = (listener: RequestListener, host?: string) => listen(createServer(listener), host);

describe('requestReload()', () => {
  it('asks for usr1 and for nothing else, on a connection of its own', async () => {
    const seen: string[] = [];
    const sockets = new Set<Socket>();
    const balancer = await answering((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      sockets.add(request.socket);
      response.end('Sent SIGUSR1 signal to marathon-lb');
    });

    expect(await requestReload(balancer, signal)).toEqual({ kind: 'sent' });
    expect(await requestReload(balancer, signal)).toEqual({ kind: 'sent' });
    expect(seen).toEqual(['GET /_mlb_signal/usr1', 'GET /_mlb_signal/usr1']);
    expect(sockets.size).toBe(2);
  });

  it('reaches an IPv6 address', async () => {
    const balancer = await answering((_, response) => response.end('Sent'), '::1');

    expect(await requestReload(balancer, signal)).toEqual({ kind: 'sent' });
  });

  it("hands on marathon-lb's words when it runs in poll mode", async () => {
    const words =
      "Failed to send SIGUSR1 signal to marathon-lb (exit code 1). Is marathon-lb running in 'poll' mode?";
    const balancer = await answering((_, response) => response.writeHead(500).end(`${words}\n`));

    expect(await requestReload(balancer, signal)).toEqual({ kind: 'refused', status: 500, words });
  });

  it('follows no redirect, and shows no control characters of an answer', async () => {
    const balancer = await answering((_, response) =>
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end('go \u001b[31maway'),
    );

    expect(await requestReload(balancer, signal)).toEqual({
      kind: 'refused',
      status: 302,
      words: 'go \\u{1b}[31maway',
    });
  });

  it('says why there was no answer: nothing listens, or too much is said', async () => {
    const adminPort = await closedPort();
    const loud = await answering((_, response) => response.end('x'.repeat(100_000)));
    const rude = await listen(createRawServer((socket) => socket.destroy()));

    expect(await requestReload({ host: '127.0.0.1', adminPort }, signal)).toEqual({
      kind: 'unreachable',
      reason: expect.stringContaining('ECONNREFUSED'),
    });
    expect(await requestReload(loud, signal)).toEqual({
      kind: 'unreachable',
      reason: 'the answer has more than 4096 bytes',
    });
    expect(await requestReload(rude, signal)).toMatchObject({ kind: 'unreachable' });
  });

  it('waits for no answer longer than its time', async () => {
    const silent = await listen(createRawServer(() => undefined));

    expect(await requestReload(silent, signal)).toEqual({
      kind: 'unreachable',
      reason: 'no complete answer within 5 s',
    });
  });

  it('ends with the reason of an aborted signal', async () => {
    const silent = await listen(createRawServer(() => controller.abort(new Error('stopped'))));
    const controller = new AbortController();

    await expect(requestReload(silent, controller.signal)).rejects.toThrow('stopped');
    await expect(requestReload(silent, controller.signal)).rejects.toThrow('stopped');
  });
});

describe('pidsOf()', () => {
  it.each([
    ['4711 12', 200, [12, 4711]],
    ['7\n', 200, [7]],
    ['', 200, undefined],
    ['12 master', 200, undefined],
    ['12 13', 404, undefined],
  ])('reads %j with status %i as %j', async (text, status, expected) => {
    const balancer = await answering((request, response) =>
      response.writeHead(request.url === '/_haproxy_getpids' ? status : 400).end(text),
    );

    expect(await pidsOf(balancer, signal)).toEqual(expected);
  });

  it('is undefined when nothing answers', async () => {
    expect(await pidsOf({ host: '127.0.0.1', adminPort: await closedPort() }, signal)).toBeUndefined();
  });
});
