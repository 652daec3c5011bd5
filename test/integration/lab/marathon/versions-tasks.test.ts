import { afterEach, describe, expect, test } from 'vitest';
import type { LabOptions } from '../../../../src/lab/marathon/start.ts';
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
import { LAB, NEW, OLD, VERSIONS } from './versions.ts';

let bench: Bench;
const start = async (version: string, options: Partial<LabOptions> = {}) => {
  bench = await startBench({ version, ...options });
};
afterEach(() => bench.close());

const web = (change: Json = {}) =>
  sleeper({ cmd: WEB_SERVER, portDefinitions: [{ port: 0 }], healthChecks: [HTTP_CHECK], ...change });
const tasksOf = async (id: string) => (await bench.call('GET', `/v2/apps${id}/tasks`)).json.tasks;
const ids = () => bench.lab.tasks('/app').map((task) => task.id);
/** Kills a process behind Marathon's back. */
const murder = () => process.kill(bench.lab.tasks('/app')[0]?.pid ?? 0, 'SIGKILL');

const UUID = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';

test.each([
  [OLD, `^prod_web\\.${UUID}$`, `^prod_web\\.marathon-${UUID}$`],
  ['1.7.236', `^prod_web\\.${UUID}$`, `^prod_web\\.marathon-${UUID}$`],
  [LAB, `^prod_web\\.instance-${UUID}\\._app\\.1$`, `^prod_web\\.instance-${UUID}$`],
  [NEW, `^prod_web\\.instance-${UUID}\\._app\\.1$`, `^prod_web\\.instance-${UUID}$`],
])('8.43 %s calls a task %s and its instance %s', async (version, task, instance) => {
  await start(version);
  await bench.run(web({ id: '/prod/web' }));

  const [seen] = await tasksOf('/prod/web');

  expect(seen.id).toMatch(new RegExp(task));
  expect(seen.healthCheckResults[0].instanceId).toMatch(new RegExp(instance));
  expect(bench.events.find((event) => event.taskStatus === 'TASK_RUNNING')?.taskId).toBe(seen.id);
  expect(bench.events.find((event) => event.condition === 'Running')?.instanceId).toMatch(
    new RegExp(instance),
  );
});

test.each([
  [OLD, []],
  ['1.7.236', []],
  [LAB, ['TASK_FAILED']],
  [NEW, ['TASK_FAILED']],
])('8.43 %s lists of a task that died, until there is another one, %j', async (version, states) => {
  await start(version);
  await bench.run(sleeper({ backoffSeconds: 40 }));

  murder();
  await until('it failed', async () => (await bench.app('/app')).lastTaskFailure);

  expect((await tasksOf('/app')).map((task: Json) => task.state)).toEqual(states);
  expect((await bench.call('GET', '/v2/queue')).json.queue).toMatchObject([{ count: 1 }]);
});

test.each([
  [OLD, false],
  [LAB, true],
  [NEW, true],
])('8.43 in %s the task that follows a dead one is of the same instance: %s', async (version, isSame) => {
  await start(version);
  await bench.run(sleeper({ backoffSeconds: 0.01 }));
  const [before] = bench.lab.tasks('/app');

  murder();
  await until('it runs again', () => bench.lab.tasks('/app').some((task) => task.pid !== before?.pid));

  expect(bench.lab.tasks('/app').map((task) => task.instanceId === before?.instanceId)).toEqual([isSame]);
});

test.each([
  [OLD, false],
  ['1.7.236', false],
  [LAB, true],
  [NEW, true],
])(
  'in %s a task that dies while somebody holds the lock is replaced at once: %s',
  async (version, isReplaced) => {
    await start(version, { scaleCheckMs: 100 });
    await bench.run(sleeper({ backoffSeconds: 0.01 }));
    bench.lab.faults.set({ foreignDeployment: '/app' });

    murder();
    await until('it failed', async () => (await bench.app('/app')).lastTaskFailure);
    // The queue is tried in order: when a later app runs, this one would run as well.
    await bench.run(sleeper({ id: '/later' }));
    const replaced = bench.lab.tasks('/app').length === 1;
    bench.lab.faults.set({ foreignDeployment: null });
    await until('the scale check has repaired it', () => bench.lab.tasks('/app').length === 1);

    expect(replaced).toBe(isReplaced);
  },
);

