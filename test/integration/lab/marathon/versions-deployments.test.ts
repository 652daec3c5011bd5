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
/** Is well, and says so through its agent, while `$SICK` is not set. */
const byAgent = (change: Json = {}) =>
  sleeper({
    healthChecks: [
      {
        protocol: 'COMMAND',
        command: { value: 'test -z "$SICK"' },
        intervalSeconds: 0.05,
        gracePeriodSeconds: 600,
      },
    ],
    ...change,
  });
const pids = () => bench.lab.tasks('/app').map((task) => task.pid);
const deploymentIds = async () => (await bench.deployments()).map(({ id }: Json) => id);
const queueLength = async () => (await bench.call('GET', '/v2/queue')).json.queue.length;

describe('restarts', () => {
  const ONE_BY_ONE = { minimumHealthCapacity: 0.5, maximumOverCapacity: 0.2 };

  test.each([
    [OLD, 'by the leader', web, false],
    [LAB, 'by the leader', web, false],
    [NEW, 'by the leader', web, true],
    [NEW, 'by its agent', byAgent, false],
    [NEW, 'in no way', sleeper, false],
    ['1.9.109', 'by the leader', web, false],
    ['1.9.136', 'by the leader', web, true],
    ['1.10.26', 'by the leader', web, true],
  ])(
    '8.46 in %s the restart of an app that is checked %s, without room for more, hangs at once: %3$s',
    async (version, _how, app, isHung) => {
      await start(version);
      await bench.run(app({ instances: 2, upgradeStrategy: ONE_BY_ONE }));
      const before = pids();

      const { json } = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });
      if (isHung) await bench.run(sleeper({ id: '/later' }));
      else await bench.settled('/app');

      expect(pids().filter((pid) => before.includes(pid))).toEqual(isHung ? before : []);
      expect(await deploymentIds()).toEqual(isHung ? [json.deploymentId] : []);
    },
  );

  test.each([
    [OLD, 'old'],
    [LAB, 'old'],
    [NEW, 'sick'],
  ])(
    '8.46 in %s a forced rollback from one healthy old and one sick new task kills the %s one first',
    async (version, first) => {
      await start(version);
      await bench.run(byAgent());
      const [old] = bench.lab.tasks('/app');
      const { json } = await bench.call('PUT', '/v2/apps/app', { env: { SICK: 'yes' } });
      await until('the sick one was looked at', async () => (await bench.app('/app')).tasksUnhealthy === 1);

      await bench.call('DELETE', `/v2/deployments/${json.deploymentId}`);
      await bench.settled('/app');

      const killed = bench.events.filter((event) => event.taskStatus === 'TASK_KILLED');
      expect(killed[0]?.taskId === old?.id ? 'old' : 'sick').toBe(first);
      expect(killed).toHaveLength(2);
      expect(isAlive(old?.pid)).toBe(false);
    },
  );

  test.each([
    [OLD, 'lastScalingAt'],
    ['1.7.236', 'lastScalingAt'],
    [LAB, 'lastConfigChangeAt'],
    [NEW, 'lastConfigChangeAt'],
  ])('in %s a restart moves %s, and replaces all tasks', async (version, moved) => {
    await start(version);
    await bench.run(sleeper({ instances: 2 }));
    const before = { app: await bench.app('/app'), pids: pids() };

    const { json } = await bench.call('POST', '/v2/apps/app/restart');
    await bench.settled('/app');

    const { versionInfo } = await bench.app('/app');
    expect(versionInfo).toEqual({ ...before.app.versionInfo, [moved]: json.version });
    expect(pids().filter((pid) => before.pids.includes(pid))).toEqual([]);
  });

  test.each([
    [OLD, ['+new', 'healthy new', '-old']],
    [LAB, ['+new', 'healthy new', '-old']],
    [NEW, ['+new', 'healthy new', '-old']],
  ])('8.10 in %s with 1/1/1 what happens to tasks is %j', async (version, expected) => {
    await start(version);
    await bench.run(web());
    const { version: old } = await bench.app('/app');
    const seen: string[] = [];
    bench.lab.onEvent((event) => {
      const age = event.version === old || event.runSpecVersion === old ? 'old' : 'new';
      if (event.eventType === 'instance_health_changed_event' && event.healthy) seen.push(`healthy ${age}`);
      if (event.taskStatus === 'TASK_STAGING') seen.push(`+${age}`);
      if (event.taskStatus === 'TASK_KILLED') seen.push(`-${age}`);
    });

    await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });
    await bench.settled('/app');

    expect(seen).toEqual(expected);
  });

  test.each(VERSIONS)(
    '8.13 in %s a new task that crashes is launched again, and the deployment stays',
    async (version) => {
      await start(version);
      await bench.run(byAgent({ backoffSeconds: 0.02, backoffFactor: 1 }));
      const [old] = bench.lab.tasks('/app');
      bench.lab.faults.set({ crashing: '/app' });

      const { json } = await bench.call('PUT', '/v2/apps/app', {
        env: { A: '2' },
        healthChecks: [{ protocol: 'COMMAND', command: { value: 'true' }, intervalSeconds: 5 }],
      });
      const crashes = () => bench.events.filter((event) => event.taskStatus === 'TASK_FAILED').length;
      await until('it crashed three times', () => crashes() >= 3);

      expect(isAlive(old?.pid)).toBe(true);
      expect(await deploymentIds()).toEqual([json.deploymentId]);
      expect((await bench.app('/app')).lastTaskFailure).toMatchObject({
        state: 'TASK_FAILED',
        message: 'Command exited with status 1',
        version: json.version,
      });
    },
  );
});

