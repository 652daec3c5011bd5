import { describe, expect, it } from 'vitest';
import type { RolloutObservation, RolloutStep } from '../../../src/rollout/model.ts';
import { type ProgressFacts, progressOf, servingOf } from '../../../src/rollout/progress.ts';
import { groupSeen, pairSeen, rolloutMemory, rolloutPolicy } from '../../support/colours.ts';

const AT = new Date('2026-01-03T10:00:00.000Z');
const WAIT: RolloutStep = { do: 'wait', for: 'drain', reason: 'connections are left', untilMs: 65_000 };

function progress(observed: RolloutObservation, more: Partial<ProgressFacts> = {}) {
  const facts = { step: WAIT, policy: rolloutPolicy(), memory: rolloutMemory(), at: AT, nowMs: 5_000 };
  return progressOf({ observed, ...facts, ...more });
}

describe('progressOf()', () => {
  it('tells both colours, the older first, and what is waited for', () => {
    const seen = pairSeen(['out', 'in', 'in', 'in'], ['in', 'unlisted', 'sick']);

    expect(progress({ ...seen, apps: seen.apps.toReversed() })).toEqual({
      at: AT,
      group: 'web',
      direction: 'forward',
      step: WAIT,
      colours: [
        {
          ...{ id: '/web-blue', colour: 'blue', instances: 4, healthy: 4 },
          ...{ inRotation: 3, draining: 1, drained: 0 },
        },
        {
          ...{ id: '/web-green', colour: 'green', instances: 3, healthy: 2 },
          ...{ inRotation: 1, draining: 0, drained: 0 },
        },
      ],
      waitingFor: 'drain',
      deadlineMs: AT.getTime() + 60_000,
      sessions: [
        { balancer: 'lb.1', pid: 41, listener: 'web_10000/blue_1', sessions: 3 },
        { balancer: 'lb.2', pid: 41, listener: 'web_10000/blue_1', sessions: 3 },
      ],
      target: 4,
      newInstances: 0,
      serves: 'both',
    });
  });

  it('counts as drained what marathon-lb took out, not what it has not seen yet', () => {
    const { colours } = progress(pairSeen(['drained', 'in', 'in', 'in'], ['unlisted']));

    expect(colours.map(({ drained }) => drained)).toEqual([1, 0]);
  });

  it('leaves out a balancer that can not be read, and knows nothing when none can', () => {
    const seen = pairSeen(['in', 'in', 'in', 'in'], ['in']);
    const [first] = seen.balancers;
    const away = { id: 'lb.2', kind: 'unreachable', reason: 'ECONNREFUSED' } as const;

    const partly = progress({ ...seen, balancers: first === undefined ? [] : [first, away] });
    const blind = progress({ ...seen, balancers: [away] });

    expect(partly.colours.map(({ inRotation }) => inRotation)).toEqual([4, 1]);
    expect(blind.colours.map(({ inRotation }) => inRotation)).toEqual([undefined, undefined]);
    expect([partly.serves, blind.serves]).toEqual(['both', 'unknown']);
  });

  it('says that both serve while one balancer follows and another does not', () => {
    const seen = pairSeen(['in'], ['drained']);
    const [first, second] = seen.balancers.map((each) => each as Extract<typeof each, { kind: 'seen' }>);
    const [blue, green] = Object.values(first?.listeners ?? {});
    const turned = Object.fromEntries(
      Object.keys(second?.listeners ?? {}).map((name, at) => [name, [green, blue][at]]),
    );

    const seenSo = progress({ ...seen, balancers: [first, { ...second, listeners: turned }] as never });

    expect(seenSo.colours.map(({ inRotation }) => inRotation)).toEqual([0, 0]);
    expect(seenSo.serves).toBe('both');
  });

  it('has no deadline where none was set, and none for a step that does not wait', () => {
    const seen = pairSeen(['in'], ['in']);
    const scale: RolloutStep = { do: 'scale', appId: '/web-green', from: 1, instances: 2, reason: 'grow' };

    expect(
      progress(seen, { step: { ...WAIT, untilMs: Number.POSITIVE_INFINITY } }).deadlineMs,
    ).toBeUndefined();
    expect(progress(seen, { step: scale })).toMatchObject({ waitingFor: undefined, deadlineMs: undefined });
  });

  it.each([
    ['back when that was asked for', { policy: rolloutPolicy({ direction: 'back' }) }, 'back'],
    [
      'back when it failed',
      { memory: rolloutMemory({ turned: { code: 'ROLLOUT_STUCK', sentence: 'it died' } }) },
      'back',
    ],
    ['forward else', {}, 'forward'],
  ])('goes %s', (_what, more, direction) => {
    expect(progress(pairSeen(['in'], ['in']), more).direction).toBe(direction);
  });

  it('takes the target from the newer app, and else its size', () => {
    expect(progress(pairSeen(['in'], ['in', 'in'], { green: { target: '7' } })).target).toBe(7);
    expect(progress(pairSeen(['in'], ['in', 'in'], { green: { target: undefined } })).target).toBe(2);
    expect(progress(groupSeen([])).target).toBeUndefined();
  });
});

describe('servingOf()', () => {
  it.each([
    [[], 'none'],
    [[{ id: '/a', colour: 'blue', isServing: false }], 'none'],
    [[{ id: '/a', colour: 'blue', isServing: true }], 'blue'],
    [[{ id: '/a', colour: undefined, isServing: true }], '/a'],
    [
      [
        { id: '/a', colour: 'blue', isServing: false },
        { id: '/b', colour: 'green', isServing: true },
      ],
      'green',
    ],
    [
      [
        { id: '/a', colour: 'blue', isServing: true },
        { id: '/b', colour: 'green', isServing: undefined },
      ],
      'unknown',
    ],
  ] as const)('says of %j: %s', (colours, expected) => {
    expect(servingOf(colours)).toBe(expected);
  });
});
