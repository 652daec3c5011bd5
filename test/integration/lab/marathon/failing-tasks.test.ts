import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type Bench,
  HTTP_CHECK,
  isAlive,
  type Json,
  sleeper,
  startBench,
  until,
  WEB_SERVER,
} from './lab-harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => bench.close());

const web = (change: Json = {}) =>
  sleeper({ cmd: WEB_SERVER, portDefinitions: [{ port: 0 }], healthChecks: [HTTP_CHECK], ...change });

test('8.13 a new task that exits at once is launched again with a growing delay, and the deployment stays', async () => {
  await bench.run(sleeper({ backoffSeconds: 0.05, backoffFactor: 2 }));
  // Without a health check TASK_RUNNING alone would count as success, as it does in Marathon.
  const check = { protocol: 'COMMAND', command: { value: 'true' }, intervalSeconds: 5 };
  const change = { cmd: 'echo gone wrong; exit 3', healthChecks: [check] };
  const { json } = await bench.call('PUT', '/v2/apps/app', change);
  const launchedAt: number[] = [];
  bench.lab.onEvent((event) => {
    if (event.taskStatus === 'TASK_STAGING') launchedAt.push(Date.parse(event.timestamp));
  });

  await until('it was launched five times', () => launchedAt.length >= 5);

  const waits = launchedAt.slice(1).map((at, index) => at - (launchedAt[index] ?? 0));
  expect(waits[3]).toBeGreaterThan(waits[0] ?? 0);
  expect((await bench.deployments()).map(({ id }) => id)).toEqual([json.deploymentId]);
  expect((await bench.app('/app')).lastTaskFailure).toMatchObject({
    appId: '/app',
    state: 'TASK_FAILED',
    message: 'Command exited with status 3',
    version: json.version,
  });
});

test('8.13 while it backs off, the queue shows count and delay, and DELETE of the delay ends it', async () => {
  await bench.run(sleeper({ backoffSeconds: 40 }));
  await bench.call('PUT', '/v2/apps/app', { cmd: 'exit 3' });
  await until('it failed', async () => (await bench.app('/app')).lastTaskFailure);

  const { queue } = (await bench.call('GET', '/v2/queue')).json;
  const first = (await bench.app('/app')).lastTaskFailure.taskId;
  const reset = await bench.call('DELETE', '/v2/queue/app/delay');
  await until('it failed again', async () => (await bench.app('/app')).lastTaskFailure.taskId !== first);

  expect(queue).toMatchObject([{ app: { id: '/app' }, count: 1, delay: { overdue: false } }]);
  expect(queue[0].delay.timeLeftSeconds).toBeGreaterThan(20);
  expect(reset.status).toBe(204);
});

test('a reset of the delay of an app that has nothing queued is a 404', async () => {
  await bench.run(sleeper());

  expect((await bench.call('DELETE', '/v2/queue/app/delay')).status).toBe(404);
});

test('8.13 exit status 0 sets no lastTaskFailure but backs off as well', async () => {
  await bench.call('POST', '/v2/apps', sleeper({ cmd: 'exit 0', backoffSeconds: 40 }));
  await until(
    'it waits',
    async () => (await bench.call('GET', '/v2/queue')).json.queue[0]?.delay.overdue === false,
  );

  expect((await bench.app('/app')).lastTaskFailure).toBeUndefined();
});

test('1.8 keeps the last dead task of an instance listed until its replacement is placed', async () => {
  await bench.call('POST', '/v2/apps', sleeper({ cmd: 'exit 3', backoffSeconds: 40 }));
  await until('it failed', async () => (await bench.app('/app')).lastTaskFailure);

  const { tasks } = (await bench.call('GET', '/v2/apps/app/tasks')).json;

  expect(tasks).toMatchObject([{ state: 'TASK_FAILED', ports: [] }]);
  expect(tasks[0].id).toMatch(/^app\.instance-[0-9a-f-]{36}\._app\.1$/);
  for (const left of ['version', 'startedAt', 'stagedAt']) expect(tasks[0]).not.toHaveProperty(left);
});

test('8.14 a new task that is never healthy: the old one stays, the new one is killed after max+1 failures and replaced', async () => {
  await bench.run(web());
  const [old] = bench.lab.tasks('/app');
  const check = { ...HTTP_CHECK, path: '/status/500', gracePeriodSeconds: 0, maxConsecutiveFailures: 2 };

  const { json } = await bench.call('PUT', '/v2/apps/app', { healthChecks: [check] });
  await until('one was killed', () =>
    bench.events.some((event) => event.eventType === 'unhealthy_instance_kill_event'),
  );
  await until('it was replaced', () => bench.lab.tasks('/app').some((task) => task.id.endsWith('._app.2')));

  // Before the server listens a probe fails with a refused connection, which counts like any other failure.
  const kill = bench.events.find((event) => event.eventType === 'unhealthy_instance_kill_event');
  const failures = bench.events.filter(
    (event) => event.eventType === 'failed_health_check_event' && event.taskId === kill?.instanceId,
  );
  const failure = (await bench.app('/app')).lastTaskFailure;
  expect(failures).toHaveLength(check.maxConsecutiveFailures + 1);
  expect(failure.state).toBe('TASK_KILLED');
  expect(failure.message).toMatch(/^Task was killed since health check failed\. Reason: /);
  expect(isAlive(old?.pid)).toBe(true);
  expect((await bench.deployments()).map(({ id }) => id)).toEqual([json.deploymentId]);
});

