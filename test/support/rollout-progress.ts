import type { ColourProgress, RolloutProgress } from '../../src/rollout/progress.ts';

/** The first step of a rollout of four: green has its first task, and one of blue drains. */
export function rolloutProgress(changes: Partial<RolloutProgress> = {}): RolloutProgress {
  return {
    at: new Date('2026-01-03T10:00:07.000Z'),
    group: 'shop',
    direction: 'forward',
    step: { do: 'wait', for: 'drain', reason: 'connections to blue.1 are left', untilMs: 302_000 },
    colours: [
      colourProgress('blue', { instances: 4, healthy: 4, inRotation: 3, draining: 1 }),
      colourProgress('green', { instances: 1, healthy: 1, inRotation: 1 }),
    ],
    waitingFor: 'drain',
    deadlineMs: Date.parse('2026-01-03T10:05:02.000Z'),
    sessions: [{ balancer: 'lb-1', pid: 41, listener: 'shop_10000/10_0_0_1_31000', sessions: 3 }],
    target: 4,
    newInstances: 0,
    serves: 'both',
    ...changes,
  };
}

export function colourProgress(
  colour: 'blue' | 'green',
  changes: Partial<ColourProgress> = {},
): ColourProgress {
  return {
    ...{ id: `/shop-${colour}`, colour, instances: 0, healthy: 0, inRotation: 0, draining: 0, drained: 0 },
    ...changes,
  };
}
