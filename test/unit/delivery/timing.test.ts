import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deliveryTiming, type Pace, type TimingFacts, urgentAt } from '../../../src/delivery/timing.ts';

const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000];
const at = (text: string) => new Date(text.includes('T') ? text : `2026-07-04T${text}Z`);
const ago = (now: Date, ms: number) => new Date(now.getTime() - ms);

/** Noon of a Saturday; windows open at three for two hours, and what is delivered is good for two months. */
const facts = (changes: Partial<TimingFacts> = {}): TimingFacts => ({
  isDisruptive: true,
  isFirst: false,
  isAsked: false,
  issuedAt: at('2026-07-01T12:00:00Z'),
  lastDeliveryAt: at('2026-06-01T12:00:00Z'),
  current: { notBefore: at('2026-06-01T00:00:00Z'), notAfter: at('2026-08-30T00:00:00Z') },
  now: at('12:00:00'),
  ...changes,
});
const pace = (changes: Partial<Pace> = {}): Pace => ({
  windows: [{ cron: '0 3 * * *', durationMs: 2 * HOUR_MS }],
  timeZone: 'UTC',
  intervalMs: 6 * HOUR_MS,
  coalesceMs: 5 * MINUTE_MS,
  ...changes,
});
const begins = (reason: string) => ({ wait: false, reason });
const waits = (reason: string, until: string) => ({ wait: true, reason, until: at(until) });

