import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Bench, isAlive, sleeper, startBench, until } from './lab-harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => bench.close());

test('8.16 DELETE of a deployment restores the former definition under a new id and replaces all tasks', async () => {
  await bench.run(sleeper());
  const before = await bench.app('/app');
  const [old] = bench.lab.tasks('/app');
  bench.lab.faults.set({ hangDeployment: '/app' });
  const first = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });

  const undo = await bench.call('DELETE', `/v2/deployments/${first.json.deploymentId}`);
  const app = await bench.app('/app');
  await bench.settled('/app');

  expect(undo.status).toBe(200);
  expect(undo.json.deploymentId).not.toBe(first.json.deploymentId);
  expect(app.env).toEqual({ A: '1' });
  expect(app.version).toBe(undo.json.version);
  expect(app.version > before.version).toBe(true);
  expect(isAlive(old?.pid)).toBe(false);
  expect(bench.lab.tasks('/app')).toMatchObject([{ version: undo.json.version }]);
});

test('8.17 DELETE of a deployment with force answers 202 without a body; the same PUT again is a no-op', async () => {
  await bench.run(sleeper());
  const sick = {
    protocol: 'COMMAND',
    command: { value: 'false' },
    intervalSeconds: 0.05,
    gracePeriodSeconds: 60,
  };
  const change = { env: { A: '2' }, healthChecks: [sick] };
  const first = await bench.call('PUT', '/v2/apps/app', change);
  await until('both versions run', () => bench.lab.tasks('/app').length === 2);
  const mixed = bench.lab.tasks('/app').map((task) => task.pid);

  const stop = await bench.call('DELETE', `/v2/deployments/${first.json.deploymentId}?force=true`);
  const again = await bench.call('PUT', '/v2/apps/app', change);

  expect([stop.status, stop.text]).toEqual([202, '']);
  expect(again.status).toBe(200);
  expect(await bench.app('/app')).toMatchObject({ env: { A: '2' }, version: first.json.version });
  expect(bench.lab.tasks('/app').map((task) => task.pid)).toEqual(mixed);
});

test('an unknown deployment is a 404', async () => {
  const reply = await bench.call('DELETE', '/v2/deployments/nobody');

  expect([reply.status, reply.text]).toEqual([404, '{"message":"DeploymentPlan nobody does not exist"}']);
});

test('8.18 PUT of a version restores that definition; an unknown version is a 404', async () => {
  await bench.run(sleeper());
  const { version } = await bench.app('/app');
  await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });
  await bench.settled('/app');

  const restored = await bench.call('PUT', '/v2/apps/app', { version });
  const unknown = await bench.call('PUT', '/v2/apps/app', { version: '2001-01-01T00:00:00.000Z' });

  expect(restored.status).toBe(200);
  expect(await bench.app('/app')).toMatchObject({ env: { A: '1' }, version: restored.json.version });
  expect(unknown.status).toBe(404);
});

test('versions are listed and can be read one by one', async () => {
  await bench.run(sleeper());
  const first = (await bench.app('/app')).version;
  const { json } = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });

  const list = await bench.call('GET', '/v2/apps/app/versions');
  const old = await bench.call('GET', `/v2/apps/app/versions/${first}`);

  expect(list.json).toEqual({ versions: [json.version, first] });
  expect(old.json).toMatchObject({ id: '/app', env: { A: '1' }, version: first });
});

test('restart replaces all tasks and moves lastConfigChangeAt without a change of configuration', async () => {
  await bench.run(sleeper());
  const before = await bench.app('/app');
  const [old] = bench.lab.tasks('/app');

  const { json } = await bench.call('POST', '/v2/apps/app/restart');
  await bench.settled('/app');

  const after = await bench.app('/app');
  expect(isAlive(old?.pid)).toBe(false);
  expect(after.env).toEqual(before.env);
  expect(after.versionInfo.lastConfigChangeAt).toBe(json.version);
});

test('the periodic scale check repairs the count that a stopped deployment left, not the mix of versions', async () => {
  await bench.close();
  bench = await startBench({ scaleCheckMs: 50 });
  const gate = bench.gate();
  await bench.run(sleeper());
  const [old] = bench.lab.tasks('/app');
  const { json } = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' }, healthChecks: [gate.check] });
  await until('both versions run', () => bench.lab.tasks('/app').length === 2);

  await bench.call('DELETE', `/v2/deployments/${json.deploymentId}?force=true`);
  await until('one is left', () => bench.lab.tasks('/app').length === 1);

  expect(bench.lab.tasks('/app')).toEqual([old]);
});
