import { afterEach, describe, expect, test } from 'vitest';
import type { LabOptions } from '../../../../src/lab/marathon/start.ts';
import { type Bench, type Json, sleeper, startBench } from './lab-harness.ts';
import { LAB, NEW, OLD, VERSIONS } from './versions.ts';

let bench: Bench;
const start = async (version: string, options: Partial<LabOptions> = {}) => {
  bench = await startBench({ version, ...options });
};
afterEach(() => bench.close());

/** A docker app in bridge mode, said in the fields that every version reads. */
const bridged = (): Json => ({
  id: '/app',
  cmd: 'exec sleep 1000',
  cpus: 0.1,
  mem: 32,
  container: {
    type: 'DOCKER',
    docker: { image: 'x', network: 'BRIDGE', portMappings: [{ containerPort: 80, name: 'http' }] },
  },
});

const MAPPED = {
  containerPort: 80,
  hostPort: 0,
  servicePort: 10_000,
  protocol: 'tcp',
  name: 'http',
  labels: {},
};

test.each(VERSIONS)('8.44 %s says its version', async (version) => {
  await start(version);

  expect((await bench.call('GET', '/v2/info')).json).toMatchObject({
    version,
    marathon_config: { features: [] },
  });
});

test('8.43 1.4 writes every field of an app, the unset ones as null', async () => {
  await start(OLD);
  await bench.run(sleeper({ env: {}, portDefinitions: [{ port: 0 }] }));

  expect(await bench.app('/app')).toMatchObject({
    args: null,
    user: null,
    container: null,
    ipAddress: null,
    residency: null,
    env: {},
    uris: [],
    fetch: [],
    storeUrls: [],
    healthChecks: [],
    ports: [10_000],
    portDefinitions: [{ port: 10_000, protocol: 'tcp', labels: {} }],
  });
  expect(await bench.app('/app')).not.toHaveProperty('networks');
});

test.each([LAB, NEW])('8.43 %s leaves unset and empty fields of an app out', async (version) => {
  await start(version);
  await bench.run(sleeper({ env: {}, portDefinitions: [{ port: 0 }] }));

  const app = await bench.app('/app');

  const old = ['ipAddress', 'uris', 'ports', 'storeUrls', 'residency'];
  for (const field of [...old, 'args', 'user', 'container', 'env', 'fetch', 'healthChecks'])
    expect(app).not.toHaveProperty(field);
  expect(app.networks).toEqual([{ mode: 'host' }]);
});

test.each([
  [OLD, { docker: { network: 'BRIDGE', portMappings: [MAPPED] } }, { ports: [10_000] }],
  [LAB, { portMappings: [MAPPED] }, { networks: [{ mode: 'container/bridge' }] }],
  [NEW, { portMappings: [MAPPED] }, { networks: [{ mode: 'container/bridge' }] }],
])(
  '8.43 %s shows a bridge in its own fields, and its task has a port',
  async (version, container, fields) => {
    await start(version);
    await bench.run(bridged());

    expect(await bench.app('/app')).toMatchObject({ container, ...fields });
    expect(bench.lab.tasks('/app')[0]?.ports).toHaveLength(1);
  },
);

test.each([
  [OLD, { container: { docker: { network: 'USER' } }, ipAddress: { networkName: 'dcos' } }],
  [LAB, { networks: [{ mode: 'container', name: 'dcos' }] }],
  [NEW, { networks: [{ mode: 'container', name: 'dcos' }] }],
])('8.43 %s shows a network by its name in its own fields', async (version, shown) => {
  await start(version);
  const { container } = bridged();
  const docker = { ...container.docker, network: 'USER' };
  await bench.run({ ...bridged(), container: { ...container, docker }, ipAddress: { networkName: 'dcos' } });

  expect(await bench.app('/app')).toMatchObject(shown);
});

test.each([
  [OLD, undefined],
  [LAB, undefined],
  [NEW, '*'],
])('8.43 an app, a task and the queue show in %s the role %s', async (version, role) => {
  await start(version);
  await bench.run(sleeper());
  await bench.call('POST', '/v2/apps', sleeper({ id: '/waits', constraints: [['rack', 'UNIQUE']] }));

  const app = await bench.app('/app');
  const { queue } = (await bench.call('GET', '/v2/queue')).json;

  expect([app.role, app.tasks[0].role, queue[0].role]).toEqual([role, role, role]);
});

test.each([
  [OLD, 3600],
  [LAB, 300],
  [NEW, 300],
])(
  '8.43 the longest delay of a launch is in %s %i s unless the app says otherwise',
  async (version, seconds) => {
    await start(version);
    await bench.run(sleeper());

    expect((await bench.app('/app')).maxLaunchDelaySeconds).toBe(seconds);
  },
);

