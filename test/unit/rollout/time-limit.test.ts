import { describe, expect, it } from 'vitest';
import type { RolloutObservation, RolloutStep } from '../../../src/rollout/model.ts';
import { type Elapsed, withinLimit } from '../../../src/rollout/time-limit.ts';
import { groupSeen, pairSeen, rolloutMemory, rolloutPolicy } from '../../support/colours.ts';

const PAIR = pairSeen(['in', 'in'], ['in']);
const ONE: RolloutObservation = { ...PAIR, apps: PAIR.apps.slice(1) };
const WAIT: RolloutStep = { do: 'wait', for: 'healthy', reason: '1 of 2 are healthy', untilMs: 9 };
const GROW: RolloutStep = { do: 'scale', appId: '/web-green', from: 1, instances: 2, reason: 'grow' };
const DONE: RolloutStep = { do: 'finish', state: 'complete', reason: 'alone' };
const STOP: RolloutStep = { do: 'stop', code: 'ROLLOUT_UNSAFE', reason: 'labels' };

const limited = (step: RolloutStep, changes: Partial<Elapsed> = {}, seen = PAIR) =>
  withinLimit(step, seen, {
    ...{ policy: rolloutPolicy(), memory: rolloutMemory(), tookMs: 60_000, limitMs: 60_000 },
    ...changes,
  });

describe('withinLimit()', () => {
  it.each<[string, RolloutStep, Partial<Elapsed>]>([
    ['before the limit', WAIT, { tookMs: 59_999 }],
    ['without a limit', WAIT, { limitMs: 0, tookMs: 1e12 }],
    ['at the end', DONE, {}],
    ['where it stops by itself', STOP, {}],
    ['on the way back', GROW, { policy: rolloutPolicy({ direction: 'back' }) }],
    [
      'on the way back after a failure',
      GROW,
      { memory: rolloutMemory({ turned: { code: 'ROLLOUT_STUCK', sentence: 'x' } }) },
    ],
  ])('leaves the step %s', (_what, step, changes) => {
    expect(limited(step, changes)).toBe(step);
  });

  it.each([WAIT, GROW])('goes back when the time is over, although something moved on: %j', (step) => {
    expect(limited(step)).toEqual({
      ...{ do: 'turn', code: 'ROLLOUT_STUCK' },
      reason: `Not over after 60 s: ${step.reason}`,
    });
  });

  it.each<[string, Partial<Elapsed>, RolloutObservation]>([
    ['when that was chosen', { policy: rolloutPolicy({ onFailure: 'stop' }) }, PAIR],
    ['when nothing is left to go back to', {}, ONE],
    ['when no app is there', {}, groupSeen([])],
  ])('stops %s', (_what, changes, seen) => {
    expect(limited(WAIT, changes, seen)).toMatchObject({ do: 'stop', code: 'ROLLOUT_STUCK' });
  });
});
