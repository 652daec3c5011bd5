import { describe, expect, it } from 'vitest';
import type {
  RolloutMemory,
  RolloutObservation,
  RolloutPolicy,
  RolloutStep,
} from '../../../src/rollout/model.ts';
import { nextStep } from '../../../src/rollout/plan.ts';
import { pairSeen, rolloutMemory, rolloutPolicy, type Standing } from '../../support/colours.ts';

const NOW = 1_000;
const LATER = '2026-01-03T10:00:00.000Z';
const times = (count: number, standing: Standing): Standing[] =>
  Array.from({ length: count }, () => standing);
const failure = { taskId: 'green.9', message: 'exit status 1', timestamp: LATER };

/** What holds the new colour is a scaling, not what created it. */
function asScaled(seen: RolloutObservation): RolloutObservation {
  return { ...seen, apps: seen.apps.map((app) => ({ ...app, isAsCreated: false })) };
}

interface Row {
  what: string;
  seen: RolloutObservation;
  policy?: Partial<RolloutPolicy>;
  memory?: Partial<RolloutMemory>;
  step: Partial<RolloutStep>;
}

function check({ seen, policy, memory, step }: Row): void {
  expect(nextStep(seen, rolloutPolicy(policy), rolloutMemory(memory), NOW)).toMatchObject(step);
}

describe('nextStep() forward, the old colour made smaller', () => {
  it.each<Row>([
    {
      what: 'waits until the first new task is healthy',
      seen: pairSeen(times(4, 'in'), ['sick'], { green: { deployments: ['d1'] } }),
      step: { do: 'wait', for: 'healthy' },
    },
    {
      what: 'waits for the deployment although every task is healthy: readiness is part of it',
      seen: pairSeen(times(4, 'in'), ['in'], { green: { deployments: ['d1'] } }),
      step: { do: 'wait', for: 'deployment' },
    },
    {
      what: 'waits until every balancer sends the new task requests',
      seen: pairSeen(times(4, 'in'), ['unlisted']),
      step: { do: 'wait', for: 'rotation' },
    },
    {
      what: 'waits while old processes hold connections to the task that was taken out',
      seen: pairSeen(['out', 'in', 'in', 'in'], ['in']),
      step: {
        do: 'wait',
        for: 'drain',
        reason: expect.stringContaining('process 41 of lb.1 with 3 sessions to web_10000/blue_1'),
      },
    },
    {
      what: 'kills the drained one alone',
      seen: pairSeen(['drained', 'in', 'in', 'in'], ['in']),
      step: { do: 'kill', appId: '/web-blue', taskIds: ['blue.1'], grow: undefined },
    },
    {
      what: 'does not kill what is dead or dying already: Marathon would not count it',
      seen: pairSeen(['dead', 'in', 'in', 'in'], ['in'], { blue: { instances: 4 } }),
      step: { do: 'wait', for: 'drain' },
    },
    {
      what: 'asks before it kills',
      seen: pairSeen(['drained', 'in', 'in', 'in'], ['in']),
      policy: { hasHook: true },
      step: { do: 'ask', appId: '/web-blue', taskIds: ['blue.1'], isWhole: false },
    },
    {
      what: 'kills what was agreed to',
      seen: pairSeen(['drained', 'in', 'in', 'in'], ['in']),
      policy: { hasHook: true },
      memory: { approved: ['blue.1'] },
      step: { do: 'kill', taskIds: ['blue.1'] },
    },
    {
      what: 'waits for the death of the killed one before it grows',
      seen: pairSeen(['drained', 'in', 'in', 'in'], ['in'], {
        blue: { instances: 3, scaledAt: LATER, deployments: ['d2'] },
      }),
      step: { do: 'wait', for: 'deployment' },
    },
    {
      what: 'grows once old and new make the target together',
      seen: pairSeen(times(3, 'in'), ['in'], { blue: { scaledAt: LATER } }),
      step: { do: 'scale', appId: '/web-green', from: 1, instances: 2 },
    },
    {
      what: 'jumps to the target when half as much more reaches the old colour',
      seen: pairSeen(times(2, 'in'), times(2, 'in'), { blue: { scaledAt: LATER } }),
      step: { do: 'scale', appId: '/web-green', from: 2, instances: 4 },
    },
    {
      what: 'kills half of what is too much and grows at once, so that the dying stay out of use',
      seen: pairSeen(['drained', 'drained', 'in', 'in'], times(2, 'in')),
      step: { do: 'kill', taskIds: ['blue.1'], grow: { appId: '/web-green', from: 2, instances: 4 } },
    },
    {
      what: 'deletes the old colour when all of it is drained',
      seen: pairSeen(times(2, 'drained'), times(4, 'in')),
      step: { do: 'delete', appId: '/web-blue' },
    },
    {
      what: 'asks before it deletes, with every task',
      seen: pairSeen(times(2, 'drained'), times(4, 'in')),
      policy: { hasHook: true },
      step: { do: 'ask', appId: '/web-blue', taskIds: ['blue.1', 'blue.2'], isWhole: true },
    },
    {
      what: 'does not delete while one old task is sent requests',
      seen: pairSeen(['drained', 'in'], times(4, 'in')),
      step: { do: 'wait', for: 'drain' },
    },
    {
      what: 'makes the new colour the one scaled last when it is complete and is not: one more for a moment',
      seen: pairSeen(times(2, 'in'), ['drained', 'drained', 'in', 'in'], { blue: { scaledAt: LATER } }),
      step: { do: 'scale', appId: '/web-green', from: 4, instances: 5, isBrief: true },
    },
    {
      what: 'grows although the roles are turned and new tasks are out of use',
      seen: pairSeen(times(3, 'in'), ['drained', 'in'], { blue: { scaledAt: LATER } }),
      step: { do: 'scale', appId: '/web-green', instances: 4 },
    },
    {
      what: 'ends when the new colour serves alone',
      seen: { ...pairSeen([], times(4, 'in')), apps: pairSeen([], times(4, 'in')).apps.slice(1) },
      step: { do: 'finish', state: 'complete' },
    },
    {
      what: 'waits for the new colour although the old one is gone',
      seen: {
        ...pairSeen([], ['in', 'in', 'in', 'unlisted']),
        apps: pairSeen([], ['in', 'in', 'in', 'unlisted']).apps.slice(1),
      },
      step: { do: 'wait', for: 'rotation' },
    },
  ])('$what', check);
});