test('8.23 a task has no health result before its first probe, and is neither healthy nor unhealthy', async () => {
  await bench.call('POST', '/v2/apps', web({ healthChecks: [{ ...HTTP_CHECK, intervalSeconds: 60 }] }));
  await until('it runs', () => bench.lab.tasks('/app')[0]?.state === 'TASK_RUNNING');

  const app = await bench.app('/app');

  expect(app.tasks[0].healthCheckResults).toEqual([]);
  expect([app.tasksRunning, app.tasksHealthy, app.tasksUnhealthy]).toEqual([1, 0, 0]);
});

test.each([
  [200, true],
  [302, true],
  [399, true],
  [404, false],
  [500, false],
])('8.23 status %i of an HTTP check makes alive %s', async (status, alive) => {
  await bench.call('POST', '/v2/apps', web({ healthChecks: [{ ...HTTP_CHECK, path: `/status/${status}` }] }));
  // The first probes may come before the server listens: wait for the result that the status made.
  await until('it has a result', async () =>
    alive ? (await bench.app('/app')).tasksHealthy === 1 : (await bench.app('/app')).tasksUnhealthy === 1,
  );

  const app = await bench.app('/app');

  expect(app.tasks[0].healthCheckResults[0].alive).toBe(alive);
  expect([app.tasksHealthy, app.tasksUnhealthy]).toEqual(alive ? [1, 0] : [0, 1]);
});

test('8.23 an app without health checks shows no healthy and no unhealthy tasks', async () => {
  await bench.run(sleeper());

  const app = await bench.app('/app');

  expect([app.tasksStaged, app.tasksRunning, app.tasksHealthy, app.tasksUnhealthy]).toEqual([0, 1, 0, 0]);
});

test('8.24 failed probes inside the grace period are not counted and do not kill, but show the task as unhealthy', async () => {
  const check = { ...HTTP_CHECK, path: '/status/500', gracePeriodSeconds: 600, maxConsecutiveFailures: 1 };
  await bench.call('POST', '/v2/apps', web({ healthChecks: [check] }));
  await until('it was probed', async () => (await bench.app('/app')).tasksUnhealthy === 1);
  const [before] = bench.lab.tasks('/app');

  const task = (await bench.app('/app')).tasks[0];

  expect(task.healthCheckResults).toMatchObject([{ alive: false, consecutiveFailures: 0 }]);
  expect(bench.events.some((event) => event.eventType === 'failed_health_check_event')).toBe(false);
  expect(bench.lab.tasks('/app')).toEqual([before]);
});

test.each([
  ['TCP', { protocol: 'TCP' }],
  ['MESOS_TCP', { protocol: 'MESOS_TCP' }],
  ['MESOS_HTTP', { protocol: 'MESOS_HTTP', path: '/' }],
  ['COMMAND', { protocol: 'COMMAND', command: { value: 'test "$A" = 1' } }],
])('a %s check passes on a good task', async (_name, check) => {
  await bench.call('POST', '/v2/apps', web({ healthChecks: [{ ...check, intervalSeconds: 0.05 }] }));

  await until('it is healthy', async () => (await bench.app('/app')).tasksHealthy === 1);

  expect((await bench.app('/app')).tasksUnhealthy).toBe(0);
});

test('the fault neverHealthy fails every probe of tasks launched from now on, and of no others', async () => {
  await bench.run(web());
  bench.lab.faults.set({ neverHealthy: '/app' });

  await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });
  await until('the new task has a result', async () => (await bench.app('/app')).tasksUnhealthy === 1);

  expect(await bench.app('/app')).toMatchObject({ tasksHealthy: 1, tasksUnhealthy: 1, tasksRunning: 2 });
  expect(bench.lab.tasks('/app')).toHaveLength(2);
});

test('an image that is not in the table fails with its name', async () => {
  const container = { type: 'DOCKER', docker: { image: 'nobody/nothing' } };
  await bench.call('POST', '/v2/apps', { id: '/app', container, portDefinitions: [] });
  await until('it failed', async () => (await bench.app('/app')).lastTaskFailure);

  expect((await bench.app('/app')).lastTaskFailure.message).toBe("Failed to pull image 'nobody/nothing'");
});

test('a program that does not exist fails as a task, not as a call', async () => {
  const reply = await bench.call('POST', '/v2/apps', {
    id: '/app',
    args: ['/no/such/program'],
    portDefinitions: [],
  });
  await until('it failed', async () => (await bench.app('/app')).lastTaskFailure);

  expect(reply.status).toBe(201);
  expect((await bench.app('/app')).lastTaskFailure.message).toContain('ENOENT');
});
