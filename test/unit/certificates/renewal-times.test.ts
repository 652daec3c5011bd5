import { hash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { StoredCertificate } from '../../../src/certificates/model.ts';
import { planAll } from '../../../src/certificates/plan-all.ts';
import type { RenewalInfo } from '../../../src/certificates/store-schema.ts';
import type { Plan } from '../../../src/certificates/world.ts';
import { startLoop } from '../../../src/lib/loop.ts';
import { manualClock } from '../../support/clock.ts';
import { balancer, holding, observation, policy, stored, whole } from '../../support/observations.ts';
import { windowOf } from '../../support/renewals.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2026, 0, 1);
const CA = 'https://acme.example/directory';
const WISH = { ...policy({ renewAt: 'auto' }), asksRenewal: true };

interface Renewal {
  reason: string;
  /** In shares of the lifetime of the one before. */
  at: number;
  isInWindow: boolean;
}

/** One certificate at a CA; the steps of its plan have their effects. `speaks` tells when a look is answered. */
function world(lifetimeMs: number, speaks: (nowMs: number) => boolean = () => true) {
  const renewals: Renewal[] = [];
  let count = 0;
  let renewal: RenewalInfo | undefined;
  const issue = (nowMs: number): StoredCertificate => {
    count += 1;
    // CAs set the beginning an hour back.
    const notBefore = new Date(nowMs - HOUR_MS);
    const notAfter = new Date(notBefore.getTime() + lifetimeMs - 1000);
    return stored({
      fingerprint: hash('sha256', String(count)),
      notBefore,
      notAfter,
      storedAt: new Date(nowMs),
    });
  };
  let held = issue(START_MS);
  const state = { looks: 0, window: windowOf };

  function pass(nowMs: number, nextRunAt?: Date): Plan {
    const asked = new Set<string>();
    for (;;) {
      const { fingerprint } = held;
      const seen = whole(
        observation({
          now: new Date(nowMs),
          stored: held,
          state: holding(held, { ours: true }),
          balancers: [balancer('lb.1', fingerprint)],
        }),
        renewal === undefined ? {} : { renewal },
      );
      const plan = planAll(seen, { ...WISH, ...(nextRunAt === undefined ? {} : { nextRunAt }) }, { asked });
      const [step] = plan.steps;
      if (step === undefined) return plan;
      if (step.do === 'ask-renewal') {
        asked.add(fingerprint);
        look(nowMs);
      } else if (step.do === 'order') {
        const { start, end } = state.window(held);
        const age = nowMs - held.notBefore.getTime();
        const isInWindow = nowMs >= start.getTime() && nowMs < end.getTime();
        renewals.push({ reason: step.reason, at: age / lifetimeMs, isInWindow });
        held = issue(nowMs);
      } else throw new Error(`There is nothing to ${step.do}`);
    }
  }

  function look(nowMs: number): void {
    state.looks += 1;
    const isTold = speaks(nowMs);
    const before = renewal?.fingerprint === held.fingerprint ? renewal : undefined;
    renewal = {
      ...(isTold ? { window: state.window(held), seenAt: new Date(nowMs) } : before),
      fingerprint: held.fingerprint,
      directoryUrl: CA,
      since: before?.since ?? new Date(nowMs),
      askAt: new Date(nowMs + 6 * HOUR_MS),
      failures: isTold ? 0 : 1,
    };
  }

  return { pass, renewals, state };
}

/** From one pass to the next, as each names it. */
function lived(made: ReturnType<typeof world>, lifetimeMs: number): number {
  let passes = 0;
  for (let nowMs = START_MS; nowMs < START_MS + 4 * lifetimeMs; passes += 1) {
    const { checkAgainAt } = made.pass(nowMs);
    if (checkAgainAt === undefined || checkAgainAt.getTime() <= nowMs)
      throw new Error('It never looks again');
    nowMs = checkAgainAt.getTime();
  }
  return passes;
}

const LIFETIMES: [string, number, number][] = [
  ['160 hours', 160 * HOUR_MS, 1 / 2],
  ['45 days', 45 * DAY_MS, 2 / 3],
  ['64 days', 64 * DAY_MS, 2 / 3],
  ['90 days', 90 * DAY_MS, 2 / 3],
];

describe.each(LIFETIMES)('a certificate of %s, without any setting', (_name, lifetimeMs, share) => {
  it("is renewed inside each window of a CA like Let's Encrypt, to the millisecond, in a few passes a day", () => {
    const made = world(lifetimeMs);

    const passes = lived(made, lifetimeMs);

    expect(made.renewals.length).toBeGreaterThanOrEqual(5);
    expect(made.renewals.every(({ reason, isInWindow }) => reason === 'renewal-info' && isInWindow)).toBe(
      true,
    );
    expect(passes / ((4 * lifetimeMs) / DAY_MS)).toBeLessThan(5);
  });

  it('is renewed at its share of the lifetime by a CA that does not tell', () => {
    const made = world(lifetimeMs, () => false);

    lived(made, lifetimeMs);

    expect(made.renewals.length).toBeGreaterThanOrEqual(5);
    for (const { reason, at } of made.renewals) {
      expect(reason).toBe('lifetime-share');
      expect(at).toBeGreaterThan(share - 0.021);
      expect(at).toBeLessThanOrEqual(share);
    }
  });

  it('is renewed in time by a CA that falls silent, or that wants it later than it lives', () => {
    const silent = world(lifetimeMs, (nowMs) => nowMs < START_MS + 0.3 * lifetimeMs);
    const wrong = world(lifetimeMs);
    wrong.state.window = ({ notAfter }) => ({ start: notAfter, end: new Date(notAfter.getTime() + DAY_MS) });

    for (const made of [silent, wrong]) lived(made, lifetimeMs);

    expect(silent.renewals.length).toBeGreaterThanOrEqual(5);
    for (const { at } of silent.renewals) expect(at).toBeLessThan(share + 0.02);
    for (const { at, reason } of wrong.renewals)
      expect([reason, at.toFixed(3)]).toEqual(['emergency', '0.950']);
  });

  it.each([1, 6, 12, 24])('is renewed in its window or before it by a cron every %i h', (hours) => {
    const made = world(lifetimeMs);
    const intervalMs = hours * HOUR_MS + 61_000;

    for (let nowMs = START_MS; nowMs < START_MS + 3 * lifetimeMs; nowMs += intervalMs)
      made.pass(nowMs, nowMs === START_MS ? undefined : new Date(nowMs + intervalMs));

    expect(made.renewals.length).toBeGreaterThanOrEqual(3);
    for (const { reason, at } of made.renewals) {
      expect(reason).toBe('renewal-info');
      expect(at).toBeLessThan(share + 0.01);
      expect(at).toBeGreaterThan(share - 0.01 - intervalMs / lifetimeMs);
    }
  });
});

describe('the loop', () => {
  const stop = { controller: new AbortController() };
  afterEach(() => stop.controller.abort());

  /** A certificate of 160 hours, whose window is 3.2 hours wide, and a cron that comes twice a day. */
  function running() {
    const clock = manualClock(START_MS);
    const made = world(160 * HOUR_MS);
    const passes: string[] = [];
    stop.controller = new AbortController();
    startLoop({
      clock,
      signal: stop.controller.signal,
      quietMs: 2_000,
      nextScheduled: (after) => new Date(after.getTime() + 12 * HOUR_MS),
      pass: async (reasons) => {
        passes.push(reasons.join());
        return made.pass(clock.nowMs());
      },
    });
    return { clock, passes, ...made };
  }

  it('wakes inside a window of three hours, though no schedule falls into it', async () => {
    const { clock, renewals, passes } = running();

    await clock.advance(81.5 * HOUR_MS);

    expect(renewals).toEqual([{ reason: 'renewal-info', at: expect.closeTo(0.5, 1), isInWindow: true }]);
    expect(passes.length).toBeLessThan(25);
  });

  it('renews within a minute when the machine wakes up after the window', async () => {
    const { clock, renewals } = running();
    await clock.advance(70 * HOUR_MS);
    clock.set(50 * HOUR_MS);

    await clock.advance(61_000);

    expect(renewals).toMatchObject([{ reason: 'renewal-info', isInWindow: false }]);
  });

  it('looks again when a clock that was two days ahead is set back, and meets the window', async () => {
    const { clock, renewals, state } = running();
    await clock.advance(HOUR_MS);
    clock.set(2 * DAY_MS);
    await clock.advance(HOUR_MS);
    clock.set(-2 * DAY_MS);
    const before = state.looks;

    await clock.advance(2 * HOUR_MS);
    const soon = state.looks - before;
    await clock.advance(77.5 * HOUR_MS);

    expect(soon).toBe(1);
    expect(renewals).toMatchObject([{ reason: 'renewal-info', isInWindow: true }]);
  });
});