describe('nextStep() forward, the old colour kept whole', () => {
  const keep = { old: 'keep' } as const;

  it.each<Row>([
    {
      what: 'grows without killing',
      seen: pairSeen(['out', 'in', 'in', 'in'], ['in']),
      policy: keep,
      step: { do: 'scale', appId: '/web-green', from: 1, instances: 2 },
    },
    {
      what: 'takes the linear step',
      seen: pairSeen(['out', 'in', 'in', 'in'], ['in']),
      policy: { ...keep, linearIncrease: 2 },
      step: { do: 'scale', instances: 3 },
    },
    {
      what: 'waits for the last connections to the old colour',
      seen: pairSeen(['drained', 'out', 'drained', 'drained'], times(4, 'in')),
      policy: keep,
      step: { do: 'wait', for: 'drain' },
    },
    {
      what: 'keeps it whole, too, when the targets differ',
      seen: pairSeen(times(2, 'in'), ['in', 'in', 'in'], { blue: { target: '2' } }),
      policy: { old: 'shrink' },
      step: { do: 'scale', appId: '/web-green', instances: 4 },
    },
  ])('$what', check);
});

describe('nextStep() to a split', () => {
  const split = { split: 2, old: 'keep' } as const;

  it.each<Row>([
    {
      what: 'kills the drained one first, also when the old colour is to be kept',
      seen: pairSeen(['drained', 'in', 'in', 'in'], ['in']),
      policy: split,
      step: { do: 'kill', taskIds: ['blue.1'], grow: undefined },
    },
    {
      what: 'grows one by one',
      seen: pairSeen(times(3, 'in'), ['in'], { blue: { scaledAt: LATER } }),
      policy: { ...split, linearIncrease: 5 },
      step: { do: 'scale', instances: 2 },
    },
    {
      what: 'is reached when both have their share and serve',
      seen: pairSeen(times(2, 'in'), times(2, 'in'), { blue: { scaledAt: LATER } }),
      policy: split,
      step: { do: 'finish', state: 'split' },
    },
    {
      what: 'gives the old colour its share back',
      seen: pairSeen(times(1, 'in'), times(2, 'in'), { blue: { scaledAt: LATER } }),
      policy: split,
      step: { do: 'scale', appId: '/web-blue', instances: 2 },
    },
    {
      what: 'gets rid of one new task too many like of an old one: the old colour is scaled last for a moment',
      seen: pairSeen(['in', 'drained'], times(3, 'in'), { blue: { scaledAt: '2026-01-01T10:00:00.000Z' } }),
      policy: split,
      step: { do: 'scale', appId: '/web-blue', from: 2, instances: 3, isBrief: true },
    },
    {
      what: 'and then kills the new one that is out',
      seen: pairSeen(times(2, 'in'), ['drained', 'in', 'in'], { blue: { scaledAt: LATER } }),
      policy: split,
      step: { do: 'kill', appId: '/web-green', taskIds: ['green.1'], grow: undefined },
    },
    {
      what: 'is not made with different targets',
      seen: pairSeen(['drained', 'in', 'in', 'in'], ['in'], { blue: { target: '6' } }),
      policy: split,
      step: { do: 'stop', code: 'ROLLOUT_UNSAFE' },
    },
  ])('$what', check);
});