test.each([
  [OLD, { firstSuccess: expect.any(String), lastFailure: null, lastFailureCause: null }],
  [LAB, { firstSuccess: expect.any(String) }],
  [NEW, { firstSuccess: expect.any(String) }],
])('8.43 a health result without a failure is in %s %o', async (version, result) => {
  await start(version);
  // The first probe comes when the server listens long since.
  await bench.run(web({ healthChecks: [{ ...HTTP_CHECK, intervalSeconds: 1 }] }));

  const [{ healthCheckResults }] = await tasksOf('/app');

  expect(healthCheckResults).toEqual([
    {
      alive: true,
      consecutiveFailures: 0,
      lastSuccess: expect.any(String),
      instanceId: expect.any(String),
      ...result,
    },
  ]);
});

test.each([
  [OLD, ['ports'], { startedAt: null }],
  ['1.6.567', ['ports', 'healthCheckResults', 'localVolumes', 'servicePorts'], {}],
  [LAB, ['ports', 'healthCheckResults', 'localVolumes', 'servicePorts'], {}],
  [NEW, ['ports', 'healthCheckResults', 'localVolumes', 'servicePorts'], {}],
])('8.43 %s shows of a task that is only staged the empty lists %j', async (version, lists, times) => {
  await start(version, { launchDelayMs: 60_000 });
  await bench.call('POST', '/v2/apps', sleeper());
  await until('it is staged', () => bench.lab.tasks('/app').length === 1);

  const [task] = (await bench.call('GET', '/v2/tasks')).json.tasks;
  const { startedAt } = task;

  const empty = Object.keys(task).filter((key) => Array.isArray(task[key]) && task[key].length === 0);
  expect(empty.sort()).toEqual(lists.sort());
  expect({ ...(startedAt === undefined ? {} : { startedAt }) }).toEqual(times);
});

describe('kills', () => {
  test.each([
    [OLD, false],
    ['1.7.236', false],
    [LAB, true],
    [NEW, true],
  ])(
    '8.28 %s kills, without scaling, a task of a locked app: %s; it says 200 in any case',
    async (version, isKilled) => {
      await start(version);
      await bench.run(sleeper());
      const [before] = bench.lab.tasks('/app');
      bench.lab.faults.set({ foreignDeployment: '/app' });

      const scale = await bench.call('POST', '/v2/tasks/delete?scale=true', { ids: ids() });
      const kill = await bench.call('POST', '/v2/tasks/delete', { ids: ids() });
      await bench.run(sleeper({ id: '/later' }));

      expect([scale.status, kill.status]).toEqual([409, 200]);
      expect(kill.json.tasks.map((task: Json) => task.id)).toEqual([before?.id]);
      expect(isAlive(before?.pid)).toBe(!isKilled);
    },
  );

  test.each(VERSIONS)('8.27 %s replaces what was killed without scaling', async (version) => {
    await start(version);
    await bench.run(sleeper({ instances: 2 }));
    const [first, second] = bench.lab.tasks('/app');

    await bench.call('POST', '/v2/tasks/delete', { ids: [first?.id] });
    await until(
      'two run again',
      () => !isAlive(first?.pid) && bench.lab.tasks('/app').filter(({ pid }) => pid).length === 2,
    );

    expect(bench.lab.tasks('/app')).toContainEqual(second);
    expect((await bench.app('/app')).lastTaskFailure).toBeUndefined();
  });

  test.each([
    [OLD, true],
    [LAB, false],
    [NEW, false],
  ])('in %s a kill that comes while another one of the app goes on is lost: %s', async (version, isLost) => {
    await start(version);
    await bench.run(sleeper({ instances: 2 }));
    const [first, second] = bench.lab.tasks('/app');
    bench.lab.faults.set({ slowStop: { appId: '/app', ms: 400 } });

    await bench.call('POST', '/v2/tasks/delete', { ids: [first?.id] });
    await bench.call('POST', '/v2/tasks/delete', { ids: [second?.id] });
    await until('the first is dead', () => !isAlive(first?.pid));
    await until(
      'two run again',
      () => bench.lab.tasks('/app').filter(({ isDying }) => !isDying).length === 2,
    );

    expect(isAlive(second?.pid)).toBe(isLost);
  });

  test.each(VERSIONS)('%s replaces a task that was wiped', async (version) => {
    await start(version);
    await bench.run(sleeper());
    const [before] = bench.lab.tasks('/app');

    await bench.call('DELETE', `/v2/apps/app/tasks/${before?.id}?wipe=true`);
    await until('another one runs', () => !isAlive(before?.pid) && bench.lab.tasks('/app').length === 1);

    expect(bench.lab.tasks('/app')[0]?.instanceId).not.toBe(before?.instanceId);
  });

  test.each(VERSIONS)(
    '8.25 8.26 %s lowers instances by the known tasks, and never below zero',
    async (version) => {
      await start(version);
      await bench.run(sleeper({ instances: 2 }));
      const [first, second] = ids();
      const unknown = `app.${'00000000-0000-1000-8000-000000000000'}`;

      await bench.call('POST', '/v2/tasks/delete?scale=true', { ids: [unknown, first] });
      await bench.settled('/app');
      const one = { instances: (await bench.app('/app')).instances, ids: ids() };
      bench.lab.faults.set({ slowStop: { appId: '/app', ms: 60_000 } });
      for (let time = 0; time < 2; time++)
        await bench.call('POST', '/v2/tasks/delete?scale=true&force=true', { ids: [second] });

      expect(one).toEqual({ instances: 1, ids: [second] });
      expect((await bench.app('/app')).instances).toBe(0);
    },
  );
});

