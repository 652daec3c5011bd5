import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Responder, type ResponderOptions, startResponder } from '../../../src/acme/responder.ts';
import { createLog, type Log, silentLog } from '../../../src/lib/log.ts';

const TOKEN = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';
const BELOW = '/.well-known/acme-challenge';
const running: Responder[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((responder) => responder.close()));
});

async function start(options: Partial<ResponderOptions> = {}): Promise<Responder> {
  const answer = async (token: string) => (token === TOKEN ? `${TOKEN}.thumb` : undefined);
  const responder = await startResponder({
    host: '127.0.0.1',
    port: 0,
    instance: 'task-1',
    answer,
    log: silentLog,
    ...options,
  });
  running.push(responder);
  return responder;
}

/** Sends the text as it stands and gives back everything that comes until the other side ends. */
async function raw({ host, port }: Responder, text: string): Promise<string> {
  const socket = connect({ host, port }).setEncoding('utf8');
  let received = '';
  socket.on('data', (chunk: string) => {
    received += chunk;
  });
  socket.on('error', () => undefined);
  socket.write(text);
  await once(socket, 'close');
  return received;
}

const ask = (responder: Responder, target: string, method = 'GET') =>
  raw(responder, `${method} ${target} HTTP/1.1\r\nHost: a.example.com\r\n\r\n`);

describe('startResponder()', () => {
  it('serves the answer of a live challenge', async () => {
    const responder = await start();

    const reply = await fetch(`http://127.0.0.1:${responder.port}${BELOW}/${TOKEN}`);

    expect([reply.status, await reply.text()]).toEqual([200, `${TOKEN}.thumb`]);
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      connection: 'close',
    });
  });

  it('answers HEAD with the same headers and no body', async () => {
    const reply = await ask(await start(), `${BELOW}/${TOKEN}`, 'HEAD');

    expect(reply).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(reply).toMatch(/content-length: 49\r\n/);
    expect(reply.endsWith('\r\n\r\n')).toBe(true);
  });

  it('tells by a ping which instance answers', async () => {
    const responder = await start();

    const reply = await fetch(`http://127.0.0.1:${responder.port}${BELOW}/ping`);

    expect(reply.headers.get('content-type')).toBe('application/json');
    expect(await reply.json()).toEqual({ service: 'certathon', instance: 'task-1' });
  });

  it.each([
    ['a query', `${BELOW}/${TOKEN}?x=1`],
    ['the absolute form of proxies', `http://a.example.com${BELOW}/${TOKEN}`],
  ])('understands %s', async (_name, target) => {
    expect(await ask(await start(), target)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it.each([
    ['the root', '/', 'GET'],
    ['the bare challenge path', `${BELOW}/`, 'GET'],
    ['an unknown token', `${BELOW}/${'u'.repeat(43)}`, 'GET'],
    ['a token that is too short', `${BELOW}/short`, 'GET'],
    ['a token that is too long', `${BELOW}/${'x'.repeat(129)}`, 'GET'],
    ['a way out of the folder', `${BELOW}/../../etc/passwd`, 'GET'],
    ['an escaped way out', `${BELOW}/..%2f..%2fetc%2fpasswd`, 'GET'],
    ['something below a token', `${BELOW}/${TOKEN}/x`, 'GET'],
    ['another path that ends alike', `/x${BELOW}/${TOKEN}`, 'GET'],
    ['POST', `${BELOW}/${TOKEN}`, 'POST'],
    ['DELETE of the ping', `${BELOW}/ping`, 'DELETE'],
  ])('answers 404 to %s', async (_name, target, method) => {
    const reply = await ask(await start({ stateless: () => [] }), target, method);

    expect(reply).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
    expect(reply.endsWith('\r\n\r\nnot found\n')).toBe(true);
  });

  it('answers any token for the first account when it may, and live challenges before that', async () => {
    const responder = await start({ stateless: () => ['first', 'second'] });
    const other = 'Z'.repeat(43);

    const bodies = [TOKEN, other].map((token) =>
      fetch(`http://127.0.0.1:${responder.port}${BELOW}/${token}`),
    );

    expect(await Promise.all(bodies.map(async (reply) => (await reply).text()))).toEqual([
      `${TOKEN}.thumb`,
      `${other}.first`,
    ]);
  });

  it('says 503, not 404, when the store is away, and says so in the log', async () => {
    const { log, lines } = recorded();
    const answer = () => Promise.reject(new Error('EIO: i/o error'));
    const responder = await start({ answer, log });

    const reply = await fetch(`http://127.0.0.1:${responder.port}${BELOW}/${TOKEN}`);

    expect([reply.status, await reply.text()]).toEqual([503, 'try again\n']);
    expect(lines.join('')).toContain('"reason":"Error: EIO: i/o error"');
  });

  it('answers for the account all the same when the store is away', async () => {
    const answer = () => Promise.reject(new Error('EIO'));
    const responder = await start({ answer, stateless: () => ['thumb'] });

    const reply = await fetch(`http://127.0.0.1:${responder.port}${BELOW}/${TOKEN}`);

    expect([reply.status, await reply.text()]).toEqual([200, `${TOKEN}.thumb`]);
  });

  it('logs the Host that was asked for without its control characters', async () => {
    const { log, lines } = recorded();
    const responder = await start({ log });

    await raw(
      responder,
      `GET ${BELOW}/${TOKEN} HTTP/1.1\r\nHost: acme.internal\r\nX-Acme-Host: a.example.com\u009b31m\r\n\r\n`,
    );

    expect(JSON.parse(lines[0] as string)).toMatchObject({
      event: 'challenge.served',
      token: TOKEN,
      status: 200,
      host: 'acme.internal',
      askedHost: expect.stringMatching(/^a\.example\.com.*\\u\{9b\}31m$/),
      from: '127.0.0.1',
    });
  });

  it('refuses headers beyond its bound', async () => {
    const reply = await raw(await start(), `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`);

    expect(reply).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('lets go of a client that sends nothing, or half a request', async () => {
    const responder = await start({ timeLimitMs: 100 });

    const replies = await Promise.all([raw(responder, ''), raw(responder, 'GET / HTTP/1.1\r\nHost:')]);

    // Whether there is time for an answer depends on when the time is looked at.
    const ended = expect.stringMatching(/^(HTTP\/1\.1 408)?$/);
    expect(replies.map((reply) => reply.slice(0, 12))).toEqual([ended, ended]);
  });

  it('fails with the name of the port that is taken', async () => {
    const { port } = await start();

    await expect(start({ port })).rejects.toMatchObject({
      code: 'PORT_UNUSABLE',
      message: `Cannot serve challenges on 127.0.0.1:${port}: EADDRINUSE`,
    });
  });

  it('closes although a client holds a connection open', async () => {
    const responder = await start();
    const socket = connect({ host: responder.host, port: responder.port });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write('GET /');

    await responder.close();

    await expect(fetch(`http://127.0.0.1:${responder.port}${BELOW}/ping`)).rejects.toThrow('fetch failed');
    socket.destroy();
  });
});

function recorded(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { log: createLog({ level: 'debug', format: 'json', destination }), lines };
}