describe('nextStep() back', () => {
  const back = { direction: 'back' } as const;
  const ALL_OUT = Object.fromEntries([1, 2, 3, 4].map((at) => [`blue.${at}`, NOW - 300_000]));

  it.each<Row>([
    {
      what: 'gives the old colour its full size first',
      seen: pairSeen(times(2, 'in'), times(2, 'in'), { blue: { scaledAt: LATER } }),
      policy: back,
      step: { do: 'scale', appId: '/web-blue', from: 2, instances: 4 },
    },
    {
      what: 'makes the old colour the one scaled last where half of what is in use stays: one more for a moment',
      seen: pairSeen(['drained', 'drained', 'in', 'in'], ['in', 'in']),
      policy: back,
      step: { do: 'scale', appId: '/web-blue', from: 4, instances: 5, isBrief: true },
    },
    {
      what: 'takes that one back before it runs',
      seen: pairSeen([...times(4, 'in'), 'staging'], ['in', 'in'], {
        blue: { scaledAt: LATER, deployments: ['d1'] },
      }),
      policy: back,
      memory: { scaled: { '/web-blue': { from: 4, deploymentId: 'd1', isBrief: true } } },
      step: { do: 'cancel', appId: '/web-blue', deploymentId: 'd1' },
    },
    {
      what: 'starts half of the old tasks anew where too few would serve until HAProxy has checked them again',
      seen: pairSeen(times(4, 'drained'), times(4, 'in')),
      policy: back,
      step: {
        ...{ do: 'kill', appId: '/web-blue', taskIds: ['blue.1', 'blue.2'] },
        grow: { appId: '/web-green', from: 4, instances: 5, isBrief: true },
      },
    },
    {
      what: 'does not kill the last one in marathon-lb’s order: it would come in as soon as another one is gone',
      seen: pairSeen(['out', 'out', 'out', 'drained'], times(4, 'in')),
      policy: back,
      step: { do: 'wait', for: 'drain' },
    },
    {
      what: 'waits while all old tasks are held, and serves by the new ones',
      seen: pairSeen(times(4, 'out'), times(4, 'in')),
      policy: back,
      step: { do: 'wait', for: 'drain' },
    },
    {
      what: 'stops when they are held for too long',
      seen: pairSeen(times(4, 'out'), times(4, 'in')),
      policy: back,
      memory: { outSinceMs: ALL_OUT },
      step: { do: 'stop', code: 'ROLLOUT_ROLLBACK_FAILED' },
    },
    {
      what: 'makes the old colour the one scaled last when none of its tasks is out of use',
      seen: pairSeen(times(2, 'in'), ['in'], { blue: { target: '2' } }),
      policy: back,
      step: { do: 'scale', appId: '/web-blue', instances: 3, isBrief: true },
    },
    {
      what: 'stops when connections to the new colour outlast the drain time: resuming would go forward',
      seen: pairSeen(times(4, 'in'), ['out'], { blue: { scaledAt: LATER } }),
      policy: back,
      memory: { outSinceMs: { 'green.1': NOW - 300_000 } },
      step: { do: 'stop', code: 'ROLLOUT_ROLLBACK_FAILED', reason: expect.stringContaining('Not drained') },
    },
    {
      what: 'waits until the new colour is drained',
      seen: pairSeen(times(4, 'in'), ['drained', 'out'], { blue: { scaledAt: LATER } }),
      policy: back,
      step: { do: 'wait', for: 'drain' },
    },
    {
      what: 'asks before it deletes the new colour',
      seen: pairSeen(times(4, 'in'), ['drained', 'drained'], { blue: { scaledAt: LATER } }),
      policy: { ...back, hasHook: true },
      step: { do: 'ask', appId: '/web-green', taskIds: ['green.1', 'green.2'], isWhole: true },
    },
    {
      what: 'deletes the new colour without asking when it failed: nobody may hold up the way back',
      seen: pairSeen(times(4, 'in'), ['drained', 'drained'], { blue: { scaledAt: LATER } }),
      policy: { hasHook: true },
      memory: { turned: { code: 'ROLLOUT_STUCK', sentence: 'x' } },
      step: { do: 'delete', appId: '/web-green' },
    },
    {
      what: 'ends the deployment of new tasks that never became healthy',
      seen: pairSeen(times(4, 'in'), ['sick'], { green: { deployments: ['d1'] } }),
      policy: back,
      step: { do: 'cancel', appId: '/web-green', deploymentId: 'd1' },
    },
    {
      what: 'waits for the deployment of new tasks that live, once they are drained',
      seen: pairSeen(times(4, 'in'), ['drained', 'drained'], {
        blue: { scaledAt: LATER },
        green: { deployments: ['d1'] },
      }),
      policy: back,
      step: { do: 'wait', for: 'deployment' },
    },
    {
      what: 'ends it when it lasts too long, and keeps marathon-lb from letting them serve again',
      seen: asScaled(
        pairSeen(times(4, 'in'), ['drained', 'drained'], {
          blue: { scaledAt: LATER },
          green: { deployments: ['d1'] },
        }),
      ),
      policy: back,
      memory: { heldSinceMs: { d1: NOW - 300_000 } },
      step: {
        ...{ do: 'cancel', appId: '/web-green', deploymentId: 'd1' },
        grow: { appId: '/web-blue', from: 4, instances: 5, isBrief: true },
      },
    },
    {
      what: 'deletes at once what serves nothing',
      seen: pairSeen(times(4, 'in'), ['sick'], { blue: { scaledAt: LATER } }),
      policy: back,
      step: { do: 'delete', appId: '/web-green' },
    },
    {
      what: 'gives the old colour its full size before it deletes what serves nothing',
      seen: pairSeen(times(3, 'in'), ['dead'], { blue: { scaledAt: LATER } }),
      policy: back,
      step: { do: 'scale', appId: '/web-blue', from: 3, instances: 4 },
    },
    {
      what: 'waits for what still holds the old colour before it gives it its full size',
      seen: pairSeen(times(3, 'in'), ['sick'], { blue: { scaledAt: LATER, deployments: ['d1'] } }),
      policy: back,
      step: { do: 'wait', for: 'deployment' },
    },
    {
      what: 'gives the old colour its full size, too, when the new one is gone already',
      seen: { ...pairSeen(times(3, 'in'), []), apps: pairSeen(times(3, 'in'), []).apps.slice(0, 1) },
      policy: back,
      step: { do: 'scale', appId: '/web-blue', from: 3, instances: 4 },
    },
    {
      what: 'is over when the old colour serves alone',
      seen: { ...pairSeen(times(4, 'in'), []), apps: pairSeen(times(4, 'in'), []).apps.slice(0, 1) },
      policy: back,
      step: { do: 'finish', state: 'reverted' },
    },
    {
      what: 'goes back, too, when it only turned back',
      seen: pairSeen(times(2, 'in'), times(2, 'in'), { blue: { scaledAt: LATER } }),
      memory: { turned: { code: 'ROLLOUT_STUCK', sentence: 'x' } },
      step: { do: 'scale', appId: '/web-blue', instances: 4 },
    },
  ])('$what', check);
});

