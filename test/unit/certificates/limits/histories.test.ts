import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eachMs } from '../../../../src/certificates/limits/bucket.ts';
import { issued, notOrdered, notValidated, ordered } from '../../../../src/certificates/limits/changes.ts';
import { bucketsOf, type OrderUse } from '../../../../src/certificates/limits/order-use.ts';
import type { LimitName, Published } from '../../../../src/certificates/limits/published.ts';
import { LIMITS_STATE, type LimitsState, NOTHING_USED } from '../../../../src/certificates/limits/state.ts';
import { type CaBudget, reserving } from '../../../../src/certificates/limits/verdict.ts';
import { NOW } from '../../../support/observations.ts';

/** Small enough that histories of some dozens of orders meet them all. */
const published: Published = {
  limits: {
    orders: { of: 5, inMs: 10_000 },
    domain: { of: 3, inMs: 15_000 },
    set: { of: 2, inMs: 8_000 },
    failures: { of: 2, inMs: 16_000 },
    row: { of: 3, inMs: 60_000 },
  },
  isIssuer: () => false,
};
const NAMES = ['a.one', 'b.one', 'c.one', 'd.two', 'e.two'];
const domainOf = (name: string) => name.slice(2);
const end = fc.constantFrom(
  'issued' as const,
  'issued' as const,
  'not-made' as const,
  'not-valid' as const,
  'not-valid' as const,
);
const wish = fc.record({
  name: fc.constantFrom(...NAMES),
  exempt: fc.constantFrom<OrderUse['exempt'][]>(undefined, undefined, undefined, 'renewal', 'all'),
  end,
});
type History = { afterMs: number; wishes: { name: string; exempt: OrderUse['exempt']; end: string }[] }[];
const history: fc.Arbitrary<History> = fc.array(
  fc.record({
    /** Time that goes on before. */
    afterMs: fc.nat(5_000),
    /** Most urgent first. */
    wishes: fc.uniqueArray(wish, { selector: ({ name }) => name, maxLength: NAMES.length }),
  }),
  { maxLength: 25 },
);

/** What the CA counted. */
interface Counted {
  limit: LimitName;
  times: number[];
}

describe('on any history of orders', () => {
  const run = (steps: History) => {
    let state: LimitsState = NOTHING_USED;
    let nowMs = NOW.getTime();
    const counted = new Map<string, Counted>();
    const faults: string[] = [];
    const met = new Set<LimitName>();
    const count = (key: string, limit: LimitName) => {
      const known = counted.get(key) ?? { limit, times: [] };
      known.times.push(nowMs);
      counted.set(key, known);
    };
    for (const { afterMs, wishes } of steps) {
      nowMs += afterMs;
      const budget = (): CaBudget => ({ published, state, domainOf });
      const plannedFrom = budget();
      const reserve = reserving(nowMs);
      const waiting = new Map<string, number>();
      const going: { use: OrderUse; end: string }[] = [];
      for (const { name, exempt, end: ending } of wishes) {
        const use: OrderUse = { names: [name], isBegun: false, exempt };
        const keys = bucketsOf(use, published, domainOf);
        const verdict = reserve(use, plannedFrom);
        if (verdict.fits) {
          const overtaken = keys.find(({ key, spends }) => spends !== undefined && waiting.has(key));
          if (overtaken !== undefined)
            faults.push(`${name} went before others that wait for ${overtaken.key}`);
          going.push({ use, end: ending });
          continue;
        }
        const place = (waiting.get(verdict.key) ?? 0) + 1;
        waiting.set(verdict.key, place);
        const limit = keys.find(({ key }) => key === verdict.key)?.limit ?? 'orders';
        met.add(limit);
        const mostMs = place * eachMs(published.limits[limit] ?? { of: 1, inMs: 0 });
        const waitMs = verdict.until.getTime() - nowMs;
        if (waitMs > mostMs || waitMs <= 0) faults.push(`${name} waits ${waitMs} ms for ${verdict.key}`);
      }
      for (const { use, end: ending } of going) {
        const keys = bucketsOf(use, published, domainOf);
        state = ordered(use, budget(), nowMs);
        if (ending === 'not-made') {
          state = notOrdered(use, budget(), nowMs);
          continue;
        }
        for (const { key, limit, spends } of keys) if (spends === 'order') count(key, limit);
        if (ending === 'issued') {
          state = issued(use, budget(), nowMs);
          for (const { key, limit, spends } of keys) if (spends === 'certificate') count(key, limit);
          for (const name of use.names) counted.delete(`row:${name}`);
        } else {
          state = notValidated(use.names, budget(), nowMs);
          for (const limit of ['failures', 'row'] as const)
            for (const name of use.names) if (use.exempt !== 'all') count(`${limit}:${name}`, limit);
        }
      }
      const kept = LIMITS_STATE.parse(JSON.parse(JSON.stringify(state)));
      expect(kept).toEqual(state);
      state = kept;
    }
    return { faults, counted, met };
  };

  /** Of any span, the number of tokens that a bucket gives in it. */
  const excess = (counted: Map<string, Counted>): string[] =>
    [...counted].flatMap(([key, { limit, times }]) => {
      const { of, inMs } = published.limits[limit] ?? { of: 0, inMs: 1 };
      return times.flatMap((from, first) =>
        times.slice(first).flatMap((to, more) => {
          const most = of + Math.floor(((to - from) * of) / inMs);
          return more + 1 > most ? [`${more + 1} of ${key} in ${to - from} ms`] : [];
        }),
      );
    });

  it('never exceeds what a bucket gives, waits no longer than it refills, and keeps the order of urgency', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const { faults, counted } = run(steps);

        expect([...faults, ...excess(counted)]).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('meets every limit in such histories, so that the property above says something', () => {
    const met = fc.sample(history, { numRuns: 100, seed: 1 }).flatMap((steps) => [...run(steps).met]);

    expect([...new Set(met)].sort()).toEqual(['domain', 'failures', 'orders', 'row', 'set']);
  });
});
