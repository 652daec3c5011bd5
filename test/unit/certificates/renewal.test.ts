import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coversAll, renewalVerdict } from '../../../src/certificates/renewal.ts';
import { shareTimeMs } from '../../../src/certificates/renewal-triggers.ts';
import { facts, NOW, stored } from '../../support/observations.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const start = new Date('2026-01-01T00:00:00Z');
const at = (ms: number) => new Date(start.getTime() + ms);
/** As CAs count it: the last second belongs to it. */
const lasting = (ms: number, fingerprint = '5'.repeat(64)) =>
  facts({ notBefore: start, notAfter: at(ms - 1000), fingerprint });
const unforced = { renewAt: 1 / 3, forced: false };
const wanted = ['shop.example.com'];

describe('renewalVerdict()', () => {
  it.each([
    ['there is no certificate', undefined, wanted, unforced, NOW, 'missing'],
    ['a person asks for it', stored(), wanted, { ...unforced, forced: true }, NOW, 'forced'],
    ['a name is missing in it', stored(), [...wanted, 'new.example.com'], unforced, NOW, 'names-missing'],
    ['it has expired', lasting(90 * DAY_MS), wanted, unforced, at(91 * DAY_MS), 'expired'],
    ['it expires this second', lasting(90 * DAY_MS), wanted, unforced, at(90 * DAY_MS - 1000), 'expired'],
    ['a third of it is left', lasting(90 * DAY_MS), wanted, unforced, at(60 * DAY_MS), 'lifetime-share'],
  ])('is due when %s', (_why, current, names, policy, now, reason) => {
    expect(renewalVerdict(current, names, policy, now)).toEqual({ due: true, reason });
  });

  it('keeps a certificate that covers more than what is wanted, also by a wildcard', () => {
    const wide = facts({ names: ['*.example.com', 'other.example'] });

    expect(renewalVerdict(wide, ['shop.example.com'], unforced, NOW).due).toBe(false);
    expect(renewalVerdict(wide, ['a.shop.example.com'], unforced, NOW)).toMatchObject({
      reason: 'names-missing',
    });
  });

  it.each([
    ['160 hours', 160 * HOUR_MS],
    ['45 days', 45 * DAY_MS],
    ['64 days', 64 * DAY_MS],
    ['90 days', 90 * DAY_MS],
  ])('takes a share of a lifetime of %s, never days', (_name, lifetimeMs) => {
    const certificate = lasting(lifetimeMs);
    const early = at(lifetimeMs * (1 - 1 / 3 - 0.02) - 1000);
    const late = at(lifetimeMs * (1 - 1 / 3));

    const verdict = renewalVerdict(certificate, wanted, unforced, early);

    const dueMs = shareTimeMs(certificate, 1 / 3);
    expect(verdict).toEqual({ due: false, dueAt: new Date(dueMs), clockWrong: false });
    expect(dueMs).toBeGreaterThan(early.getTime());
    expect(dueMs).toBeLessThanOrEqual(late.getTime());
    expect(renewalVerdict(certificate, wanted, unforced, late).due).toBe(true);
  });

  it('is not due in the millisecond before its due time, and due in it', () => {
    const dueAt = new Date(shareTimeMs(lasting(90 * DAY_MS), 1 / 3));

    const before = renewalVerdict(lasting(90 * DAY_MS), wanted, unforced, new Date(dueAt.getTime() - 1));
    const then = renewalVerdict(lasting(90 * DAY_MS), wanted, unforced, dueAt);

    expect([before.due, then.due]).toEqual([false, true]);
  });

  it('takes a clock before the certificate begins for wrong, not the certificate for due', () => {
    const certificate = lasting(90 * DAY_MS);

    const long = renewalVerdict(certificate, wanted, unforced, at(-DAY_MS));
    const little = renewalVerdict(certificate, wanted, unforced, at(-60_000));

    expect([long, little]).toMatchObject([
      { due: false, clockWrong: true },
      { due: false, clockWrong: false },
    ]);
  });

  it('gives one answer however often it is asked, and spreads different certificates', () => {
    const ask = (fingerprint: string) => shareTimeMs(lasting(90 * DAY_MS, fingerprint), 1 / 3);
    const all = Array.from({ length: 50 }, (_, index) => hash('sha256', String(index)));

    expect(all.map(ask)).toEqual(all.map(ask));
    expect(new Set(all.map(ask)).size).toBeGreaterThan(40);
  });

  it('is due inside the certificate, whatever its lifetime and share', () => {
    const cases = fc.record({
      lifetimeMs: fc.integer({ min: 60_000, max: 400 * DAY_MS }),
      renewAt: fc.double({ min: 0.01, max: 0.95, noNaN: true }),
      fingerprint: fc.stringMatching(/^[0-9a-f]{64}$/),
    });
    fc.assert(
      fc.property(cases, ({ lifetimeMs, renewAt, fingerprint }) => {
        const certificate = lasting(lifetimeMs, fingerprint);
        const dueMs = shareTimeMs(certificate, renewAt);
        expect(dueMs).toBeLessThanOrEqual(certificate.notAfter.getTime());
        expect(dueMs).toBeGreaterThanOrEqual(start.getTime());
      }),
    );
  });
});

describe('coversAll()', () => {
  it.each([
    [['a.example'], ['a.example'], true],
    [['*.example'], ['a.example', 'b.example'], true],
    [['*.example'], ['example'], false],
    [['*.example'], ['a.b.example'], false],
    [['*.example'], ['*.example'], true],
    [['a.example'], ['*.example'], false],
    [[], ['a.example'], false],
    [['a.example'], [], true],
  ])('of %j for %j is %s', (names, asked, answer) => {
    expect(coversAll(names, asked)).toBe(answer);
  });
});
