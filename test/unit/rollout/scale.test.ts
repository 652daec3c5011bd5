import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstSize, killableNow, nextSize } from '../../../src/rollout/scale.ts';

describe('nextSize()', () => {
  it.each<[string, number[], number, number, boolean]>([
    ['4 by half', [1, 2, 4], 4, 0, false],
    ['10 by half', [1, 2, 3, 5, 10], 10, 0, false],
    ['10 by three from two', [2, 5, 8, 10], 10, 3, false],
    ['a split of three, one by one whatever else is asked for', [1, 2, 3], 3, 5, true],
    ['one', [1], 1, 0, false],
  ])('goes through the sizes of %s', (_name, sizes, goal, linearIncrease, isSplit) => {
    const seen = [sizes[0] as number];
    while ((seen.at(-1) as number) < goal)
      seen.push(nextSize(seen.at(-1) as number, { goal, old: 10 * goal, linearIncrease, isSplit }));

    expect(seen).toEqual(sizes);
  });

  it.each([
    // What zdd.py's own tests assert.
    [10, 30, 30, 15],
    [10, 30, 8, 30],
  ])('from %i of %i beside %i old ones to %i', (size, goal, old, expected) => {
    expect(nextSize(size, { goal, old, linearIncrease: 0, isSplit: false })).toBe(expected);
  });

  it('grows, and ends at the goal, whatever is asked for', () => {
    const growth = fc.record({
      goal: fc.integer({ min: 1, max: 500 }),
      old: fc.nat(500),
      linearIncrease: fc.nat(50),
      isSplit: fc.boolean(),
    });
    fc.assert(
      fc.property(growth, fc.nat(500), (given, size) => {
        const next = nextSize(size, given);

        expect(next).toBeLessThanOrEqual(given.goal);
        if (size < given.goal) expect(next).toBeGreaterThan(size);
      }),
    );
  });
});

describe('firstSize()', () => {
  it.each([
    [1, 4, false, 1],
    [4, 4, false, 4],
    [9, 4, false, 4],
    [3, 3, true, 1],
  ])('%i of %i, split %j: %i', (initial, goal, isSplit, expected) => {
    expect(firstSize(initial, { goal, isSplit })).toBe(expected);
  });
});

describe('killableNow()', () => {
  it.each([
    [0, 0],
    [1, 1],
    [2, 1],
    [3, 1],
    [4, 2],
    [7, 3],
  ])('of %i too many %i', (tooMany, expected) => {
    expect(killableNow(tooMany)).toBe(expected);
  });
});