describe('bodies', () => {
  const rejected = (error: string, path = '') => ({
    message: 'Invalid JSON',
    details: [{ path, errors: [error] }],
  });

  test.each([
    [OLD, 400],
    [LAB, 422],
    [NEW, 422],
  ])('8.42 in %s a wrong type is a %i', async (version, status) => {
    await start(version);
    await bench.run(sleeper());

    const reply = await bench.call('PUT', '/v2/apps/app', { instances: 'two' });

    expect([reply.status, reply.json]).toEqual([status, rejected('error.expected.jsnumber', '/instances')]);
  });

  test.each([
    [OLD, 400, 'You cannot specify both uris and fetch fields'],
    [LAB, 422, "The 'version' field may only be combined with the 'id' field."],
    [NEW, 422, "The 'version' field may only be combined with the 'id' field."],
  ])('8.19 in %s a body that came from GET is refused with %i', async (version, status, why) => {
    await start(version);
    await bench.run(sleeper());
    const before = await bench.app('/app');

    const reply = await bench.call('PUT', '/v2/apps/app', before);

    expect(reply.status).toBe(status);
    expect(reply.text).toContain(why);
    expect((await bench.app('/app')).version).toBe(before.version);
  });

  test('8.19 in 1.4 a body that came from GET is refused without its uris too, because of its version', async () => {
    await start(OLD);
    await bench.run(sleeper());
    const { uris: _uris, ...body } = await bench.app('/app');

    const reply = await bench.call('PUT', '/v2/apps/app', body);

    expect([reply.status, reply.json]).toEqual([
      422,
      { message: "requirement failed: The 'version' field may only be combined with the 'id' field." },
    ]);
  });

  test.each([
    [OLD, [400, 400]],
    [LAB, [200, 422]],
    [NEW, [200, 422]],
  ])(
    '8.19 %s answers empty uris beside empty fetch, and other ports beside definitions, with %j',
    async (version, statuses) => {
      await start(version);
      await bench.run(sleeper());
      const bodies = [
        { uris: [], fetch: [] },
        { ports: [18_081], portDefinitions: [{ port: 18_082 }] },
      ];

      const replies = await Promise.all(bodies.map((body) => bench.call('PUT', '/v2/apps/app', body)));

      expect(replies.map(({ status }) => status)).toEqual(statuses);
    },
  );

  test.each(VERSIONS)(
    '8.1 8.2 %s replaces env as a whole and keeps what is null or absent',
    async (version) => {
      await start(version);
      await bench.run(sleeper({ env: { A: '1', B: '2' }, labels: { x: 'y' } }));

      const reply = await bench.call('PUT', '/v2/apps/app', { env: { B: '3' }, cmd: null, labels: null });

      expect(reply.headers['marathon-deployment-id']).toBe(reply.json.deploymentId);
      expect(await bench.app('/app')).toMatchObject({
        cmd: 'exec sleep 1000',
        env: { B: '3' },
        labels: { x: 'y' },
      });
      expect((await bench.app('/app')).env).toEqual({ B: '3' });
    },
  );

  test.each(VERSIONS)('8.43 %s takes a PATCH, and a PUT that replaces the whole', async (version) => {
    await start(version);
    await bench.run(sleeper({ labels: { x: 'y' } }));

    const patch = await bench.call('PATCH', '/v2/apps/app', { env: { A: '2' } });
    await bench.settled('/app');
    const patched = await bench.app('/app');
    const whole = { cmd: 'exec sleep 999', portDefinitions: [], uris: [], fetch: [] };
    const put = await bench.call('PUT', '/v2/apps/app?partialUpdate=false', whole);

    expect([patch.status, put.status]).toEqual([200, 200]);
    expect(patched).toMatchObject({ env: { A: '2' }, labels: { x: 'y' } });
    expect(await bench.app('/app')).toMatchObject({ cmd: 'exec sleep 999', labels: {}, cpus: 1 });
  });

  test.each([
    [OLD, [undefined, undefined], [undefined, undefined]],
    [LAB, [{ cpus: 1 }, undefined], [undefined, undefined]],
    [NEW, [{ cpus: 1 }, { mem: 64 }], [undefined, undefined]],
  ])(
    '8.47 %s knows executorResources and resourceLimits as %j, after a partial update as %j',
    async (version, first, then) => {
      await start(version);
      await bench.run(sleeper({ executorResources: { cpus: 1 }, resourceLimits: { mem: 64 } }));
      const both = async () => {
        const { executorResources, resourceLimits } = await bench.app('/app');
        return [executorResources, resourceLimits];
      };

      const before = await both();
      await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });

      expect([before, await both()]).toEqual([first, then]);
    },
  );

  test.each([
    [OLD, [201, 201, 400]],
    [LAB, [422, 422, 201]],
    [NEW, [422, 422, 201]],
  ])(
    '%s answers a reserved id, a command of one character and the operator IS with %j',
    async (version, statuses) => {
      await start(version);
      const apps = [
        sleeper({ id: '/shop/tasks', instances: 0 }),
        sleeper({ id: '/short', cmd: 'w', instances: 0 }),
        sleeper({ id: '/is', constraints: [['hostname', 'IS', '127.0.31.11']] }),
      ];

      const replies = await Promise.all(apps.map((app) => bench.call('POST', '/v2/apps', app)));

      expect(replies.map(({ status }) => status)).toEqual(statuses);
    },
  );
});

test.each([
  [OLD, 404, { message: 'URI not found: /v2/nobody' }],
  [LAB, 500, { message: 'URI not found' }],
  [NEW, 500, { message: 'URI not found' }],
])('8.43 in %s an unknown URL is a %i', async (version, status, body) => {
  await start(version);

  const reply = await bench.call('GET', '/v2/nobody');

  expect([reply.status, reply.json]).toEqual([status, body]);
});

test.each([
  [OLD, 503],
  ['1.6.567', 503],
  [LAB, 502],
  [NEW, 502],
])('8.36 in %s a call without a leader is answered with %i', async (version, status) => {
  await start(version);
  bench.lab.faults.set({ noLeader: true, noLeaderHoldMs: 5 });

  expect((await bench.call('GET', '/v2/apps')).status).toBe(status);
});

test('a version that nobody speaks is refused', async () => {
  await start(LAB);

  await expect(startBench({ version: '1.3.13' })).rejects.toThrow('The lab speaks Marathon 1.4 to 1.11');
});