describe('nextStep() when something is wrong', () => {
  const long = { movedAtMs: NOW - 300_000 };

  it.each<Row>([
    {
      what: 'turns back when nothing moved on for too long, with what it waits for',
      seen: pairSeen(times(4, 'in'), ['staging'], {
        green: { deployments: ['d'] },
        waiting: { '/web-green': '1 find no agent' },
      }),
      memory: long,
      step: { do: 'turn', code: 'ROLLOUT_STUCK', reason: expect.stringContaining('1 find no agent') },
    },
    {
      what: 'stops there when it was told not to roll back',
      seen: pairSeen(times(4, 'in'), ['staging'], { green: { deployments: ['d'] } }),
      policy: { onFailure: 'stop' },
      memory: long,
      step: { do: 'stop', code: 'ROLLOUT_STUCK' },
    },
    {
      what: 'turns back at once when new tasks die one after another',
      seen: pairSeen(times(4, 'in'), ['sick'], { green: { lastFailure: failure } }),
      memory: { failures: ['1', '2', '3'] },
      step: { do: 'turn', code: 'ROLLOUT_STUCK', reason: expect.stringContaining('exit status 1') },
    },
    {
      what: 'stops on the way back when nothing moves on',
      seen: pairSeen(['sick', 'in', 'in', 'in'], ['in'], { blue: { scaledAt: LATER } }),
      policy: { direction: 'back' },
      memory: long,
      step: { do: 'stop', code: 'ROLLOUT_ROLLBACK_FAILED' },
    },
    {
      what: 'waits for a balancer that reloads',
      seen: pairSeen(times(4, 'in'), ['in'], { balancers: [{ id: 'lb.1', kind: 'reloading' }] }),
      step: { do: 'wait', for: 'reload' },
    },
    {
      what: 'decides nothing while a balancer can not be looked at',
      seen: pairSeen(['drained', 'in', 'in', 'in'], ['in'], {
        balancers: [{ id: 'lb.1', kind: 'unreachable', reason: 'refused' }],
      }),
      step: { do: 'wait', for: 'balancers', reason: expect.stringContaining('lb.1: refused') },
    },
    {
      what: 'stops when a balancer can not be looked at for too long, and does not roll back blindly',
      seen: pairSeen(['drained', 'in', 'in', 'in'], ['in'], { balancers: [] }),
      memory: long,
      step: {
        do: 'stop',
        code: 'ROLLOUT_BALANCERS_UNREADABLE',
        reason: expect.stringContaining('no balancer is found'),
      },
    },
    {
      what: 'stops when marathon-lb could not read the labels',
      seen: pairSeen(times(4, 'in'), ['in'], { green: { target: undefined } }),
      step: { do: 'stop', code: 'ROLLOUT_UNSAFE' },
    },
    {
      what: 'stops when somebody else scaled an app',
      seen: pairSeen(times(4, 'in'), ['in']),
      memory: { expected: { '/web-blue': 5, '/web-green': 1 } },
      step: {
        do: 'stop',
        code: 'ROLLOUT_OVERTAKEN',
        reason: expect.stringContaining('/web-blue has 4 instances, not 5'),
      },
    },
    {
      what: 'goes on when one of the tasks that it killed had died before, which Marathon does not count',
      seen: pairSeen(times(3, 'in'), ['in'], { blue: { scaledAt: LATER } }),
      memory: { expected: { '/web-blue': [2, 3], '/web-green': 1 } },
      step: { do: 'scale', appId: '/web-green', instances: 2 },
    },
    {
      what: 'stops when more are gone than it killed',
      seen: pairSeen(times(4, 'in'), ['in']),
      memory: { expected: { '/web-blue': [2, 3], '/web-green': 1 } },
      step: { do: 'stop', code: 'ROLLOUT_OVERTAKEN', reason: expect.stringContaining('not 2 to 3') },
    },
    {
      what: 'stops when somebody else took an app away',
      seen: { ...pairSeen(times(4, 'in'), ['in']), apps: pairSeen(times(4, 'in'), ['in']).apps.slice(0, 1) },
      memory: { expected: { '/web-blue': 4, '/web-green': 1 } },
      step: { do: 'stop', code: 'ROLLOUT_OVERTAKEN' },
    },
    {
      what: 'stops by default when connections outlast the drain time',
      seen: pairSeen(times(2, 'out'), times(4, 'in')),
      memory: { outSinceMs: { 'blue.1': NOW - 300_000, 'blue.2': NOW } },
      step: {
        do: 'stop',
        code: 'ROLLOUT_DRAIN_TIMEOUT',
        reason: expect.stringContaining('process 41 of lb.2 with 3 sessions'),
      },
    },
    {
      what: 'names the first holders of connections, and counts the others',
      seen: pairSeen(times(4, 'out'), times(4, 'in')),
      memory: { outSinceMs: { 'blue.1': NOW - 300_000 } },
      step: { do: 'stop', reason: expect.stringMatching(/(process 41 of .*; ){6}and 2 more$/) },
    },
    {
      what: 'rolls back for it when asked to',
      seen: pairSeen(times(2, 'out'), times(4, 'in')),
      policy: { onDrainTimeout: 'rollback' },
      memory: { outSinceMs: { 'blue.1': NOW - 300_000, 'blue.2': NOW } },
      step: { do: 'turn', code: 'ROLLOUT_DRAIN_TIMEOUT' },
    },
    {
      what: 'does not roll back for it while all old tasks are held: none would serve at once',
      seen: pairSeen(times(4, 'out'), times(4, 'in')),
      policy: { onDrainTimeout: 'rollback' },
      memory: { outSinceMs: { 'blue.1': NOW - 300_000 } },
      step: {
        do: 'stop',
        code: 'ROLLOUT_DRAIN_TIMEOUT',
        reason: expect.stringContaining(
          'it does not go back, since no task of /web-blue would serve at once',
        ),
      },
    },
    {
      what: 'rolls back for it when an old task is drained, and may be exchanged',
      seen: pairSeen(['drained', 'out', 'out', 'out'], times(4, 'in')),
      policy: { onDrainTimeout: 'rollback' },
      memory: { outSinceMs: { 'blue.2': NOW - 300_000 } },
      step: { do: 'turn', code: 'ROLLOUT_DRAIN_TIMEOUT' },
    },
    {
      what: 'cuts them only when asked to',
      seen: pairSeen(times(2, 'out'), times(4, 'in')),
      policy: { onDrainTimeout: 'cut' },
      memory: { outSinceMs: { 'blue.1': NOW - 400_000, 'blue.2': NOW - 300_000 } },
      step: { do: 'delete', appId: '/web-blue', reason: expect.stringContaining('cut as asked for') },
    },
    {
      what: 'gives the connections of each task their whole time before they are cut',
      seen: pairSeen(times(2, 'out'), times(4, 'in')),
      policy: { onDrainTimeout: 'cut' },
      memory: { outSinceMs: { 'blue.1': NOW - 400_000, 'blue.2': NOW - 299_999 } },
      step: { do: 'wait', for: 'drain', untilMs: NOW + 1 },
    },
    {
      what: 'waits until no balancer can reload by what it asked when an old task was to serve',
      seen: pairSeen(times(2, 'drained'), times(4, 'in')),
      memory: { flickeredMs: { 'blue.2': NOW - 1_000 }, movedAtMs: NOW - 300_000 },
      step: { do: 'wait', for: 'drain', untilMs: NOW + 4_000 },
    },
    {
      what: 'and gives up when that goes on and on',
      seen: pairSeen(times(2, 'drained'), times(4, 'in')),
      memory: { flickeredMs: { 'blue.2': NOW }, movedAtMs: NOW - 300_000 },
      step: { do: 'turn', code: 'ROLLOUT_STUCK' },
    },
    {
      what: 'never cuts what is still sent requests',
      seen: pairSeen(['out', 'in'], times(4, 'in')),
      policy: { onDrainTimeout: 'cut' },
      memory: { outSinceMs: { 'blue.1': NOW - 300_000 } },
      step: { do: 'wait', for: 'drain' },
    },
  ])('$what', check);
});
