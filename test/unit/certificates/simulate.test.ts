import { describe, expect, it } from 'vitest';
import { type SimulationSettings, simulate } from '../../../src/certificates/simulate/simulate.ts';
import { hasLapsed, simulationText } from '../../../src/certificates/simulate/simulation-text.ts';
import { NOW, policy } from '../../support/observations.ts';

const [HOUR_MS, DAY_MS] = [3_600_000, 86_400_000];
const LIFETIMES: [string, number, number][] = [
  ['160 hours', 160 * HOUR_MS, 40 * DAY_MS],
  ['45 days', 45 * DAY_MS, 150 * DAY_MS],
  ['64 days', 64 * DAY_MS, 200 * DAY_MS],
  ['90 days', 90 * DAY_MS, 270 * DAY_MS],
];

function run(changes: Partial<SimulationSettings>) {
  const { forced: _forced, restore: _restore, ...rest } = policy({ renewAt: 'auto', asksRenewal: true });
  return simulate({
    startMs: NOW.getTime(),
    durationMs: 30 * DAY_MS,
    lifetimeMs: 90 * DAY_MS,
    certificates: 8,
    failing: 0,
    seed: 1,
    policy: rest,
    ...changes,
  });
}

describe.each(LIFETIMES)('certificates of %s on a virtual clock', (_words, lifetimeMs, durationMs) => {
  it('are renewed inside the window of the CA and within its limits, when nothing fails', () => {
    const result = run({ lifetimeMs, durationMs });

    expect(result).toMatchObject({ issued: 8, outsideWindow: 0, failedOrders: 0, refused: 0, unserved: 0 });
    expect(result.renewals).toBeGreaterThanOrEqual(8 * 3);
    for (const { limit, most, of } of result.used) expect([limit, most <= of]).toEqual([limit, true]);
    expect(hasLapsed(result)).toBe(false);
  });

  it.each([1, 2])('never have less than a twentieth left when one of twenty fails, by seed %i', (seed) => {
    const result = run({ lifetimeMs, durationMs, failing: 0.05, seed });

    expect(result.leastLeft).toBeGreaterThanOrEqual(1 / 20);
    expect([result.unserved, result.failedLooks > 0]).toEqual([0, true]);
  });
});

describe('simulate()', () => {
  it('keeps orders within the limits of the account, those that wait included', () => {
    const result = run({ certificates: 310, durationMs: 6 * HOUR_MS });

    expect(result).toMatchObject({ issued: 310, refused: 0, unserved: 0 });
    expect(result.waited).toBeGreaterThan(0);
    expect(result.used[0]).toMatchObject({ most: 300, of: 300 });
  });

  it('tells when certificates lapsed', () => {
    const result = run({ lifetimeMs: 2 * HOUR_MS, durationMs: DAY_MS, failing: 0.9 });

    expect(hasLapsed(result)).toBe(true);
  });

  it('gives the same report for the same seed, and another for another one', () => {
    const report = (seed: number) =>
      simulationText(run({ certificates: 4, lifetimeMs: 160 * HOUR_MS, failing: 0.2, seed }));

    expect(report(1)).toBe(report(1));
    expect(report(1)).not.toBe(report(2));
    expect(report(1)).toMatch(/^30 days with 4 certificates of 160 hours, 20 % of all fails \(seed 1\)\n/);
  });
});
