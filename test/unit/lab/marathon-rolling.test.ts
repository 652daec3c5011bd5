import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { launchableNow, rollingLimits } from '../../../src/lab/marathon/rolling.ts';

// instances, minimumHealthCapacity, maximumOverCapacity → killNow, started at once, started when the killed are dead
test.each([
  [1, 1, 1, { killNow: 0, atOnce: 1, maxCapacity: 2 }],
  [1, 0.5, 0.2, { killNow: 0, atOnce: 1, maxCapacity: 2 }],
  [1, 0, 0, { killNow: 1, atOnce: 0, maxCapacity: 1 }],
  [1, 0, 1, { killNow: 1, atOnce: 1, maxCapacity: 2 }],
  [2, 0.5, 0.2, { killNow: 1, atOnce: 0, maxCapacity: 2 }],
  [2, 1, 0, { killNow: 0, atOnce: 1, maxCapacity: 3 }],
  [3, 0.5, 0.2, { killNow: 1, atOnce: 0, maxCapacity: 3 }],
  [5, 0.9, 0, { killNow: 0, atOnce: 1, maxCapacity: 6 }],
  [10, 0.7, 0.25, { killNow: 3, atOnce: 2, maxCapacity: 12 }],
])(
  '%i instances with %d/%d begin with %o',
  (instances, minimumHealthCapacity, maximumOverCapacity, expected) => {
    const limits = rollingLimits({ instances, minimumHealthCapacity, maximumOverCapacity, base: instances });
    const { maxCapacity } = limits;
    const atOnce = launchableNow({ instances, maxCapacity, oldNotDead: instances, started: 0 });

    expect({ killNow: limits.killNow, atOnce, maxCapacity }).toEqual(expected);
  },
);

test.each([
  [1, 0, 0, 1],
  [2, 0.5, 0.2, 1],
  [3, 0.5, 0.2, 1],
])('%i instances with %d/%d start one when the killed old one is dead', (instances, min, over, started) => {
  const { killNow, maxCapacity } = rollingLimits({
    instances,
    minimumHealthCapacity: min,
    maximumOverCapacity: over,
    base: instances,
  });

  expect(launchableNow({ instances, maxCapacity, oldNotDead: instances - killNow, started: 0 })).toBe(
    started,
  );
});

test('doubles get no help for rounding: ceil(25 * 0.28) is 8', () => {
  const limits = rollingLimits({
    instances: 25,
    minimumHealthCapacity: 0.28,
    maximumOverCapacity: 0,
    base: 25,
  });

  expect(limits.minHealthy).toBe(8);
});

test('a restart with fewer tasks than wanted kills only down to the minimum', () => {
  const limits = rollingLimits({ instances: 4, minimumHealthCapacity: 0.5, maximumOverCapacity: 0, base: 3 });

  expect(limits).toEqual({ minHealthy: 2, maxCapacity: 4, killNow: 1 });
});

// instances, minimumHealthCapacity, maximumOverCapacity, base, total → killNow, started at once of `instances` old ones
test.each([
  ['nothing is considered healthy, and there is no room: it hangs at once', 2, 0.5, 0.2, 0, 2, [0, 0]],
  ['nothing is considered healthy, but there is room', 2, 0.5, 0.5, 0, 2, [0, 1]],
  ['all are considered healthy', 2, 0.5, 0.2, 2, 2, [1, 0]],
  ['one too many is there, and may go although nothing is healthy', 1, 1, 1, 0, 2, [1, 1]],
  ['one too many is there beside a healthy one', 1, 1, 1, 1, 2, [1, 1]],
])('after 1.9.109, when %s', (_name, instances, min, over, base, total, expected) => {
  const limits = rollingLimits({
    instances,
    minimumHealthCapacity: min,
    maximumOverCapacity: over,
    base,
    total,
  });
  const { killNow, maxCapacity } = limits;

  expect([killNow, launchableNow({ instances, maxCapacity, oldNotDead: instances, started: 0 })]).toEqual(
    expected,
  );
});

test('a restart can always move: there is something to kill or room for one more', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), share, share, (instances, min, over) => {
      const limits = rollingLimits({
        instances,
        minimumHealthCapacity: min,
        maximumOverCapacity: over,
        base: instances,
      });
      const { maxCapacity, killNow } = limits;
      const started = launchableNow({ instances, maxCapacity, oldNotDead: instances, started: 0 });
      expect(killNow + started).toBeGreaterThan(0);
      expect(instances - killNow).toBeGreaterThanOrEqual(Math.ceil(instances * min));
    }),
  );
});
