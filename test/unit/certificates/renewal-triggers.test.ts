import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueTime } from '../../../src/certificates/renewal.ts';
import { freshUntilMs, infoOf, momentMs } from '../../../src/certificates/renewal-info.ts';
import {
  firstTrigger,
  shareTimeMs,
  TRIGGERS,
  type Trigger,
} from '../../../src/certificates/renewal-triggers.ts';
import { facts, OURS, observedCertificate, stored, THEIRS } from '../../support/observations.ts';
import { told } from '../../support/renewals.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START = new Date('2026-01-01T00:00:00Z');
const day = (days: number) => new Date(START.getTime() + days * DAY_MS);
const ninety = facts({ notBefore: START, notAfter: new Date(day(90).getTime() - 1000) });
const asking = { renewAt: 'auto' as const, asksRenewal: true };
const due = (now: Date, info = told({ window: { start: day(50), end: day(52) } }), policy = asking) =>
  dueTime(ninety, policy, now, info);

describe('the moment that a CA wants', () => {
  it('is inside the window, the same however often it is asked, and another in another window', () => {
    const windows = fc.record({
      startMs: fc.integer({ min: 0, max: 4e12 }),
      lengthMs: fc.integer({ min: 1, max: 60 * DAY_MS }),
      fingerprint: fc.stringMatching(/^[0-9a-f]{64}$/),
    });
    fc.assert(
      fc.property(windows, ({ startMs, lengthMs, fingerprint }) => {
        const info = told({
          fingerprint,
          window: { start: new Date(startMs), end: new Date(startMs + lengthMs) },
        });
        const atMs = momentMs(info) ?? Number.NaN;
        expect(atMs).toBeGreaterThanOrEqual(startMs);
        expect(atMs).toBeLessThan(startMs + lengthMs);
        expect(momentMs({ ...info, askAt: new Date(0), seenAt: new Date(1) })).toBe(atMs);
      }),
      { numRuns: 300 },
    );
    const shares = [0, 1, 2, 3].map((more) => {
      const start = new Date(START.getTime() + more);
      const atMs = momentMs(told({ window: { start, end: day(1) } })) ?? 0;
      return Math.round((1000 * (atMs - start.getTime())) / DAY_MS);
    });
    expect(new Set(shares).size).toBe(4);
  });

  it('spreads certificates of one window evenly over it', () => {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let at = 0; at < 2_000; at += 1) {
      const info = told({ fingerprint: hash('sha256', String(at)), window: { start: START, end: day(1) } });
      const tenth = Math.floor((10 * ((momentMs(info) ?? 0) - START.getTime())) / DAY_MS);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }

    expect(Math.min(...tenths)).toBeGreaterThan(150);
    expect(Math.max(...tenths)).toBeLessThan(250);
  });

  it('makes it due then, not before, whatever share of the lifetime is left', () => {
    const late = told({ window: { start: day(71), end: day(72) } });
    const { dueMs } = due(day(70), { ...late, seenAt: day(70) });

    expect(dueMs).toBe(momentMs(late));
    expect(due(new Date(dueMs), { ...late, seenAt: day(70) })).toEqual({ reason: 'renewal-info', dueMs });
  });

  it('is now when the window is in the past', () => {
    const info = told({ window: { start: day(9), end: day(9.1) }, seenAt: day(10) });

    expect(due(day(10), info)).toMatchObject({ reason: 'renewal-info' });
    expect(due(day(10), info).dueMs).toBeLessThan(day(10).getTime());
  });

  it('waits until a certificate has had its rest, but not for longer than a share of the lifetime is left', () => {
    const info = told({ window: { start: day(9), end: day(9.1) }, seenAt: day(10), restUntil: day(11) });

    expect(due(day(10), info)).toEqual({ reason: 'renewal-info', dueMs: day(11).getTime() });
    expect(due(day(11), info).reason).toBe('renewal-info');
    expect(due(day(86), { ...info, restUntil: day(300) }).reason).toBe('emergency');
  });

  it.each([
    ['before the program is started again', day(50.99), 'renewal-info'],
    ['after that', day(60), undefined],
  ])('counts as now for a cron when it comes %s', (_what, at, reason) => {
    const window = { start: at, end: new Date(at.getTime() + 1) };
    const info = told({ window, seenAt: day(50) });
    const policy = { ...asking, nextRunAt: day(51) };
    const found = dueTime(ninety, policy, day(50), info);

    expect(found.dueMs <= day(50).getTime() ? found.reason : undefined).toBe(reason);
  });
});

