import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Bench, isAlive, type Json, sleeper, startBench, until } from './lab-harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => bench.close());

const ids = () => bench.lab.tasks('/app').map((task) => task.id);

test('8.25 kill-and-scale kills exactly the given tasks and lowers instances by their number', async () => {
  await bench.run(sleeper({ instances: 4 }));
  const [first, second, third, fourth] = ids();

  const reply = await bench.call('POST', '/v2/tasks/delete?scale=true', { ids: [first, third] });
  await bench.settled('/app');

  expect(reply.status).toBe(200);
  expect(bench.events.findLast((event) => event.eventType === 'deployment_success')?.plan).toMatchObject({
    id: reply.json.deploymentId,
    steps: [{ actions: [{ action: 'ScaleApplication', app: '/app' }] }],
  });
  expect(ids()).toEqual([second, fourth]);
  expect((await bench.app('/app')).instances).toBe(2);
});

test('8.26 unknown ids are ignored beside known ones, and when all are unknown nothing happens', async () => {
  await bench.run(sleeper({ instances: 2 }));
  const [first, second] = ids();
  const unknown = 'app.instance-00000000-0000-0000-0000-000000000000._app.1';

  const none = await bench.call('POST', '/v2/tasks/delete?scale=true', { ids: [unknown] });
  const untouched = { instances: (await bench.app('/app')).instances, ids: ids() };
  await bench.call('POST', '/v2/tasks/delete?scale=true', { ids: [unknown, first] });
  await bench.settled('/app');

  expect(none.status).toBe(200);
  expect(none.json.deploymentId).toMatch(/^[0-9a-f-]{36}$/);
  expect(untouched).toEqual({ instances: 2, ids: [first, second] });
  expect((await bench.app('/app')).instances).toBe(1);
  expect(ids()).toEqual([second]);
});

test('a malformed task id is refused', async () => {
  const reply = await bench.call('POST', '/v2/tasks/delete', { ids: ['nonsense'] });

  expect([reply.status, reply.json]).toEqual([400, { message: "Invalid task id 'nonsense'." }]);
});

test('8.27 the same call without scale replaces the tasks and answers with them', async () => {
  await bench.run(sleeper());
  const [before] = bench.lab.tasks('/app');

  const reply = await bench.call('POST', '/v2/tasks/delete', { ids: [before?.id] });
  await until('it was replaced', () => bench.lab.tasks('/app').some((task) => task.pid !== before?.pid));

  expect(reply.status).toBe(200);
  expect(reply.json.tasks.map((task: Json) => task.id)).toEqual([before?.id]);
  expect(isAlive(before?.pid)).toBe(false);
  expect(ids()).toEqual([before?.id.replace(/1$/, '2')]);
  expect((await bench.app('/app')).instances).toBe(1);
  expect((await bench.app('/app')).lastTaskFailure).toBeUndefined();
});

test('8.28 scale and wipe together are refused', async () => {
  await bench.run(sleeper());

  const reply = await bench.call('POST', '/v2/tasks/delete?scale=true&wipe=true', { ids: ids() });

  expect([reply.status, reply.json]).toEqual([
    400,
    { message: 'You cannot use scale and wipe at the same time.' },
  ]);
});

test('8.28 kill-and-scale of a locked app is refused and kills nothing; kill alone works since 1.8', async () => {
  await bench.run(sleeper());
  const [before] = bench.lab.tasks('/app');
  bench.lab.faults.set({ foreignDeployment: '/app' });

  const scale = await bench.call('POST', '/v2/tasks/delete?scale=true', { ids: ids() });
  const alive = isAlive(before?.pid);
  const kill = await bench.call('POST', '/v2/tasks/delete', { ids: ids() });
  await until('it is dead', () => !isAlive(before?.pid));

  expect(scale.status).toBe(409);
  expect(alive).toBe(true);
  expect(kill.status).toBe(200);
});

