import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { makeServerCertificate } from '../../../src/lab/authority-certificate.ts';
import { type LoadOptions, startLoad } from '../../../src/lab/load.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function options(port: number, more: Partial<LoadOptions> = {}): LoadOptions {
  return {
    address: '127.0.0.1',
    port,
    path: '/',
    ratePerSecond: 500,
    maxRequests: 20,
    maxSeconds: 20,
    timeoutMs: 5000,
    ...more,
  };
}

const tls = makeServerCertificate(['127.0.0.1']);

describe.each(['http', 'https'])('a kept connection over %s', (scheme) => {
  /** Answers the first request of a connection and then does `next` at the second. */
  async function serveOnce(next: (socket: Socket) => void): Promise<LoadOptions> {
    const seen = new WeakMap<Socket, number>();
    const handler = (request: { socket: Socket }, response: { end(text: string): void }): void => {
      const count = (seen.get(request.socket) ?? 0) + 1;
      seen.set(request.socket, count);
      if (count === 1) response.end('ok');
      else next(request.socket);
    };
    const isTls = scheme === 'https';
    const server = isTls
      ? createTlsServer({ cert: tls.certificatePem, key: tls.keyPem }, handler)
      : createServer(handler);
    const port = await listen(server);
    // One at a time, so that the kept connection is used again.
    return options(port, {
      ratePerSecond: 20,
      maxRequests: 4,
      ...(isTls ? { servername: 'localhost', ca: tls.caPem } : {}),
    });
  }

  test('that is closed before a byte of the answer is repeated once and counted apart', async () => {
    const load = startLoad(await serveOnce((socket) => socket.end()));

    const report = await load.finished;

    expect(report).toMatchObject({ requests: 4, failed: 0, perStatus: { 200: 4 } });
    expect(report.repeated).toBeGreaterThan(0);
  });

  test('that is closed after the first byte is a failure', async () => {
    const load = startLoad(
      await serveOnce((socket) => {
        socket.write('HTTP/1.1 2');
        setTimeout(() => socket.destroy(), 20);
      }),
    );

    const report = await load.finished;

    expect(report.repeated).toBe(0);
    expect(report.failed).toBeGreaterThan(0);
  });
});

test('a new connection that is closed without an answer is a failure', async () => {
  const server = createServer((request) => request.socket.destroy());

  const report = await startLoad(options(await listen(server), { maxRequests: 5 })).finished;

  expect(report).toMatchObject({ requests: 5, failed: 5, repeated: 0 });
  expect(report.failures[0]?.what).toContain('ECONNRESET');
});

test('an answer cut in its middle, a status of 500 and a silent server are failures', async () => {
  let turn = 0;
  const server = createServer((request, response) => {
    turn += 1;
    if (turn === 1) {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half');
      setTimeout(() => request.socket.destroy(), 20);
    } else if (turn === 2) response.writeHead(503).end();
    else if (turn > 3) response.setHeader('x-task', 'web.1').end();
  });

  const report = await startLoad(options(await listen(server), { maxRequests: 4, timeoutMs: 500 })).finished;

  expect(report).toMatchObject({ requests: 4, failed: 3, repeated: 0, perServer: { 'web.1': 1 } });
  expect(report.failures.map(({ what }) => what).sort()).toEqual([
    expect.stringMatching(/ECONNRESET|middle/),
    'no answer within 500 ms',
    'status 503',
  ]);
});

test('stop() waits for what is on the way', async () => {
  const server = createServer((_, response) => {
    setTimeout(() => response.end(), 200);
  });
  const load = startLoad(options(await listen(server), { maxRequests: 1000, ratePerSecond: 100 }));
  while (load.soFar().requests < 3) await new Promise((resolve) => setTimeout(resolve, 10));

  const report = await load.stop();

  expect(report.failed).toBe(0);
  expect(report.requests).toBeGreaterThanOrEqual(3);
  expect(report.perStatus[200]).toBe(report.requests);
  expect(report.latencyMs.p50).toBeGreaterThan(150);
});

test('the rate does not depend on the answers', async () => {
  const server = createServer((_, response) => {
    setTimeout(() => response.end(), 1000);
  });

  const report = await startLoad(options(await listen(server), { ratePerSecond: 100, maxRequests: 50 }))
    .finished;

  expect(report).toMatchObject({ requests: 50, failed: 0 });
});

test.each<[string, Partial<LoadOptions>]>([
  ['another machine', { address: '192.0.2.1' }],
  ['a name', { address: 'localhost' }],
  ['no end', { maxSeconds: Number.POSITIVE_INFINITY }],
  ['no rate', { ratePerSecond: 0 }],
])('load is refused for %s', (_name, more) => {
  expect(() => startLoad(options(1, more))).toThrow();
});

test.each([
  [true, 20],
  [false, 1],
])(
  'with freshConnections %s twenty requests one after another take %i connections',
  async (freshConnections, connections) => {
    let opened = 0;
    const server = createServer((_, response) => response.end());
    server.on('connection', () => {
      opened += 1;
    });

    const report = await startLoad(
      options(await listen(server), { ratePerSecond: 20, maxRequests: 20, freshConnections }),
    ).finished;

    expect(report).toMatchObject({ requests: 20, failed: 0 });
    expect(opened).toBe(connections);
  },
);
