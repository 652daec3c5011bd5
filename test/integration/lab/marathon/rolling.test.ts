import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Bench, HTTP_CHECK, isAlive, sleeper, startBench, until, WEB_SERVER } from './lab-harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => bench.close());

/** What happened to tasks, in order: `+old`, `-old`, `+new`, `-new`, and `healthy` of a new one. */
function watch(oldVersion: string): string[] {
  const seen: string[] = [];
  bench.lab.onEvent((event) => {
    const age = event.version === oldVersion || event.runSpecVersion === oldVersion ? 'old' : 'new';
    if (event.eventType === 'instance_health_changed_event' && event.healthy) seen.push(`healthy ${age}`);
    if (event.eventType !== 'status_update_event') return;
    if (event.taskStatus === 'TASK_STAGING') seen.push(`+${age}`);
    if (event.taskStatus === 'TASK_KILLED') seen.push(`-${age}`);
  });
  return seen;
}

/** How many tasks live after each line of what `watch` saw. */
function livingAfterEach(seen: string[], before: number): number[] {
  let living = before;
  return seen.flatMap((line) => {
    if (line.startsWith('healthy')) return [];
    living += line.startsWith('+') ? 1 : -1;
    return [living];
  });
}

async function update(upgradeStrategy: object, instances: number): Promise<string[]> {
  await bench.run(sleeper({ upgradeStrategy, instances }));
  const seen = watch((await bench.app('/app')).version);
  await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });
  await bench.settled('/app');
  return seen;
}

test('8.10 with 1/1/1 the new task starts and passes its health check before the old one gets SIGTERM', async () => {
  await bench.run(sleeper({ cmd: WEB_SERVER, portDefinitions: [{ port: 0 }], healthChecks: [HTTP_CHECK] }));
  const seen = watch((await bench.app('/app')).version);

  await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });
  await bench.settled('/app');

  expect(seen).toEqual(['+new', 'healthy new', '-old']);
});

test('8.11 with 1/0/0 the old task is dead before the new one starts', async () => {
  const seen = await update({ minimumHealthCapacity: 0, maximumOverCapacity: 0 }, 1);

  expect(seen).toEqual(['-old', '+new']);
});

test('8.12 with 2/0.5/0.2 one task is replaced at a time, without extra room', async () => {
  const seen = await update({ minimumHealthCapacity: 0.5, maximumOverCapacity: 0.2 }, 2);

  expect(seen[0]).toBe('-old');
  expect(Math.max(...livingAfterEach(seen, 2))).toBe(2);
  expect(Math.min(...livingAfterEach(seen, 2))).toBe(1);
});

test('8.12 with 10/0.7/0.25 there are never fewer than 7 tasks and never more than 12', async () => {
  const seen = await update({ minimumHealthCapacity: 0.7, maximumOverCapacity: 0.25 }, 10);

  const living = livingAfterEach(seen, 10);
  expect(Math.min(...living)).toBeGreaterThanOrEqual(7);
  expect(Math.max(...living)).toBeLessThanOrEqual(12);
  expect(seen.filter((line) => line === '+new')).toHaveLength(10);
  expect(seen.filter((line) => line === '-old')).toHaveLength(10);
});

test('8.12 with 1/0.5/0.2 the rounding allows one more task for a while', async () => {
  const seen = await update({ minimumHealthCapacity: 0.5, maximumOverCapacity: 0.2 }, 1);

  expect(seen).toEqual(['+new', '-old']);
});

test('8.15 a fixed port held by the old task on the only agent: never placed, overdue in the queue, hangs', async () => {
  await bench.close();
  bench = await startBench({ agents: [{ host: '127.0.31.11' }] });
  await bench.run(sleeper({ portDefinitions: [{ port: 18_443 }], requirePorts: true }));
  const [old] = bench.lab.tasks('/app');

  const { json } = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });
  await until(
    'the launch is queued',
    async () => (await bench.call('GET', '/v2/queue')).json.queue.length === 1,
  );
  // The queue is tried in order: when a later app runs, this one has been refused.
  await bench.run(sleeper({ id: '/later' }));
  const { queue } = (await bench.call('GET', '/v2/queue')).json;

  expect(queue).toMatchObject([
    { app: { id: '/app' }, count: 1, delay: { timeLeftSeconds: 0, overdue: true } },
  ]);
  expect(bench.lab.tasks('/app')).toEqual([old]);
  expect((await bench.deployments()).map(({ id }) => id)).toEqual([json.deploymentId]);
});

test('8.15 stopping that deployment drops the launch that nobody placed and leaves the old task alone', async () => {
  await bench.close();
  bench = await startBench({ agents: [{ host: '127.0.31.11' }] });
  await bench.run(sleeper({ portDefinitions: [{ port: 18_443 }], requirePorts: true }));
  const [old] = bench.lab.tasks('/app');
  const { json } = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });
  await until(
    'the launch is queued',
    async () => (await bench.call('GET', '/v2/queue')).json.queue.length === 1,
  );

  await bench.call('DELETE', `/v2/deployments/${json.deploymentId}?force=true`);
  await bench.run(sleeper({ id: '/later' }));

  expect((await bench.call('GET', '/v2/queue')).json).toEqual({ queue: [] });
  expect(bench.lab.tasks('/app')).toEqual([old]);
});

