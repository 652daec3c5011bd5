import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type MixedLoadOptions, startMixedLoad } from '../../../src/lab/load-mixed.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

function options(port: number, more: Partial<MixedLoadOptions> = {}): MixedLoadOptions {
  return {
    ...{ address: '127.0.0.1', port, ratePerSecond: 200, maxRequests: 100, maxSeconds: 20 },
    ...{ lastingSeconds: 0.3, uploadBytes: 1000, timeoutMs: 5000, ...more },
  };
}

async function weighed(request: IncomingMessage): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    hash.update(chunk);
  }
  return JSON.stringify({ bytes, sha256: hash.digest('hex') });
}

test('the mix is sent by weight, slow ones take their time, and a good server fails none', async () => {
  const seen: Record<string, number> = {};
  const sockets = new Set<unknown>();
  const { port } = await serve(async (request, response) => {
    const path = `${request.method} ${request.url}`;
    seen[path] = (seen[path] ?? 0) + 1;
    sockets.add(request.socket);
    if (request.method === 'POST') response.end(await weighed(request));
    else if (request.url !== '/') setTimeout(() => response.end(), 300);
    else response.end();
  });

  const report = await startMixedLoad(options(port)).finished;

  expect(report).toMatchObject({ requests: 100, failed: 0, failures: [] });
  expect(seen).toEqual({
    'GET /': 90,
    'GET /slow?ms=300': 4,
    'POST /upload': 3,
    'GET /download?seconds=0.3': 3,
  });
  expect(Object.entries(report.perKind).map(([kind, { requests }]) => [kind, requests])).toEqual(
    expect.arrayContaining([
      ['fresh', 45],
      ['kept', 45],
      ['slow', 4],
      ['upload', 3],
      ['download', 3],
    ]),
  );
  expect(report.perKind.upload?.latencyMs.p50).toBeGreaterThan(200);
  expect(report.perKind.slow?.latencyMs.p50).toBeGreaterThan(200);
  // 55 of them have a connection each; the kept ones share some.
  expect(sockets.size).toBeGreaterThan(55);
  expect(sockets.size).toBeLessThan(100);
});

test.each(['slow', 'upload', 'download'] as const)(
  'a cut %s is a failure that knows when it was sent and when it was cut',
  async (kind) => {
    const { port } = await serve((request, response) => {
      if (kind === 'download') response.write('half of it');
      request.resume();
      setTimeout(() => request.socket.destroy(), 150);
    });

    const report = await startMixedLoad(
      options(port, { mix: { [kind]: 1 }, maxRequests: 3, timeoutMs: 2000 }),
    ).finished;

    expect(report).toMatchObject({ requests: 3, failed: 3, repeated: 0 });
    for (const failure of report.failures) {
      expect(failure.kind).toBe(kind);
      expect(failure.what).toMatch(/ECONNRESET|EPIPE|closed/);
      expect(failure.atMs - failure.sentAtMs).toBeGreaterThan(100);
    }
    expect(report.gaps.longestMs).toBe(report.sentForMs);
  },
);

test.each<[string, (whole: string) => string]>([
  ['fewer bytes', (whole) => whole.replace('1000', '999')],
  ['other bytes', (whole) => whole.replace(/"sha256":"./, '"sha256":"-')],
  ['nothing', () => ''],
])('an upload of which %s arrived is a failure although the answer is 200', async (_what, change) => {
  const { port } = await serve(async (request, response) => response.end(change(await weighed(request))));

  const report = await startMixedLoad(options(port, { mix: { upload: 1 }, maxRequests: 2 })).finished;

  expect(report).toMatchObject({ requests: 2, failed: 2 });
});

test('an upload that is answered before it was whole is a failure', async () => {
  const { port } = await serve((request, response) => {
    request.resume();
    response.end(JSON.stringify({ bytes: 1000, sha256: '' }));
  });

  const report = await startMixedLoad(options(port, { mix: { upload: 1 }, maxRequests: 1 })).finished;

  expect(report.failures).toMatchObject([{ what: expect.stringMatching(/whole|EPIPE|ECONNRESET/) }]);
});

test('a time without any answer shows as the longest gap', async () => {
  let isAway = false;
  const { port } = await serve((request, response) => {
    if (isAway) request.socket.destroy();
    else response.end();
  });
  const load = startMixedLoad(options(port, { mix: { fresh: 1 }, maxRequests: 10_000, ratePerSecond: 100 }));
  await answered(load, 20);

  isAway = true;
  await failed(load, 40);
  isAway = false;
  await answered(load, 100);
  const { gaps, failures, sentForMs } = await load.stop();

  const [first, last] = [failures[0]?.sentAtMs ?? 0, failures.at(-1)?.sentAtMs ?? 0];
  expect(gaps.longestMs).toBe(gaps.betweenMs);
  expect(gaps.longestMs).toBeGreaterThanOrEqual(last - first);
  expect(gaps.longestMs).toBeLessThan(sentForMs);
  expect(gaps.fromMs).toBeLessThanOrEqual(first + 1000);
});

test('it stops by itself after its time, and at stop() waits for what is on the way', async () => {
  const { port } = await serve((_, response) => void setTimeout(() => response.end(), 300));
  const more = { mix: { slow: 1, fresh: 1 }, maxRequests: 100_000 };

  const bySelf = await startMixedLoad(options(port, { ...more, maxSeconds: 0.5 })).finished;
  const load = startMixedLoad(options(port, more));
  await answered(load, 3);
  const byCall = await load.stop();

  for (const report of [bySelf, byCall]) {
    expect(report.failed).toBe(0);
    expect(report.requests).toBeGreaterThan(2);
  }
});

test.each<[string, Partial<MixedLoadOptions>]>([
  ['another machine', { address: '192.0.2.1' }],
  ['no end', { maxSeconds: Number.POSITIVE_INFINITY }],
  ['too many', { maxRequests: 10_000_000 }],
  ['an empty mix', { mix: {} }],
  ['no number', { mix: { fresh: Number.NaN } }],
  ['answers that last for hours', { lastingSeconds: 3600 }],
  ['huge uploads', { uploadBytes: 1e9 }],
])('a mix is refused for %s', (_name, more) => {
  expect(() => startMixedLoad(options(1, more))).toThrow();
});

type Counting = ReturnType<typeof startMixedLoad>;
async function answered(load: Counting, more: number): Promise<void> {
  const good = () => load.soFar().requests - load.soFar().failed;
  const before = good();
  while (good() < before + more) await delay(10);
}
async function failed(load: Counting, more: number): Promise<void> {
  while (load.soFar().failed < more) await delay(10);
}