describe('the share of the lifetime', () => {
  it.each<[string, number, number | 'auto', number]>([
    ['90 days', 90 * DAY_MS, 'auto', 1 / 3],
    ['64 days', 64 * DAY_MS, 'auto', 1 / 3],
    ['45 days', 45 * DAY_MS, 'auto', 1 / 3],
    ['10 days', 10 * DAY_MS, 'auto', 1 / 3],
    ['just under 10 days', 10 * DAY_MS - 1000, 'auto', 1 / 2],
    ['160 hours', 160 * HOUR_MS, 'auto', 1 / 2],
    ['160 hours', 160 * HOUR_MS, 1 / 3, 1 / 3],
    ['90 days', 90 * DAY_MS, 0.6, 0.6],
  ])('of %s (%i ms) by %s is %f, less a fiftieth of it at most', (_what, lifetimeMs, renewAt, share) => {
    const notAfter = new Date(START.getTime() + lifetimeMs - 1000);
    const atMs = shareTimeMs(facts({ notBefore: START, notAfter }), renewAt) - START.getTime();

    expect(atMs).toBeLessThanOrEqual(lifetimeMs * (1 - share));
    expect(atMs).toBeGreaterThanOrEqual(lifetimeMs * (1 - share - 0.02) - 1000);
  });

  it('waits while the CA is heard, and counts again when it is silent for two days', () => {
    const info = told({ window: { start: day(80), end: day(81) }, seenAt: day(61), failures: 7 });

    expect(due(day(62), info)).toEqual({ reason: 'lifetime-share', dueMs: day(63).getTime() });
    expect(due(day(63), info).dueMs).toBeLessThanOrEqual(day(63).getTime());
  });

  it.each([
    ['there is no word of the CA', undefined],
    ['the CA never told a window', told({ window: undefined, seenAt: undefined })],
    ['it is about another certificate', told({ fingerprint: THEIRS, seenAt: day(60) })],
    [
      'it was heard by a clock that was ahead',
      told({ seenAt: day(300), window: { start: day(80), end: day(81) } }),
    ],
  ])('counts where %s', (_what, info) => {
    const { reason, dueMs } = dueTime(ninety, asking, day(10), info);

    expect([reason, dueMs]).toEqual(['lifetime-share', shareTimeMs(ninety, 'auto')]);
  });

  it('alone counts where CAs are not asked', () => {
    const info = told({ window: { start: day(1), end: day(2) }, seenAt: day(10) });
    const found = dueTime(ninety, { renewAt: 'auto' }, day(10), info);

    expect(found).toEqual({ reason: 'lifetime-share', dueMs: shareTimeMs(ninety, 'auto') });
  });
});

describe('the triggers', () => {
  const emergencyAt = new Date(day(85.5).getTime() - 1000);
  const [EMERGENCY, INFO, SHARE] = TRIGGERS as [Trigger, Trigger, Trigger];
  const broken: [string, Trigger['dueMs']][] = [
    [
      'throws',
      () => {
        throw new Error('a fault');
      },
    ],
    ['says no number', () => Number.NaN],
    ['says never', () => Number.POSITIVE_INFINITY],
    ['says it was always so', () => Number.NEGATIVE_INFINITY],
    ['says nothing', () => undefined],
  ];
  const early = told({ window: { start: day(20), end: day(20.1) }, seenAt: day(20) });

  it.each(broken)('go on without one that %s', (_what, dueMs) => {
    const answer = (list: Trigger[], now: Date) =>
      firstTrigger({ certificate: ninety, info: early, policy: asking, nowMs: now.getTime() }, list)?.reason;

    expect(answer([{ ...EMERGENCY, dueMs }, INFO, SHARE], day(21))).toBe('renewal-info');
    expect(answer([EMERGENCY, { ...INFO, dueMs }, SHARE], day(61))).toBe('lifetime-share');
    expect(answer([EMERGENCY, { ...INFO, dueMs }, { ...SHARE, dueMs }], day(86))).toBe('emergency');
    expect(
      answer(
        TRIGGERS.map((each) => ({ ...each, dueMs })),
        day(86),
      ),
    ).toBeUndefined();
  });

  it('find a certificate due with a twentieth left, although the CA wants it later', () => {
    const info = told({ window: { start: day(100), end: day(101) }, seenAt: day(85) });

    expect(due(new Date(emergencyAt.getTime() - 60_000), info).dueMs).toBe(emergencyAt.getTime());
    expect(due(emergencyAt, info)).toEqual({ reason: 'emergency', dueMs: emergencyAt.getTime() });
  });

  it('find every certificate due before a twentieth is left, whatever the CA says and whenever it was heard', () => {
    const time = fc.oneof(
      fc.date({ min: day(-400), max: day(400), noInvalidDate: true }),
      fc.constant(new Date(Number.NaN)),
    );
    const input = fc.record({
      start: time,
      end: time,
      seenAt: fc.option(time, { nil: undefined }),
      nowDays: fc.double({ min: 0, max: 89, noNaN: true }),
    });
    fc.assert(
      fc.property(input, ({ start, end, seenAt, nowDays }) => {
        const { dueMs } = due(day(nowDays), told({ window: { start, end }, seenAt }));
        expect(dueMs).toBeLessThanOrEqual(emergencyAt.getTime());
      }),
      { numRuns: 500 },
    );
  });

  it('leave a certificate that is never to be renewed until its end', () => {
    const info = told({ window: { start: day(1), end: day(2) }, seenAt: day(2) });

    expect(dueTime(ninety, { ...asking, renewAt: 0 }, day(89), info).dueMs).toBe(ninety.notAfter.getTime());
  });
});

describe('infoOf()', () => {
  const ca = 'https://acme.example/directory';
  const other = 'https://other.example/directory';
  it.each([
    ['the stored one, by the CA that is asked', told(), stored(), true],
    ['the stored one, by the CA that issued it', told({ directoryUrl: other }), by(other), true],
    ['another one', told({ fingerprint: THEIRS }), stored(), false],
    [
      'the stored one, by another CA than the one that is asked',
      told({ directoryUrl: other }),
      stored(),
      false,
    ],
    [
      'the stored one, by another CA than the one that issued it',
      told({ directoryUrl: ca }),
      by(other),
      false,
    ],
    ['one that is not there any more', told(), undefined, false],
  ])('knows what was said about %s: %#', (_what, renewal, held, isKnown) => {
    const certificate = observedCertificate({ stored: held, renewal, directoryUrl: ca });

    expect(infoOf(certificate)).toEqual(isKnown ? renewal : undefined);
  });

  function by(directoryUrl: string) {
    return stored({ fingerprint: OURS, issuedBy: { directoryUrl, accountUrl: `${directoryUrl}/1` } });
  }
});

it('freshUntilMs() says nothing where no window was told', () => {
  expect(freshUntilMs(told({ window: undefined }), START.getTime())).toBeUndefined();
});