test('a rollback counts the broken new task and kills the oldest first: a short outage is possible with 1/1/1', async () => {
  await bench.run(sleeper({ cmd: WEB_SERVER, portDefinitions: [{ port: 0 }], healthChecks: [HTTP_CHECK] }));
  const [old] = bench.lab.tasks('/app');
  const { json } = await bench.call('PUT', '/v2/apps/app', { env: { SICK: 'yes' } });
  await until('both run', () => bench.lab.tasks('/app').length === 2);
  const seen: string[] = [];
  bench.lab.onEvent((event) => {
    if (event.eventType === 'status_update_event') seen.push(`${event.taskStatus} ${event.taskId}`);
  });

  await bench.call('DELETE', `/v2/deployments/${json.deploymentId}`);
  await bench.settled('/app');

  const killed = seen.filter((line) => line.startsWith('TASK_KILLED'));
  expect(killed[0]).toBe(`TASK_KILLED ${old?.id}`);
  expect(bench.lab.tasks('/app')).toHaveLength(1);
});

test('a broken new task that was wiped before the rollback is not counted: the old one lives until its successor is healthy', async () => {
  await bench.run(sleeper({ cmd: WEB_SERVER, portDefinitions: [{ port: 0 }], healthChecks: [HTTP_CHECK] }));
  const [old] = bench.lab.tasks('/app');
  const put = await bench.call('PUT', '/v2/apps/app', { env: { SICK: 'yes' } });
  await until('both run', () => bench.lab.tasks('/app').length === 2);
  await bench.call('DELETE', `/v2/deployments/${put.json.deploymentId}?force=true`);
  const sick = bench.lab.tasks('/app').find((task) => task.pid !== old?.pid);
  await bench.call('POST', '/v2/tasks/delete?wipe=true', { ids: [sick?.id] });
  const seen = watch(old?.version ?? '');

  await bench.call('PUT', '/v2/apps/app?force=true', { env: { A: '1' } });
  await bench.settled('/app');

  expect(seen.indexOf('healthy new')).toBeLessThan(seen.indexOf('-old'));
  expect(isAlive(old?.pid)).toBe(false);
});

test('an old task that dies by itself during a deployment is not replaced by another old one', async () => {
  await bench.run(
    sleeper({ instances: 2, upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 } }),
  );
  const sick = {
    protocol: 'COMMAND',
    command: { value: 'false' },
    intervalSeconds: 0.05,
    gracePeriodSeconds: 60,
  };
  const { json } = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' }, healthChecks: [sick] });
  const versions = () => bench.lab.tasks('/app').map((task) => task.version === json.version);
  await until(
    'one old and one new run',
    () => versions().filter(Boolean).length === 1 && versions().length === 2,
  );

  const old = bench.lab.tasks('/app').find((task) => task.version !== json.version);
  process.kill(old?.pid ?? 0, 'SIGKILL');

  await until('two new tasks run', () => versions().length === 2 && versions().every(Boolean));
  expect((await bench.deployments())[0]).toMatchObject({ id: json.deploymentId });
});

test('a readiness check holds the old task until its first good status', async () => {
  await bench.run(
    sleeper({
      cmd: WEB_SERVER,
      portDefinitions: [{ port: 0, name: 'http-api' }],
    }),
  );
  const [old] = bench.lab.tasks('/app');
  const readiness = {
    path: '/status/503',
    intervalSeconds: 0.05,
    timeoutSeconds: 0.04,
    preserveLastResponse: true,
  };

  await bench.call('PUT', '/v2/apps/app', { readinessChecks: [readiness] });
  const results = async () => (await bench.deployments())[0]?.currentActions[0]?.readinessCheckResults;
  await until('a result is shown', async () => (await results())?.[0]?.lastResponse?.status === 503);

  expect(await results()).toMatchObject([{ name: 'readinessCheck', ready: false }]);
  expect(isAlive(old?.pid)).toBe(true);
  await bench.call('PUT', '/v2/apps/app?force=true', { readinessChecks: [{ ...readiness, path: '/' }] });
  await bench.settled('/app');
  expect(isAlive(old?.pid)).toBe(false);
});

test('an old instance that waits for its next launch is given up by a restart', async () => {
  await bench.run(sleeper({ backoffSeconds: 40 }));
  const [old] = bench.lab.tasks('/app');
  process.kill(old?.pid ?? 0, 'SIGKILL');
  await until('it waits', async () => (await bench.call('GET', '/v2/queue')).json.queue.length === 1);

  await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });
  await bench.settled('/app');

  expect(bench.lab.tasks('/app')).toHaveLength(1);
  expect(bench.lab.tasks('/app')[0]?.instanceId).not.toBe(old?.instanceId);
  expect((await bench.call('GET', '/v2/queue')).json).toEqual({ queue: [] });
});
