import { request } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startMarathon } from '../../../../src/lab/marathon/start.ts';
import { type Bench, basic, send, sleeper, startBench, until } from './lab-harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench({ allowedHosts: ['marathon.mesos'] });
});
afterEach(() => bench.close());

test.each([502, 503] as const)(
  '8.36 without a leader every call gets an HTML page with %i after the hold',
  async (status) => {
    bench.lab.faults.set({ noLeader: status, noLeaderHoldMs: 5 });

    const replies = await Promise.all(
      ['/ping', '/v2/apps', '/v2/nobody'].map((path) => bench.call('GET', path)),
    );

    for (const reply of replies) {
      expect(reply.status).toBe(status);
      expect(reply.headers['content-type']).toContain('text/html');
      expect(reply.text).toContain('Could not determine the current leader');
    }
    bench.lab.faults.set({ noLeader: false });
    expect((await bench.call('GET', '/ping')).status).toBe(200);
  },
);

test('the hold without a leader is 2.75 s unless told otherwise', () => {
  expect(bench.lab.faults.settings).toMatchObject({ noLeader: false, noLeaderHoldMs: 2750 });
});

test.each(['/ping', '/v2/info', '/v2/apps', '/v2/events', '/v2/nobody', '/lab/faults', '/lab/requests'])(
  '8.39 %s without the right credentials is a 401 page that asks for them',
  async (path) => {
    for (const authorization of ['', basic('marathon', 'wrong'), 'Bearer x']) {
      const reply = await bench.call('GET', path, undefined, { Authorization: authorization });

      expect(reply.status).toBe(401);
      expect(reply.headers['www-authenticate']).toBe('basic realm="Mesosphere"');
      expect(reply.headers['content-type']).toContain('text/html');
    }
  },
);

test('the password is random unless it is given, and none is asked for when told so', async () => {
  const other = await startBench({ credentials: 'none' });
  const given = await startBench({ credentials: { user: 'u', password: 'secret-word' } });

  const replies = [await send(other.lab, 'GET', '/ping'), await send(given.lab, 'GET', '/ping')];
  await Promise.all([other.close(), given.close()]);

  expect(replies.map((reply) => reply.status)).toEqual([200, 200]);
  expect(bench.lab.password).toMatch(/^[\w-]{24}$/);
  expect([given.lab.user, given.lab.password]).toEqual(['u', 'secret-word']);
});

test('8.44 info, leader and ping', async () => {
  const info = await bench.call('GET', '/v2/info');
  const leader = await bench.call('GET', '/v2/leader');
  const ping = await bench.call('GET', '/ping', undefined, { Accept: '*/*' });
  const jsonPing = await bench.call('GET', '/ping');
  const noPing = await bench.call('GET', '/ping', undefined, { Accept: 'image/png' });

  expect(info.json).toMatchObject({
    name: 'marathon',
    version: '1.8.222',
    elected: true,
    leader: leader.json.leader,
  });
  expect(leader.json).toEqual({ leader: `${bench.lab.address}:${bench.lab.port}` });
  expect([ping.text, jsonPing.text, noPing.status]).toEqual(['pong', '"pong"', 204]);
});

test('answers are chunked JSON that nobody may cache, and compressed on request', async () => {
  const plain = await bench.call('GET', '/v2/apps');
  const zipped = await bench.call('GET', '/v2/apps', undefined, { 'Accept-Encoding': 'gzip' });

  expect(plain.headers).toMatchObject({
    'content-type': 'application/json',
    'cache-control': 'no-cache, no-store, must-revalidate',
    'transfer-encoding': 'chunked',
    'x-marathon-leader': bench.lab.url,
  });
  expect(zipped.headers['content-encoding']).toBe('gzip');
});

test('an unknown URL is a 500 since 1.6', async () => {
  const reply = await bench.call('GET', '/v2/nobody');

  expect([reply.status, reply.json]).toEqual([500, { message: 'URI not found' }]);
});

test.each([
  [{ Host: 'evil.example' }, 403],
  [{ Host: '127.0.0.1:1' }, 403],
  [{ Origin: 'http://evil.example' }, 403],
  [{ Host: 'marathon.mesos' }, 200],
])('the headers %o are answered with %i', async (headers, status) => {
  expect((await bench.call('GET', '/ping', undefined, headers as Record<string, string>)).status).toBe(
    status,
  );
});

test('a page of our own may ask', async () => {
  const own = { Origin: `http://localhost:${bench.lab.port}`, Host: `localhost:${bench.lab.port}` };

  expect((await bench.call('GET', '/ping', undefined, own)).status).toBe(200);
});