test('wipe=true takes the instance out at once and another one comes', async () => {
  await bench.run(sleeper());
  const [before] = bench.lab.tasks('/app');

  await bench.call('DELETE', `/v2/apps/app/tasks/${before?.id}?wipe=true`);
  await until('another instance runs', () =>
    bench.lab.tasks('/app').some((task) => task.instanceId !== before?.instanceId),
  );

  expect(ids()).not.toContain(before?.id.replace(/1$/, '2'));
});

test('DELETE of one task answers with it, and with 404 for an unknown one', async () => {
  await bench.run(sleeper());
  const [id] = ids();

  const known = await bench.call('DELETE', `/v2/apps/app/tasks/${id}`);
  const unknown = await bench.call('DELETE', '/v2/apps/app/tasks/nobody');

  expect(known.json.task.id).toBe(id);
  expect([unknown.status, unknown.json]).toEqual([404, { message: "Task 'nobody' does not exist" }]);
});

test('DELETE of all tasks of a host touches no other host', async () => {
  await bench.run(sleeper({ instances: 3, constraints: [['hostname', 'UNIQUE']] }));
  const before = bench.lab.tasks('/app');

  const reply = await bench.call('DELETE', '/v2/apps/app/tasks?host=127.0.31.12&scale=true');
  await bench.settled('/app');

  expect(reply.status).toBe(200);
  expect(
    bench.lab
      .tasks('/app')
      .map((task) => task.host)
      .sort(),
  ).toEqual(['127.0.31.11', '127.0.31.13']);
  expect(before.filter((task) => isAlive(task.pid))).toHaveLength(2);
});

test('a task is listed with what a client reads of it, service ports only by /v2/tasks', async () => {
  await bench.run(sleeper({ id: '/prod/web', portDefinitions: [{ port: 0 }] }));

  const all = (await bench.call('GET', '/v2/tasks?status=running')).json.tasks;
  const own = (await bench.call('GET', '/v2/apps//prod/web/tasks')).json.tasks;
  const staging = (await bench.call('GET', '/v2/tasks?status=staging')).json.tasks;

  expect(all).toMatchObject([
    {
      id: expect.stringMatching(/^prod_web\.instance-[0-9a-f-]{36}\._app\.1$/),
      appId: '/prod/web',
      host: expect.stringMatching(/^127\.0\.31\./),
      ports: [expect.any(Number)],
      servicePorts: [10_000],
      ipAddresses: [{ ipAddress: all[0].host, protocol: 'IPv4' }],
      state: 'TASK_RUNNING',
      stagedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      startedAt: expect.any(String),
      version: expect.any(String),
      healthCheckResults: [],
      localVolumes: [],
    },
  ]);
  expect(own[0]).not.toHaveProperty('servicePorts');
  expect(staging).toEqual([]);
});

test('a task that dies although nobody wanted it to is launched again under the same instance', async () => {
  await bench.run(sleeper({ backoffSeconds: 0.01 }));
  const [before] = bench.lab.tasks('/app');

  process.kill(before?.pid ?? 0, 'SIGKILL');
  await until('it runs again', () => bench.lab.tasks('/app').some((task) => task.pid !== before?.pid));

  expect(ids()).toEqual([before?.id.replace(/1$/, '2')]);
  expect((await bench.app('/app')).lastTaskFailure.message).toBe('Command terminated with signal SIGKILL');
});

test('a task that is staged but not started yet can be killed', async () => {
  await bench.close();
  bench = await startBench({ launchDelayMs: 60_000 });
  await bench.call('POST', '/v2/apps', sleeper());
  await until('it is staged', () => bench.lab.tasks('/app').length === 1);
  const staged = await bench.app('/app');

  await bench.call('DELETE', '/v2/apps/app');
  await until('it is terminated', () =>
    bench.events.some((event) => event.eventType === 'app_terminated_event'),
  );

  expect([staged.tasksStaged, staged.tasksRunning]).toEqual([1, 0]);
  expect(staged.tasks).toMatchObject([{ state: 'TASK_STAGING' }]);
});
