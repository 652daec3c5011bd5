import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { usableMs } from '../../../src/marathon/dcos-token.ts';

const NOW_MS = 1_700_000_000_000;
const NOW_S = NOW_MS / 1_000;

describe('usableMs()', () => {
  it.each<[string, unknown, number]>([
    ['an hour', NOW_S + 3_600, 3_570_000],
    ['five days', NOW_S + 432_000, 431_970_000],
    ['five minutes', NOW_S + 300, 270_000],
    ['100 s', NOW_S + 100, 90_000],
    ['a second', NOW_S + 1, 900],
  ])('leaves a margin at the end of %s', (_what, exp, expected) => {
    expect(usableMs(exp, NOW_MS)).toBe(expected);
  });

  it.each<[string, unknown]>([
    ['says no end', undefined],
    ['says another thing', 'tomorrow'],
    ['has ended by our clock', NOW_S - 1],
    ['ends now', NOW_S],
    ['says no number', Number.NaN],
  ])('takes the life that was asked for where a token %s', (_what, exp) => {
    expect(usableMs(exp, NOW_MS)).toBe(3_570_000);
  });

  it('is above 0, and before the end that the token says', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 ** 9 }), (lifeS) => {
        const ms = usableMs(NOW_S + lifeS, NOW_MS);
        expect(ms).toBeGreaterThan(0);
        expect(ms).toBeLessThan(lifeS * 1_000);
      }),
    );
  });
});
