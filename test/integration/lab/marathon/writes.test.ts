import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Bench, isAlive, sleeper, startBench, until } from './lab-harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => bench.close());

test('8.1 a partial PUT replaces env as a whole: keys left out are gone', async () => {
  await bench.run(sleeper({ env: { A: '1', B: '2' } }));

  await bench.call('PUT', '/v2/apps/app', { env: { B: '3' } });

  expect((await bench.app('/app')).env).toEqual({ B: '3' });
});

test('8.2 absent and null top-level fields keep their value', async () => {
  await bench.run(sleeper({ labels: { x: 'y' } }));

  await bench.call('PUT', '/v2/apps/app', { env: { B: '3' }, cmd: null, labels: null });

  const app = await bench.app('/app');
  expect(app).toMatchObject({ cmd: 'exec sleep 1000', labels: { x: 'y' }, env: { B: '3' } });
});

test('8.3 the answer carries version, deploymentId and header, and GET shows the new env before any task changes', async () => {
  await bench.run(sleeper());
  const [before] = bench.lab.tasks('/app');
  bench.lab.faults.set({ hangDeployment: '/app' });

  const reply = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });

  const app = await bench.app('/app');
  expect(reply.status).toBe(200);
  expect(Object.keys(reply.json)).toEqual(['version', 'deploymentId']);
  expect(reply.headers['marathon-deployment-id']).toBe(reply.json.deploymentId);
  expect(app.env).toEqual({ A: '2' });
  expect(app.version).toBe(reply.json.version);
  expect(app.versionInfo).toEqual({ lastScalingAt: app.version, lastConfigChangeAt: app.version });
  expect(app.deployments).toEqual([{ id: reply.json.deploymentId }]);
  expect(bench.lab.tasks('/app')).toEqual([before]);
});

test('8.4 a deployment is listed until the new task runs and the old one is dead, then it is gone', async () => {
  await bench.run(sleeper());
  const [before] = bench.lab.tasks('/app');
  const gate = bench.gate();

  const { json } = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' }, healthChecks: [gate.check] });
  await until('the new task runs', () => bench.lab.tasks('/app').length === 2);
  const [listed] = await bench.deployments();
  const oldLives = isAlive(before?.pid);
  await gate.open();
  await bench.settled('/app');

  expect(oldLives).toBe(true);
  expect(listed).toMatchObject({
    id: json.deploymentId,
    version: json.version,
    affectedApps: ['/app'],
    affectedPods: [],
    steps: [{ actions: [{ action: 'RestartApplication', app: '/app' }] }],
    totalSteps: 1,
  });
  expect(await bench.deployments()).toEqual([]);
  expect(isAlive(before?.pid)).toBe(false);
  expect(bench.lab.tasks('/app')).toMatchObject([{ version: json.version, state: 'TASK_RUNNING' }]);
});

test('8.5 a second config PUT while deploying is refused with the exact body, and nothing is stored', async () => {
  await bench.run(sleeper());
  bench.lab.faults.set({ hangDeployment: '/app' });
  const first = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });

  const second = await bench.call('PUT', '/v2/apps/app', { env: { A: '3' } });

  expect(second.status).toBe(409);
  expect(second.text).toBe(
    '{"message":"App is locked by one or more deployments. Override with the option \'?force=true\'. ' +
      `View details at '/v2/deployments/<DEPLOYMENT_ID>'.","deployments":[{"id":"${first.json.deploymentId}"}]}`,
  );
  expect(await bench.app('/app')).toMatchObject({ env: { A: '2' }, version: first.json.version });
  expect(bench.events.filter((event) => event.eventType === 'group_change_failed')).toHaveLength(1);
});