describe('a refused write', () => {
  /** The app holds a port of the only agent, so that its next version can not be placed. */
  const stuck = async (version: string) => {
    await start(version, { agents: [{ host: '127.0.31.11' }] });
    await bench.run(sleeper({ portDefinitions: [{ port: 18_453 }], requirePorts: true }));
    const { json } = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });
    await until('the launch is queued', async () => (await queueLength()) === 1);
    return json.deploymentId;
  };

  test.each([
    [OLD, 1],
    ['1.5.15', 0],
    ['1.6.567', 0],
    ['1.7.236', 0],
    [LAB, 1],
    [NEW, 1],
  ])('8.47 leaves in %s %i launches of the running deployment in the queue', async (version, left) => {
    const id = await stuck(version);

    const refused = await bench.call('PUT', '/v2/apps/app', { env: { A: '3' } });

    expect([refused.status, await queueLength()]).toEqual([409, left]);
    expect(await deploymentIds()).toEqual([id]);
  });

  test('8.47 hangs the running restart in 1.6, even when there is room at last', async () => {
    const id = await stuck('1.6.567');
    const [old] = bench.lab.tasks('/app');
    await bench.call('PUT', '/v2/apps/app', { env: { A: '3' } });

    process.kill(old?.pid ?? 0, 'SIGKILL');
    await until('the old one is dead', () => bench.lab.tasks('/app').length === 0);
    await bench.run(sleeper({ id: '/later' }));

    expect(bench.lab.tasks('/app')).toEqual([]);
    expect(await deploymentIds()).toEqual([id]);
  });

  test('8.47 does not hang a running scaling in 1.6: what is missing is asked for again', async () => {
    await start('1.6.567', { agents: [{ host: '127.0.31.11', cpus: 0.1 }] });
    await bench.run(sleeper());
    await bench.call('PUT', '/v2/apps/app', { instances: 2 });
    await until('the launch is queued', async () => (await queueLength()) === 1);

    await bench.call('PUT', '/v2/apps/app', { instances: 3 });
    const purged = await queueLength();
    await until('it is queued again', async () => (await queueLength()) === 1);

    expect(purged).toBe(0);
  });

  test.each([
    [OLD, []],
    ['1.5.15', [{ isKnown: false }]],
    [LAB, [{ isKnown: false, reason: expect.stringContaining('App is locked') }]],
    [NEW, [{ isKnown: false, reason: expect.stringContaining('App is locked') }]],
  ])('is told by %s as the failed deployments %j', async (version, told) => {
    await start(version);
    await bench.run(sleeper());
    bench.lab.faults.set({ hangDeployment: '/app' });
    const { json } = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });

    await bench.call('PUT', '/v2/apps/app', { env: { A: '3' } });

    const failed = bench.events.filter((event) => event.eventType === 'deployment_failed');
    const seen = failed.map(({ id, reason }) => ({
      isKnown: id === json.deploymentId,
      ...(reason === undefined ? {} : { reason }),
    }));
    expect(seen).toEqual(told);
    expect(bench.events.filter((event) => event.eventType === 'group_change_failed')).toHaveLength(1);
  });
});