describe('the feature task_killing', () => {
  const states = () =>
    bench.events
      .filter((event) => event.eventType === 'status_update_event')
      .map((event) => String(event.taskStatus).slice(5));

  test.each(VERSIONS)(
    '%s shows TASK_KILLING from the signal to the death, and counts no such task as running',
    async (version) => {
      await start(version, { features: ['task_killing'] });
      await bench.run(sleeper());
      bench.lab.faults.set({ slowStop: { appId: '/app', ms: 300 } });

      await bench.call('PUT', '/v2/apps/app', { instances: 0 });
      await until('it is asked to die', () => bench.lab.tasks('/app')[0]?.isDying);
      const app = await bench.app('/app');
      await bench.settled('/app');

      expect([app.tasks[0].state, app.tasksRunning]).toEqual(['TASK_KILLING', 0]);
      expect(states().slice(-2)).toEqual(['KILLING', 'KILLED']);
      expect(bench.events.filter((event) => event.condition === 'Killing')).toHaveLength(1);
      expect((await bench.call('GET', '/v2/info')).json.marathon_config.features).toEqual(['task_killing']);
    },
  );

  test.each(VERSIONS)('without it %s goes on showing TASK_RUNNING', async (version) => {
    await start(version);
    await bench.run(sleeper());
    bench.lab.faults.set({ slowStop: { appId: '/app', ms: 300 } });

    await bench.call('PUT', '/v2/apps/app', { instances: 0 });
    await until('it is asked to die', () => bench.lab.tasks('/app')[0]?.isDying);
    const app = await bench.app('/app');
    await bench.settled('/app');

    expect([app.tasks[0].state, app.tasksRunning]).toEqual(['TASK_RUNNING', 1]);
    expect(states()).not.toContain('KILLING');
  });

  test.each([
    ['without', [], 1],
    ['with', ['task_killing' as const], 2],
  ])(
    '%s it a kill-and-scale that is forced again counts a dying task: instances become %3$i of 3',
    async (_name, features, left) => {
      await start(LAB, { features });
      await bench.run(sleeper({ instances: 3 }));
      const [first] = ids();
      bench.lab.faults.set({ slowStop: { appId: '/app', ms: 60_000 } });

      for (let time = 0; time < 2; time++) {
        await bench.call('POST', '/v2/tasks/delete?scale=true&force=true', { ids: [first] });
        await until('it is asked to die', () => bench.lab.tasks('/app')[0]?.isDying);
      }

      expect((await bench.app('/app')).instances).toBe(left);
    },
  );
});