test.each([
  ['0.0.0.0', '127.0.31.11'],
  ['127.0.0.1', '10.0.0.1'],
  ['localhost', '127.0.31.11'],
])('address %s with agent %s is refused: loopback addresses only', async (address, host) => {
  await expect(startMarathon({ address, agents: [{ host }], workDirectory: '/nowhere' })).rejects.toThrow(
    'The lab binds loopback addresses only',
  );
});

test('a port that is taken is reported, and nothing is left behind', async () => {
  await expect(
    startMarathon({ address: '127.0.0.1', port: bench.lab.port, agents: [], workDirectory: '/nowhere' }),
  ).rejects.toThrow('EADDRINUSE');
});

test('requests are remembered with masked keys', async () => {
  await bench.run(sleeper());
  const key = '-----BEGIN PRIVATE KEY-----\\nMIIsecret\\n-----END PRIVATE KEY-----';
  await bench.call('PUT', '/v2/apps/app?force=true', { env: { HAPROXY_SSL_CERT: key } });

  const seen = (await bench.call('GET', '/lab/requests')).json.requests;

  const put = seen.find((entry: { method: string }) => entry.method === 'PUT');
  expect(put).toMatchObject({ path: '/v2/apps/app', query: 'force=true', status: 200 });
  expect(put.body).toContain('[masked]');
  expect(JSON.stringify(seen)).not.toContain('MIIsecret');
  expect(bench.lab.requests()).toEqual(seen);
  expect((await bench.app('/app')).env.HAPROXY_SSL_CERT).toBe(key);
});

test('the fault loseReply carries the write out and cuts the connection, so often as told', async () => {
  await bench.run(sleeper());
  bench.lab.faults.set({ loseReply: 1 });

  await expect(bench.call('PUT', '/v2/apps/app', { env: { A: '2' } })).rejects.toThrow('socket hang up');
  const read = await bench.app('/app');
  const next = await bench.call('PUT', '/v2/apps/app?force=true', { env: { A: '3' } });

  expect(read.env).toEqual({ A: '2' });
  expect(next.status).toBe(200);
});

test('the fault slowMs carries the write out first and answers late', async () => {
  await bench.run(sleeper());
  bench.lab.faults.set({ slowMs: 60_000 });
  const late = bench.call('PUT', '/v2/apps/app', { env: { A: '2' } }).catch((error: Error) => error.message);
  await until('it is stored', () => bench.lab.app('/app')?.env.A === '2');

  await bench.lab.stop();

  expect(await late).toBe('socket hang up');
});

test('the fault foreignDeployment locks an app until it is cleared', async () => {
  await bench.run(sleeper());
  bench.lab.faults.set({ foreignDeployment: '/app' });
  const [foreign] = await bench.deployments();

  const locked = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });
  bench.lab.faults.set({ foreignDeployment: null });
  const free = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });

  expect(foreign).toMatchObject({ affectedApps: ['/app'] });
  expect([locked.status, free.status]).toEqual([409, 200]);
  expect(locked.json.deployments).toEqual([{ id: foreign.id }]);
});

test('the fault hangDeployment stops the next deployment of that app, and only that one', async () => {
  await bench.run(sleeper());
  const [before] = bench.lab.tasks('/app');
  bench.lab.faults.set({ hangDeployment: '/app' });
  await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });
  const hung = bench.lab.tasks('/app');

  await bench.call('PUT', '/v2/apps/app?force=true', { env: { A: '3' } });
  await bench.settled('/app');

  expect(hung).toEqual([before]);
  expect((await bench.app('/app')).env).toEqual({ A: '3' });
});

test('faults are read and set over HTTP; an unknown one is refused', async () => {
  const set = await bench.call('PUT', '/lab/faults', { slowMs: 1, closeStreams: true });
  const unknown = await bench.call('PUT', '/lab/faults', { slowness: 1 });
  const read = await bench.call('GET', '/lab/faults');

  expect([set.status, unknown.status]).toEqual([200, 422]);
  expect(read.json).toEqual({ ...set.json, slowMs: 1 });
  expect(bench.lab.faults.settings.slowMs).toBe(1);
});

test('a body above 8 MiB is refused', async () => {
  const status = await new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: bench.lab.address,
        port: bench.lab.port,
        method: 'PUT',
        path: '/v2/apps/app',
        headers: {
          Authorization: basic(bench.lab.user, bench.lab.password),
          'Content-Type': 'application/json',
        },
      },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    outgoing.once('error', reject);
    outgoing.end(Buffer.alloc(9 * 1024 * 1024, 'x'));
  });

  expect(status).toBe(413);
});