test.each(VERSIONS)(
  '8.4 8.5 8.7 %s lists a deployment, refuses a second and lets a no-op pass',
  async (version) => {
    await start(version);
    await bench.run(sleeper());
    bench.lab.faults.set({ hangDeployment: '/app' });
    const first = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });

    const second = await bench.call('PUT', '/v2/apps/app', { env: { A: '3' } });
    const again = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });

    expect([second.status, second.json.deployments]).toEqual([409, [{ id: first.json.deploymentId }]]);
    expect(again.status).toBe(200);
    expect(await bench.deployments()).toMatchObject([
      {
        id: first.json.deploymentId,
        affectedApps: ['/app'],
        affectedPods: [],
        currentStep: 1,
        totalSteps: 1,
      },
    ]);
    expect((await bench.app('/app')).env).toEqual({ A: '2' });
  },
);

test.each(VERSIONS)('8.16 8.17 8.18 %s undoes, stops and restores', async (version) => {
  await start(version);
  await bench.run(sleeper());
  const { version: first } = await bench.app('/app');
  bench.lab.faults.set({ hangDeployment: '/app' });
  const hung = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });

  const undo = await bench.call('DELETE', `/v2/deployments/${hung.json.deploymentId}`);
  const undone = (await bench.app('/app')).env;
  await bench.settled('/app');
  bench.lab.faults.set({ hangDeployment: '/app' });
  const again = await bench.call('PUT', '/v2/apps/app', { env: { A: '3' } });
  const stop = await bench.call('DELETE', `/v2/deployments/${again.json.deploymentId}?force=true`);
  const restore = await bench.call('PUT', '/v2/apps/app', { version: first });
  await bench.settled('/app');

  expect([undo.status, stop.status, restore.status]).toEqual([200, 202, 200]);
  expect(undone).toEqual({ A: '1' });
  expect((await bench.app('/app')).env).toEqual({ A: '1' });
});

test.each(VERSIONS)(
  '8.29 8.31 %s creates in two steps and ends an app whatever holds it',
  async (version) => {
    await start(version);
    const gate = bench.gate();
    const made = await bench.call('POST', '/v2/apps', sleeper({ healthChecks: [gate.check] }));
    const [deployment] = await bench.deployments();
    await gate.open();
    await bench.settled('/app');
    bench.lab.faults.set({ foreignDeployment: '/app' });

    const ended = await bench.call('DELETE', '/v2/apps/app');
    const listed = (await bench.call('GET', '/v2/tasks')).json.tasks;
    await until('it is terminated', () =>
      bench.events.some((event) => event.eventType === 'app_terminated_event'),
    );

    expect([made.status, ended.status, listed]).toEqual([201, 200, []]);
    expect(deployment.steps.map((step: Json) => step.actions[0].action)).toEqual([
      'StartApplication',
      'ScaleApplication',
    ]);
  },
);

test.each(VERSIONS)('8.30 %s scales down by the age of tasks, and up again', async (version) => {
  await start(version);
  await bench.run(sleeper({ instances: 3 }));
  const before = pids();

  await bench.call('PUT', '/v2/apps/app', { instances: 1 });
  await bench.settled('/app');
  const one = pids();
  await bench.call('PUT', '/v2/apps/app', { instances: 2 });
  await bench.settled('/app');

  expect(one).toEqual([before[0]]);
  expect(pids()).toHaveLength(2);
});