describe('deliveryTiming()', () => {
  it.each<[string, Partial<TimingFacts>, Partial<Pace>, object]>([
    ['what restarts nothing', { isDisruptive: false, issuedAt: at('12:00:00') }, {}, begins('free')],
    ['a closed window', {}, {}, waits('window', '2026-07-05T03:00:00')],
    ['an open window', { now: at('03:30:00') }, {}, begins('in-window')],
    ['no windows at all', {}, { windows: [] }, begins('free')],
    // Coalescing
    ['a new certificate', { issuedAt: at('11:59:00') }, { windows: [] }, waits('coalescing', '12:04:00')],
    ['coalescing that just ended', { issuedAt: at('11:55:00') }, { windows: [] }, begins('free')],
    [
      'a certificate of a clock a little ahead',
      { issuedAt: at('12:00:04') },
      { windows: [] },
      waits('coalescing', '12:05:04'),
    ],
    ['a certificate of a clock far ahead', { issuedAt: at('12:00:06') }, { windows: [] }, begins('free')],
    ['a certificate of unknown age', { issuedAt: undefined }, { windows: [] }, begins('free')],
    [
      'a new certificate and a closed window',
      { issuedAt: at('11:59:00') },
      {},
      waits('window', '2026-07-05T03:00:00'),
    ],
    [
      'a new certificate at the end of a window',
      { issuedAt: at('04:58:00'), now: at('04:59:00') },
      {},
      waits('window', '2026-07-05T03:00:00'),
    ],
    // First and asked
    ['a first certificate', { isFirst: true }, {}, begins('first')],
    ['nothing delivered yet', { current: undefined }, {}, begins('first')],
    [
      'a first certificate that is new',
      { isFirst: true, issuedAt: at('11:59:00') },
      {},
      waits('coalescing', '12:04:00'),
    ],
    ['what was asked for', { isAsked: true, lastDeliveryAt: at('11:00:00') }, {}, begins('asked')],
    [
      'what was asked for and is new',
      { isAsked: true, issuedAt: at('11:59:00') },
      {},
      waits('coalescing', '12:04:00'),
    ],
    ['a first certificate that was asked for', { isFirst: true, isAsked: true }, {}, begins('first')],
    // Pace
    [
      'a delivery not long ago',
      { lastDeliveryAt: at('10:00:00') },
      { windows: [] },
      waits('pace', '16:00:00'),
    ],
    ['a delivery long enough ago', { lastDeliveryAt: at('06:00:00') }, { windows: [] }, begins('free')],
    ['a delivery in the future', { lastDeliveryAt: at('12:00:01') }, { windows: [] }, begins('free')],
    ['no delivery before', { lastDeliveryAt: undefined }, { windows: [] }, begins('free')],
    [
      'a pace that ends in the window',
      { lastDeliveryAt: at('2026-07-03T22:00:00Z'), now: at('02:00:00') },
      {},
      waits('pace', '04:00:00'),
    ],
    [
      'a pace that ends after the window',
      { lastDeliveryAt: at('03:10:00'), now: at('03:30:00') },
      {},
      waits('window', '2026-07-05T03:00:00'),
    ],
    [
      'the longer of pace and coalescing',
      { lastDeliveryAt: at('06:01:00'), issuedAt: at('11:59:00') },
      { windows: [] },
      waits('coalescing', '12:04:00'),
    ],
  ])('given %s', (_what, changes, paceChanges, verdict) => {
    expect(deliveryTiming(facts(changes), pace(paceChanges))).toEqual(verdict);
  });

  // A life of 90 days that ends on the 13th: urgent from the 4th on.
  const short = (time: string) => ({
    current: { notBefore: ago(at(`2026-07-13T${time}Z`), 90 * DAY_MS), notAfter: at(`2026-07-13T${time}Z`) },
  });
  it.each<[string, Partial<TimingFacts>, Partial<Pace>, object]>([
    ['a closed window does not hold back what is urgent', short('12:00:00'), {}, begins('urgent')],
    [
      'nor does the pace',
      { ...short('12:00:00'), lastDeliveryAt: at('11:00:00') },
      { windows: [] },
      begins('urgent'),
    ],
    [
      'nor that it is new',
      { ...short('12:00:00'), issuedAt: at('12:00:00') },
      { windows: [] },
      begins('free'),
    ],
    [
      'what would not have waited says so',
      { ...short('03:00:00'), now: at('03:30:00') },
      {},
      begins('in-window'),
    ],
    ['it is waited for until it is urgent', short('18:00:00'), {}, waits('window', '18:00:00')],
    [
      'also for the pace',
      { ...short('13:00:00'), lastDeliveryAt: at('11:00:00') },
      { windows: [] },
      waits('pace', '13:00:00'),
    ],
    [
      'also for others that may come',
      { ...short('12:01:00'), issuedAt: at('12:00:00') },
      { windows: [] },
      waits('coalescing', '12:01:00'),
    ],
    [
      'what has expired is urgent',
      { current: { notBefore: at('2026-04-01T00:00:00Z'), notAfter: at('2026-07-01T00:00:00Z') } },
      {},
      begins('urgent'),
    ],
    [
      'a first certificate beside it is first',
      { ...short('12:00:00'), isFirst: true, issuedAt: at('12:00:00') },
      {},
      begins('first'),
    ],
  ])('knows urgency: %s', (_what, changes, paceChanges, verdict) => {
    expect(deliveryTiming(facts(changes), pace(paceChanges))).toEqual(verdict);
  });

  it('never waits again for what it has waited for', () => {
    fc.assert(
      fc.property(anyFacts, anyPace, (seen, given) => {
        const verdict = deliveryTiming(seen, given);
        fc.pre(verdict.wait);
        if (!verdict.wait) return;

        const again = deliveryTiming({ ...seen, now: verdict.until }, given);

        expect(verdict.until.getTime()).toBeGreaterThan(seen.now.getTime());
        expect(again.wait).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('never waits beyond the moment of urgency, and a first or asked one only for its companions', () => {
    fc.assert(
      fc.property(anyFacts, anyPace, (seen, given) => {
        const verdict = deliveryTiming(seen, given);

        if (!verdict.wait) return;
        if (seen.current !== undefined)
          expect(verdict.until.getTime()).toBeLessThanOrEqual(urgentAt(seen.current).getTime());
        if (seen.isFirst || seen.isAsked || seen.current === undefined) {
          expect(verdict.reason).toBe('coalescing');
          expect(verdict.until.getTime() - seen.now.getTime()).toBeLessThanOrEqual(given.coalesceMs + 5_000);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('gives one answer to one question, and changes nothing', () => {
    fc.assert(
      fc.property(anyFacts, anyPace, (seen, given) => {
        const before = structuredClone([seen, given]);

        expect(deliveryTiming(seen, given)).toEqual(deliveryTiming(seen, given));
        expect([seen, given]).toEqual(before);
      }),
      { numRuns: 30 },
    );
  });
});

describe('urgentAt()', () => {
  it.each([
    ['90 days', 90 * DAY_MS, 9 * DAY_MS],
    ['45 days', 45 * DAY_MS, 4.5 * DAY_MS],
    ['6.7 days', 6.7 * DAY_MS, 16.08 * HOUR_MS],
    ['60 hours', 60 * HOUR_MS, 6 * HOUR_MS],
    ['a day', DAY_MS, 6 * HOUR_MS],
    ['an hour', HOUR_MS, 15 * MINUTE_MS],
    ['no time', 0, 0],
    ['less than no time', -DAY_MS, 0],
  ])('given a life of %s', (_life, lifeMs, leftMs) => {
    const notAfter = at('12:00:00');

    const urgent = urgentAt({ notBefore: ago(notAfter, lifeMs), notAfter });

    expect(notAfter.getTime() - urgent.getTime()).toBeCloseTo(leftMs, -1);
  });
});

const NOW_MS = Date.UTC(2026, 6, 4, 12);
const anySpan = (most: number) => fc.integer({ min: -most, max: most });
const anyFacts: fc.Arbitrary<TimingFacts> = fc
  .record({
    isFirst: fc.boolean(),
    isAsked: fc.boolean(),
    issued: fc.option(fc.oneof(anySpan(HOUR_MS), anySpan(4 * DAY_MS), anySpan(10_000)), { nil: undefined }),
    last: fc.option(anySpan(2 * DAY_MS), { nil: undefined }),
    life: fc.option(fc.tuple(fc.nat(95 * DAY_MS), anySpan(20 * DAY_MS)), { nil: undefined }),
    now: fc.nat(2 * DAY_MS),
  })
  .map(({ issued, last, life, now, ...flags }) => {
    const moment = (ms: number | undefined) => (ms === undefined ? undefined : new Date(NOW_MS + now + ms));
    return {
      ...flags,
      isDisruptive: true,
      issuedAt: moment(issued),
      lastDeliveryAt: moment(last),
      current: life && {
        notBefore: new Date(NOW_MS + life[1] - life[0]),
        notAfter: new Date(NOW_MS + life[1]),
      },
      now: new Date(NOW_MS + now),
    };
  });
const anyPace: fc.Arbitrary<Pace> = fc.record({
  windows: fc.array(
    fc.record({
      cron: fc.constantFrom('0 3 * * *', '30 1 * * 6', '15 */6 * * *', '0 22 * * 1-5'),
      durationMs: fc.integer({ min: MINUTE_MS, max: 8 * HOUR_MS }),
    }),
    { maxLength: 2 },
  ),
  timeZone: fc.constantFrom('UTC', 'Europe/Berlin'),
  intervalMs: fc.nat(3 * DAY_MS),
  coalesceMs: fc.nat(HOUR_MS),
});
