import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Bench, type Json, sleeper, startBench } from './lab-harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => bench.close());

test('8.41 a service port 0 becomes one from 10000 up and stays over updates', async () => {
  await bench.run(sleeper({ portDefinitions: [{ port: 0 }, { port: 0 }] }));
  await bench.run(sleeper({ id: '/other', portDefinitions: [{ port: 0 }] }));

  await bench.call('PUT', '/v2/apps/other', { env: { A: '2' }, portDefinitions: [{ port: 0 }] });

  const portsOf = (app: Json) => app.portDefinitions.map((port: Json) => port.port);
  expect(portsOf(await bench.app('/app'))).toEqual([10_000, 10_001]);
  expect(portsOf(await bench.app('/other'))).toEqual([10_002]);
});

test('an app without portDefinitions gets one dynamic port named default', async () => {
  await bench.run(sleeper({ portDefinitions: undefined }));

  expect((await bench.app('/app')).portDefinitions).toEqual([
    { port: 10_000, protocol: 'tcp', name: 'default', labels: {} },
  ]);
});

test('network fields of 1.4 are accepted and shown in their new form', async () => {
  await bench.run(
    sleeper({
      portDefinitions: undefined,
      uris: ['http://files/x'],
      container: {
        type: 'DOCKER',
        docker: { image: 'x', network: 'BRIDGE', portMappings: [{ containerPort: 80 }] },
      },
    }),
  );

  const app = await bench.app('/app');
  expect(app.networks).toEqual([{ mode: 'container/bridge' }]);
  expect(app.container.portMappings).toMatchObject([{ containerPort: 80, hostPort: 0, servicePort: 10_000 }]);
  expect(app.container.docker).not.toHaveProperty('network');
  expect(app.fetch).toEqual([{ uri: 'http://files/x' }]);
});

test('8.45 label= selects apps by their labels', async () => {
  await bench.run(sleeper({ id: '/one', labels: { HAPROXY_GROUP: 'external', tier: 'a' } }));
  await bench.run(sleeper({ id: '/two', labels: { HAPROXY_GROUP: 'internal' } }));
  const selected = async (label: string) =>
    (await bench.call('GET', `/v2/apps?label=${encodeURIComponent(label)}`)).json.apps?.map(
      (app: Json) => app.id,
    );

  expect(await selected('HAPROXY_GROUP==external')).toEqual(['/one']);
  expect(await selected('HAPROXY_GROUP in (external,internal),tier')).toEqual(['/one']);
  expect(await selected('HAPROXY_GROUP!=external')).toEqual(['/two']);
  expect((await bench.call('GET', '/v2/apps?label=%3D%3D')).status).toBe(422);
});

test('8.45 embed= adds tasks to a list, which has counts and deployments anyway', async () => {
  await bench.run(sleeper());

  const plain = (await bench.call('GET', '/v2/apps')).json.apps[0];
  const full = (await bench.call('GET', '/v2/apps?embed=apps.tasks&embed=apps.taskStats&embed=nobody')).json
    .apps[0];

  expect(plain).toMatchObject({ tasksRunning: 1, deployments: [] });
  expect(plain).not.toHaveProperty('tasks');
  expect(full.tasks).toMatchObject([{ state: 'TASK_RUNNING' }]);
  expect(full.taskStats.totalSummary.stats.counts).toEqual({
    staged: 0,
    running: 1,
    healthy: 0,
    unhealthy: 0,
  });
});

test('apps are found by parts of id and cmd, and by their group', async () => {
  await bench.run(sleeper({ id: '/shop/web' }));
  await bench.run(sleeper({ id: '/other', cmd: 'exec sleep 2000' }));
  const found = async (path: string) => {
    const { json } = await bench.call('GET', path);
    return (json.apps ?? json['*']).map((app: Json) => app.id);
  };

  expect(await found('/v2/apps?id=SHOP')).toEqual(['/shop/web']);
  expect(await found('/v2/apps?cmd=2000')).toEqual(['/other']);
  expect(await found('/v2/apps/shop/*')).toEqual(['/shop/web']);
});

test('groups show the tree of apps', async () => {
  await bench.run(sleeper({ id: '/shop/web' }));

  const root = (await bench.call('GET', '/v2/groups')).json;
  const bare = (await bench.call('GET', '/v2/groups?embed=group.groups')).json;

  expect(root).toMatchObject({ id: '/', apps: [], groups: [{ id: '/shop', apps: [{ id: '/shop/web' }] }] });
  expect(bare.groups).toMatchObject([{ id: '/shop', apps: [] }]);
  expect((await bench.call('GET', '/v2/groups/nobody')).status).toBe(404);
});
