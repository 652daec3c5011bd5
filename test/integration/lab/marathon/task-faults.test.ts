import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Bench, isAlive, type Json, sleeper, startBench, until, WEB_SERVER } from './lab-harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => bench.close());

const queueOf = async (id: string) =>
  (await bench.call('GET', '/v2/queue')).json.queue.find((entry: Json) => entry.app.id === id);

describe('refuseWrites', () => {
  test('so many next writes are answered with 503 and not carried out; reads and the lab itself go on', async () => {
    await bench.run(sleeper());
    const before = await bench.app('/app');
    bench.lab.faults.set({ refuseWrites: 2 });

    const put = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });
    const read = await bench.app('/app');
    const knobs = await bench.call('PUT', '/lab/faults', { slowMs: 0 });
    const remove = await bench.call('DELETE', '/v2/apps/app');
    const late = await bench.call('PUT', '/v2/apps/app', { env: { A: '3' } });

    expect([put.status, remove.status, late.status]).toEqual([503, 503, 200]);
    expect(put.headers['content-type']).toContain('text/html');
    expect([read.env, read.version]).toEqual([before.env, before.version]);
    expect([knobs.status, knobs.json.refuseWrites]).toEqual([200, 1]);
  });
});

describe('crashing', () => {
  test('tasks that are launched from now on exit with status 1 after they were running, until it is cleared', async () => {
    await bench.run(sleeper({ id: '/other' }));
    bench.lab.faults.set({ crashing: '/app' });
    await bench.call(
      'POST',
      '/v2/apps',
      sleeper({ cmd: WEB_SERVER, backoffSeconds: 0.02, backoffFactor: 1 }),
    );
    const states = () =>
      bench.events
        .filter((event) => event.eventType === 'status_update_event' && event.appId === '/app')
        .map((event) => event.taskStatus);
    await until('it crashed twice', () => states().filter((state) => state === 'TASK_FAILED').length >= 2);

    bench.lab.faults.set({ crashing: null });
    const [other] = bench.lab.tasks('/other');
    const fine = bench.lab.tasks('/app').map(({ id }) => id);
    await until('it runs another task', () =>
      bench.lab.tasks('/app').some(({ id, state }) => !fine.includes(id) && state === 'TASK_RUNNING'),
    );

    expect(states().slice(0, 4)).toEqual(['TASK_STAGING', 'TASK_STARTING', 'TASK_RUNNING', 'TASK_FAILED']);
    expect((await bench.app('/app')).lastTaskFailure.message).toBe('Command exited with status 1');
    expect(isAlive(other?.pid)).toBe(true);
  });
});

describe('slowStop', () => {
  test('a task gets its SIGTERM so much later, and those of other apps at once', async () => {
    const told = "trap 'exit 0' TERM; while :; do sleep 0.02; done";
    await bench.run(sleeper({ cmd: told }));
    await bench.run(sleeper({ id: '/other', cmd: told }));
    bench.lab.faults.set({ slowStop: { appId: '/app', ms: 600 } });
    const diedAt = new Map<unknown, number>();
    bench.lab.onEvent((event) => {
      if (event.taskStatus === 'TASK_KILLED') diedAt.set(event.appId, performance.now());
    });
    const begunAt = performance.now();

    for (const id of ['/app', '/other']) await bench.call('DELETE', `/v2/apps${id}`);
    await until('both are dead', () => diedAt.size === 2);

    expect((diedAt.get('/app') ?? 0) - begunAt).toBeGreaterThanOrEqual(595);
    expect(diedAt.get('/other')).toBeLessThan(diedAt.get('/app') ?? 0);
  });

  test('the grace period begins with the signal that was held back', async () => {
    const deaf = "trap '' TERM; while :; do sleep 0.02; done";
    await bench.run(sleeper({ cmd: deaf, taskKillGracePeriodSeconds: 0.3 }));
    const [task] = bench.lab.tasks('/app');
    bench.lab.faults.set({ slowStop: { appId: '/app', ms: 300 } });
    const begunAt = performance.now();

    await bench.call('DELETE', '/v2/apps/app');
    await until('it is dead', () => !isAlive(task?.pid));

    expect(performance.now() - begunAt).toBeGreaterThanOrEqual(595);
  });

  test('the end of the lab waits for no signal that is held back', async () => {
    await bench.run(sleeper());
    const [task] = bench.lab.tasks('/app');
    bench.lab.faults.set({ slowStop: { appId: '/app', ms: 600_000 } });
    await bench.call('DELETE', '/v2/apps/app');

    await bench.lab.stop();

    expect(isAlive(task?.pid)).toBe(false);
  });
});

describe('agents that are too small', () => {
  const AGENTS = ['127.0.31.11', '127.0.31.12'].map((host) => ({ host, cpus: 1, mem: 256 }));
  const reasons = (entry: Json) =>
    entry.processedOffersSummary.rejectSummaryLastOffers
      .filter((step: Json) => step.declined > 0)
      .map((step: Json) => `${step.reason} ${step.declined}/${step.processed}`);

  beforeEach(async () => {
    await bench.close();
    bench = await startBench({ agents: AGENTS });
  });

  test.each([
    ['more processors than there are', { cpus: 2 }, ['InsufficientCpus 2/2']],
    ['more memory than there is', { mem: 512 }, ['InsufficientMemory 2/2']],
    [
      'an agent that is not there',
      { constraints: [['hostname', 'LIKE', '10.*']] },
      ['UnfulfilledConstraint 2/2'],
    ],
    [
      'little from one agent',
      { cpus: 2, constraints: [['hostname', 'CLUSTER', '127.0.31.12']] },
      ['UnfulfilledConstraint 1/2', 'InsufficientCpus 1/1'],
    ],
  ])('an app that wants %s waits, and the queue says for what', async (_name, wish, expected) => {
    await bench.call('POST', '/v2/apps', sleeper(wish));
    await bench.run(sleeper({ id: '/later' }));

    const entry = await queueOf('/app');

    expect(entry).toMatchObject({ count: 1, delay: { overdue: true, timeLeftSeconds: 0 } });
    expect(reasons(entry)).toEqual(expected);
    expect(entry.processedOffersSummary.processedOffersCount).toBeGreaterThanOrEqual(2);
  });

  test('what a task takes is free again when it is dead, and then the next one comes', async () => {
    await bench.run(sleeper({ instances: 2, cpus: 0.8 }));
    await bench.call('POST', '/v2/apps', sleeper({ id: '/next', cpus: 0.5 }));
    await until(
      'it was passed over',
      async () => (await queueOf('/next'))?.processedOffersSummary.unusedOffersCount,
    );
    const waiting = bench.lab.tasks('/next').length;

    await bench.call('PUT', '/v2/apps/app', { instances: 1 });
    await until('it runs', () => bench.lab.tasks('/next').length === 1);

    expect(waiting).toBe(0);
    expect(await queueOf('/next')).toBeUndefined();
  });

  test('a port that is held is a reason too', async () => {
    const port = { portDefinitions: [{ port: 18_454 }], requirePorts: true };
    await bench.run(sleeper({ ...port, instances: 2 }));
    await bench.call('POST', '/v2/apps', sleeper({ ...port, id: '/next' }));
    await bench.run(sleeper({ id: '/later' }));

    expect(reasons(await queueOf('/next'))).toEqual(['InsufficientPorts 2/2']);
  });
});
