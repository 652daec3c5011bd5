import { describe, expect, it } from 'vitest';
import { afterAll, afterStep, remember, type Told } from '../../../src/rollout/memory.ts';
import type { RolloutStep } from '../../../src/rollout/model.ts';
import { pairSeen, rolloutMemory, rolloutPolicy, type Standing } from '../../support/colours.ts';

const times = (count: number): Standing[] => Array.from({ length: count }, () => 'in');
const kill: RolloutStep = {
  ...{ do: 'kill', appId: '/web-blue', taskIds: ['blue.1', 'blue.2'], reason: 'x' },
  grow: { appId: '/web-green', from: 2, instances: 4 },
};
const start = () => remember(rolloutMemory(), pairSeen(times(4), times(2)), rolloutPolicy(), 1);

describe('the numbers of instances that are expected', () => {
  it('are those of the first look', () => {
    expect(start().expected).toEqual({ '/web-blue': 4, '/web-green': 2 });
  });

  it('are after a kill as many less, or more where Marathon passed over some that had died', () => {
    expect(afterStep(start(), kill, 2).expected).toEqual({ '/web-blue': [2, 4], '/web-green': 4 });
  });

  it('are known again from the next look on', () => {
    const killed = afterStep(start(), kill, 2);

    const { expected } = remember(killed, pairSeen(times(3), times(4)), rolloutPolicy(), 3);

    expect(expected).toEqual({ '/web-blue': 3, '/web-green': 4 });
  });

  it('stay between two numbers while what is there is neither', () => {
    const killed = afterStep(start(), kill, 2);

    const { expected } = remember(killed, pairSeen(times(1), times(4)), rolloutPolicy(), 3);

    expect(expected).toEqual({ '/web-blue': [2, 4], '/web-green': 4 });
  });
});

describe('tasks that a balancer may have asked for when they were to serve', () => {
  const GREEN_SICK = pairSeen(['drained', 'in'], ['sick'], { blue: { target: '2' }, green: { target: '2' } });
  const GREEN_WELL = pairSeen(['drained', 'in'], ['in'], { blue: { target: '2' }, green: { target: '2' } });
  const look = (memory: ReturnType<typeof start>, seen: typeof GREEN_WELL, nowMs: number) =>
    remember(memory, seen, rolloutPolicy(), nowMs);

  it('are all that are out at the first look, which knows nothing of before', () => {
    expect(look(rolloutMemory(), GREEN_WELL, 7).flickeredMs).toEqual({ 'blue.1': 7 });
  });

  it('are those that are out while marathon-lb would let them serve, until it would not', () => {
    const first = look(rolloutMemory(), GREEN_WELL, 7);
    const sick = look(first, GREEN_SICK, 20_000);
    const well = look(sick, GREEN_WELL, 21_000);

    expect(sick.flickeredMs).toMatchObject({ 'blue.1': 20_000 });
    expect(well.flickeredMs).toEqual({ 'blue.1': 20_000 });
  });

  it('are none of those that go out for the first time', () => {
    const inUse = look(rolloutMemory(), pairSeen(['in', 'in'], ['unlisted']), 7);

    expect(look(inUse, GREEN_WELL, 8).flickeredMs).toEqual({});
  });
});

describe('deployments that were begun by taking another one back', () => {
  const cancel: RolloutStep = { do: 'cancel', appId: '/web-green', deploymentId: 'd1', reason: 'x' };

  it('leave the number of instances that our own scaling had found', () => {
    const scaled = afterStep(
      start(),
      { do: 'scale', appId: '/web-green', from: 2, instances: 3, isBrief: true, reason: 'x' },
      ...([2, 'd1'] as const),
    );

    expect(scaled.expected).toMatchObject({ '/web-green': 3 });
    expect(afterStep(scaled, cancel, 3, 'd2')).toMatchObject({
      expected: { '/web-green': 2 },
      undone: ['d2'],
    });
  });

  it('leave any number where ours was over before it could be taken back', () => {
    const scaled = afterStep(
      start(),
      { do: 'scale', appId: '/web-green', from: 2, instances: 3, isBrief: true, reason: 'x' },
      ...([2, 'd1'] as const),
    );

    expect(afterStep(scaled, cancel, 3)).toMatchObject({ expected: { '/web-green': 'any' }, undone: [] });
  });

  it('leave any number where somebody else had scaled it', () => {
    expect(afterStep(start(), cancel, 3, 'd2').expected).toMatchObject({ '/web-green': 'any' });
  });

  it('are forgotten when they are over and the coming colour is the one scaled last', () => {
    const undone = { ...start(), undone: ['d2'] };
    const running = pairSeen(times(4), times(2), { green: { deployments: ['d2'] } });

    expect(remember(undone, running, rolloutPolicy(), 4).undone).toEqual(['d2']);
    expect(remember(undone, pairSeen(times(4), times(2)), rolloutPolicy(), 4).undone).toEqual([]);
  });
});

describe('what Marathon told of a step', () => {
  const brief = { appId: '/web-green', from: 2, instances: 3, isBrief: true } as const;
  const scale: RolloutStep = { do: 'scale', ...brief, reason: 'x' };
  const covered: RolloutStep = { ...kill, grow: brief };

  it.each<[string, RolloutStep, Told, unknown, readonly string[]]>([
    ['one more', scale, { deploymentId: 'd1' }, 3, []],
    ['one more, taken back', scale, { deploymentId: 'd1', takenBackBy: 'd2' }, 2, ['d2']],
    ['one more, perhaps taken back', scale, { deploymentId: 'd1', takenBackBy: null }, 'any', []],
    ['one more after a kill', covered, { deploymentId: 'd0', coverId: 'd1' }, 3, []],
    [
      'one more after a kill, taken back',
      covered,
      { deploymentId: 'd0', coverId: 'd1', takenBackBy: 'd2' },
      2,
      ['d2'],
    ],
  ])('is known of %s', (_what, step, told, expected, undone) => {
    const memory = afterAll(start(), step, 2, told);

    expect(memory.expected).toMatchObject({ '/web-green': expected });
    expect(memory.undone).toEqual(undone);
    expect(memory.scaled).toEqual({ '/web-green': { from: 2, deploymentId: 'd1', isBrief: true } });
  });
});

describe('since when connections are held', () => {
  it('is counted anew when a task was drained in between', () => {
    const look = (memory: ReturnType<typeof start>, blue: Standing, nowMs: number) =>
      remember(memory, pairSeen([blue, 'in'], ['in']), rolloutPolicy(), nowMs);
    const held = look(look(rolloutMemory(), 'out', 1), 'out', 2);
    const again = look(look(held, 'drained', 3), 'out', 4);

    expect(held.outSinceMs).toEqual({ 'blue.1': 1 });
    expect(again.outSinceMs).toEqual({ 'blue.1': 4 });
  });
});