test('8.6 force cancels the running deployment: its id disappears and its tasks stay until they are replaced', async () => {
  await bench.run(sleeper({ upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 } }));
  const check = {
    protocol: 'COMMAND',
    command: { value: 'false' },
    intervalSeconds: 0.05,
    gracePeriodSeconds: 60,
  };
  const first = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' }, healthChecks: [check] });
  await until('the sick task runs', () => bench.lab.tasks('/app').length === 2);
  const sick = bench.lab.tasks('/app').find((task) => task.version === first.json.version);

  const gate = bench.gate();
  const second = await bench.call('PUT', '/v2/apps/app?force=true', {
    env: { A: '3' },
    healthChecks: [gate.check],
  });
  const stillThere = isAlive(sick?.pid);
  const ids = (await bench.deployments()).map(({ id }) => id);
  await gate.open();
  await bench.settled('/app');

  expect(second.status).toBe(200);
  expect(ids).toEqual([second.json.deploymentId]);
  expect(stillThere).toBe(true);
  expect(isAlive(sick?.pid)).toBe(false);
  expect(bench.events.find((event) => event.eventType === 'deployment_failed')).toMatchObject({
    id: first.json.deploymentId,
    reason: 'The upgrade has been cancelled',
  });
});

test('8.7 a no-op PUT answers with a new deployment id, changes nothing and is not refused while locked', async () => {
  await bench.run(sleeper());
  const before = await bench.app('/app');
  const tasks = bench.lab.tasks('/app');

  const free = await bench.call('PUT', '/v2/apps/app', { env: { A: '1' } });
  await bench.settled('/app');
  bench.lab.faults.set({ foreignDeployment: '/app' });
  const whileLocked = await bench.call('PUT', '/v2/apps/app', { env: { A: '1' } });

  expect([free.status, whileLocked.status]).toEqual([200, 200]);
  expect(free.json.deploymentId).not.toBe(whileLocked.json.deploymentId);
  expect((await bench.app('/app')).version).toBe(before.version);
  expect(bench.lab.tasks('/app')).toEqual(tasks);
});

test('8.8 an unknown field alone is a no-op', async () => {
  await bench.run(sleeper());
  const before = await bench.app('/app');

  const reply = await bench.call('PUT', '/v2/apps/app', { enviroment: {} });

  expect(reply.status).toBe(200);
  expect(await bench.app('/app')).toEqual({ ...before, tasks: expect.anything() });
});

test.each([
  ['env', { env: { A: '2' } }],
  ['labels', { labels: { new: 'label' } }],
])('8.9 a change of %s alone restarts all tasks', async (_name, change) => {
  await bench.run(sleeper({ instances: 2 }));
  const before = bench.lab.tasks('/app').map((task) => task.pid);

  await bench.call('PUT', '/v2/apps/app', change);
  await bench.settled('/app');

  const after = bench.lab.tasks('/app').map((task) => task.pid);
  expect(after).toHaveLength(2);
  expect(after.filter((pid) => before.includes(pid))).toEqual([]);
});

test('8.9 a change of instances alone does not touch running tasks', async () => {
  await bench.run(sleeper());
  const [before] = bench.lab.tasks('/app');

  await bench.call('PUT', '/v2/apps/app', { instances: 2 });
  await bench.settled('/app');

  expect(bench.lab.tasks('/app')).toHaveLength(2);
  expect(bench.lab.tasks('/app')[0]).toEqual(before);
});

test('8.19 a body that came from GET is refused because of its version', async () => {
  await bench.run(sleeper());

  const reply = await bench.call('PUT', '/v2/apps/app', await bench.app('/app'));

  expect(reply.status).toBe(422);
  expect(reply.text).toContain("The 'version' field may only be combined with the 'id' field.");
});

test('8.20 a task carries the version of its launch; scaling moves version and lastScalingAt only', async () => {
  await bench.run(sleeper());
  const before = await bench.app('/app');

  const { json } = await bench.call('PUT', '/v2/apps/app', { instances: 2 });
  await bench.settled('/app');

  const after = await bench.app('/app');
  expect(after.version).toBe(json.version);
  expect(after.versionInfo).toEqual({
    lastScalingAt: json.version,
    lastConfigChangeAt: before.versionInfo.lastConfigChangeAt,
  });
  expect(after.tasks.map((task: { version: string }) => task.version)).toEqual([
    before.version,
    json.version,
  ]);
});

test('partialUpdate=false returns fields that are left out to their defaults', async () => {
  await bench.run(sleeper({ labels: { x: 'y' } }));

  await bench.call('PUT', '/v2/apps/app?partialUpdate=false', { cmd: 'exec sleep 999', portDefinitions: [] });

  const app = await bench.app('/app');
  expect([app.cmd, app.env, app.labels, app.cpus]).toEqual(['exec sleep 999', undefined, {}, 1]);
});
