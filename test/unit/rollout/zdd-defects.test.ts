import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStats } from '../../../src/haproxy/stats.ts';
import { ERRORS } from '../../../src/lib/errors.ts';
import { emptyDrain, rememberLook, stateOf } from '../../../src/rollout/drain.ts';
import { newMemory, remember } from '../../../src/rollout/memory.ts';
import type { ColourTask, ObservedBalancer, RolloutPolicy, RolloutStep } from '../../../src/rollout/model.ts';
import { nextStep } from '../../../src/rollout/plan.ts';
import { rehearse } from '../../../src/rollout/rehearse.ts';
import { heldBy, type SeenBalancer, useOf } from '../../../src/rollout/tally.ts';
import { colourApp, pairSeen, rolloutMemory, rolloutPolicy } from '../../support/colours.ts';
import { csvOf } from '../../support/haproxy-csv.ts';
import { ASSERTED, DEFECTS, type Entry } from '../../support/zdd-defects.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const EVERY = ['in', 'in', 'in', 'in'] as const;

/** Tests that are named and are not there. */
function missing(shown: Entry['shown']): string[] {
  return shown
    .filter(({ file, title }) => {
      const path = resolve(ROOT, file);
      if (title === '' || !existsSync(path)) return true;
      const text = readFileSync(path, 'utf8');
      return !["'", '"', '`'].some((mark) => text.includes(`${mark}${title}${mark}`));
    })
    .map(({ file, title }) => `${file}: ${title}`);
}

describe('what is known to be wrong with zdd.py', () => {
  it('has 32 entries', () => {
    expect(DEFECTS.map(({ number }) => number)).toEqual(Array.from({ length: 32 }, (_, at) => at + 1));
  });

  it.each(DEFECTS)('$number is shown to be right here: $said', ({ shown }) => {
    expect(shown.length).toBeGreaterThan(0);
    expect(missing(shown)).toEqual([]);
  });

  it.each(ASSERTED)('and its own tests, which ours answer: $said', ({ shown }) => {
    expect(shown.length).toBeGreaterThan(0);
    expect(missing(shown)).toEqual([]);
  });

  it('is told missing by this test where it is', () => {
    const file = 'test/unit/rollout/zdd-defects.test.ts';
    const other = 'test/unit/rollout/none.test.ts';

    expect(missing([{ file, title: 'has 32 entries' }])).toEqual([]);
    expect(missing([{ file, title: `has ${33} entries` }])).toHaveLength(1);
    expect(missing([{ file, title: '' }])).toHaveLength(1);
    expect(missing([{ file: other, title: 'has 32 entries' }])).toHaveLength(1);
  });
});

describe('a rollout', () => {
  it('ends although a new task comes and goes for ever', () => {
    const sick = pairSeen(EVERY, ['sick']);
    const well = pairSeen(['out', 'in', 'in', 'in'], ['in']);
    const policy = rolloutPolicy();
    let memory = newMemory(0);
    let step: RolloutStep = { do: 'wait', for: 'healthy', reason: '', untilMs: 0 };
    let nowMs = 0;
    for (; step.do === 'wait' && nowMs < 10 * policy.maxWaitMs; nowMs += 1_000) {
      const seen = (nowMs / 1_000) % 4 < 2 ? sick : well;
      memory = remember(memory, seen, policy, nowMs);
      step = nextStep(seen, policy, memory, nowMs);
    }

    expect(step).toMatchObject({ do: 'turn', code: 'ROLLOUT_STUCK' });
    expect(nowMs).toBeLessThan(policy.maxWaitMs + 10_000);
  });

  it('is not held up by an old task that serves nothing', () => {
    const seen = pairSeen(['sick', 'in', 'in', 'in'], ['in']);

    expect(nextStep(seen, rolloutPolicy(), rolloutMemory(), 1_000)).toMatchObject({
      ...{ do: 'kill', taskIds: ['blue.1'] },
    });
  });

  it('kills nothing of a colour that a deployment holds', () => {
    const seen = pairSeen(['drained', 'in', 'in', 'in'], ['in'], { blue: { deployments: ['d1'] } });

    for (const direction of ['forward', 'back'] as const)
      expect(nextStep(seen, rolloutPolicy({ direction }), rolloutMemory(), 1_000)).toMatchObject({
        ...{ do: 'wait', for: 'deployment' },
      });
  });

  it('waits for the end of the tasks of an app that was deleted', () => {
    const both = pairSeen([], EVERY);
    const seen = { ...both, apps: both.apps.slice(1), ending: ['d1'] };

    expect(nextStep(seen, rolloutPolicy(), rolloutMemory(), 1_000)).toMatchObject({
      ...{ do: 'wait', for: 'deployment', reason: 'the old tasks end (d1)' },
    });
  });

  it.each<[number, number, Partial<RolloutPolicy>]>([
    [1, 1, {}],
    [4, 1, { old: 'shrink' }],
    [4, 1, { old: 'keep' }],
    [10, 1, { old: 'shrink', linearIncrease: 3 }],
    [10, 1, { split: 3 }],
  ])('asks before every removal on every way forward', (target, fresh, more) => {
    const steps = ladder(target, fresh, { hasHook: true, ...more });

    const removals = steps.flatMap((step, at) => (step.do === 'kill' || step.do === 'delete' ? [at] : []));
    expect(removals.length).toBeGreaterThan(0);
    for (const at of removals) {
      const [before, removal] = [steps[at - 1], steps[at]];
      if (removal?.do === 'kill') expect(before).toMatchObject({ do: 'ask', taskIds: removal.taskIds });
      else expect(before).toMatchObject({ do: 'ask', isWhole: true });
    }
  });

  it('has no more than two steps above the target, and one of one, where the old colour shrinks by a linear increase', () => {
    const size = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(size, size, (target, linearIncrease) => {
        let [old, fresh] = [target, 1];
        for (const step of ladder(target, 1, { old: 'shrink', linearIncrease })) {
          if (step.do === 'kill') old -= step.taskIds.length;
          const grown = step.do === 'kill' ? step.grow : step.do === 'scale' ? step : undefined;
          if (grown !== undefined) fresh = grown.instances;
          expect(old + fresh).toBeLessThanOrEqual(target + (linearIncrease === 1 ? 1 : 2 * linearIncrease));
        }
      }),
    );
  });
});

describe('a task', () => {
  const task: ColourTask = {
    ...{ id: 'blue.1', state: 'TASK_RUNNING', isAlive: true, isHealthy: true },
    listeners: ['web_10000/a', 'web_10001/a'],
  };
  const IN = { kind: 'in', status: 'UP', sessions: 0 } as const;
  const DRAINED = { kind: 'out', isListed: true, holders: [] } as const;
  const HELD = { ...DRAINED, holders: [{ pid: 7, sessions: 1, seenAtMs: 0 }] };

  it.each([
    [IN, IN, 'in'],
    [IN, DRAINED, 'mixed'],
    [DRAINED, IN, 'mixed'],
    [DRAINED, HELD, 'out'],
    [HELD, DRAINED, 'out'],
    [DRAINED, DRAINED, 'drained'],
  ])('judges a task by every port that it has', (first, second, expected) => {
    // The order of the rows means nothing.
    const listeners = { 'web_10001/a': second, 'web_10001/b': IN, 'web_10000/a': first, 'web_10000/b': IN };

    expect(useOf(task, [{ id: 'lb', kind: 'seen', listeners }])).toBe(expected);
  });

  it('is held by those with most sessions first, then by those of which nothing is known', () => {
    const holders = [0, undefined, 3, 1].map((sessions, at) => ({ pid: 7 + at, sessions, seenAtMs: 0 }));
    const listeners = { 'web_10000/a': { ...DRAINED, holders }, 'web_10001/a': DRAINED };

    const held = heldBy([task], [{ id: 'lb', kind: 'seen', listeners }]);

    expect(held.map(({ sessions }) => sessions)).toEqual([3, 1, undefined, 0]);
  });

  it('takes a task for drained when it is out and idle on both of two balancers', () => {
    const names = ['10_0_6_25_16916', '10_0_6_25_31184', '10_0_6_25_23336'];
    const rows = (statuses: readonly string[], queued: number) =>
      parseStats(
        csvOf(
          names.map((svname, at) => ({
            ...{ pxname: 'nginx_10000', svname, status: statuses[at] ?? '', scur: 0 },
            qcur: at === 2 ? queued : 0,
          })),
        ),
      ).map(({ backend, server, ...row }) => ({ listener: `${backend}/${server}`, ...row }));
    const watched = names.map((name) => `nginx_10000/${name}`);
    const look = { pids: [1, 2], servingPid: 2, atMs: 0 };
    const looks = [
      { ...look, balancer: 'lb.1', rows: rows(['MAINT', 'MAINT', 'MAINT'], 0) },
      { ...look, balancer: 'lb.2', rows: rows(['MAINT', 'UP', 'MAINT'], 1) },
    ];
    const memory = looks.reduce((before, each) => rememberLook(before, each, watched), emptyDrain);
    const balancers = looks.map(({ balancer }): ObservedBalancer => {
      const states = watched.map((listener) => [listener, stateOf(memory, balancer, listener)]);
      return { id: balancer, kind: 'seen', listeners: Object.fromEntries(states) };
    }) as SeenBalancer[];

    const uses = watched.map((listener) => useOf({ ...task, listeners: [listener] }, balancers));

    expect(uses).toEqual(['drained', 'mixed', 'out']);
  });
});

describe('the table of failures', () => {
  it('keeps the exit statuses that zdd.py meant', () => {
    const exits = Object.entries(ERRORS).map(([code, { exit }]) => [exit, code] as const);

    expect(exits.filter(([exit]) => exit >= 3 && exit <= 9).sort(([a], [b]) => a - b)).toEqual([
      [3, 'ROLLOUT_STATE'],
      [4, 'ROLLOUT_APP_INVALID'],
      [5, 'ROLLOUT_BALANCERS_UNREADABLE'],
      [6, 'ROLLOUT_READ_FAILED'],
      [7, 'ROLLOUT_CREATE_FAILED'],
      [8, 'ROLLOUT_DELETE_FAILED'],
      [9, 'ROLLOUT_SCALE_FAILED'],
    ]);
  });
});

function ladder(target: number, fresh: number, policy: Partial<RolloutPolicy>): RolloutStep[] {
  const app = (colour: 'blue' | 'green', instances: number) =>
    colourApp(colour, [], { target: String(target), instances });
  return rehearse({
    ...{ group: 'web', old: app('blue', target), fresh: app('green', fresh) },
    policy: rolloutPolicy(policy),
  });
}
