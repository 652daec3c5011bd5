import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CaQuestion,
  chooseCa,
  holdAt,
  holdOf,
  holdsAfterSuccess,
} from '../../../src/certificates/choose-ca.ts';
import type { Hold } from '../../../src/certificates/model.ts';

const [A, B, C] = ['https://a.example/dir', 'https://b.example/dir', 'https://c.example/dir'];
const NOW = new Date('2026-08-01T12:00:00Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const at = (ms: number) => new Date(NOW.getTime() + ms);
/** A certificate of so many days, of which so many are left. */
const left = (days: number, lifetime = 90) => ({
  notBefore: at((days - lifetime) * DAY),
  notAfter: at(days * DAY),
});

function hold(directoryUrl: string | undefined, more: Partial<Hold> = {}): Hold {
  return {
    ...{
      since: at(-MINUTE),
      until: at(4 * MINUTE),
      code: 'ACME_UNREACHABLE',
      reason: `${directoryUrl} is away`,
    },
    ...{ failures: 0, byCa: false, directoryUrl },
    ...more,
  };
}
const trouble = (directoryUrl: string, troubles: number, more: Partial<Hold> = {}) =>
  hold(directoryUrl, { troubles, ...more });
const limited = (directoryUrl: string, untilMs: number) =>
  hold(directoryUrl, { code: 'ACME_RATE_LIMITED', troubles: 1, byCa: true, until: at(untilMs) });
const wrongName = (directoryUrl: string, more: Partial<Hold> = {}) =>
  hold(directoryUrl, { code: 'ACME_CHALLENGE_FAILED', failures: 5, until: at(6 * HOUR), ...more });
const forbidden = (directoryUrl: string, more: Partial<Hold> = {}) =>
  hold(directoryUrl, { code: 'CAA_FORBIDS', until: at(6 * HOUR), ...more });

function chosen(holds: Hold[], stored?: CaQuestion['stored'], cas = [A, B, C]): string {
  return chooseCa({ cas, holds, stored, now: NOW }).directoryUrl;
}

describe('chooseCa() without a certificate', () => {
  it.each<[string, Hold[], string]>([
    ['nothing failed', [], A],
    ['the first failed once', [trouble(A, 1)], A],
    ['the first failed twice', [trouble(A, 2)], A],
    ['the first failed a third time', [trouble(A, 3)], B],
    ['the hold names no CA, so it is the first one’s', [{ ...trouble(A, 3), directoryUrl: undefined }], B],
    ['the first is away and the second as well', [trouble(A, 3), trouble(B, 3)], C],
    ['the second failed once and waits, and so does the first', [trouble(A, 3), trouble(B, 1)], B],
    [
      'the second waits, and the time of the first is over',
      [trouble(A, 3, { until: at(-1) }), trouble(B, 1)],
      A,
    ],
    [
      'all fail: the one that may be asked first',
      [trouble(A, 3), trouble(B, 3, { until: at(MINUTE) }), trouble(C, 3)],
      B,
    ],
    [
      'the third may be asked at once when the others fail',
      [trouble(A, 3), trouble(B, 3, { until: at(-1) })],
      C,
    ],
    ['a limit of minutes is waited for', [limited(A, 20 * MINUTE)], A],
    ['a limit of hours is not', [limited(A, 34 * HOUR)], B],
    ['a limit that is over counts no more', [limited(A, -1)], A],
    ['validation failed, however often', [wrongName(A)], A],
    ['validation failed at the second as well', [trouble(A, 3), wrongName(B)], B],
    [
      'the name is wrong at the second, and the first may be back',
      [trouble(A, 3, { until: at(-1) }), wrongName(B)],
      A,
    ],
    ['CAA forbids the first', [forbidden(A)], B],
    ['CAA forbids the second as well', [forbidden(A), forbidden(B)], C],
    ['CAA is looked up again after a while', [forbidden(A, { until: at(-1) })], A],
    ['the account at the first is over', [trouble(A, 3, { code: 'ACCOUNT_DEACTIVATED' })], B],
    [
      'a hold from the future of a wrong clock is none',
      [limited(A, 34 * HOUR)].map((each) => ({ ...each, since: at(DAY) })),
      A,
    ],
  ])('%s', (_what, holds, expected) => {
    expect(chosen(holds)).toBe(expected);
  });
});

describe('chooseCa() with a certificate in use', () => {
  it.each<[string, Hold[], ReturnType<typeof left>, string]>([
    ['it can wait: 29 of 90 days are left', [trouble(A, 40)], left(29), A],
    ['it can wait no longer: 15 of 90 days', [trouble(A, 40)], left(15), B],
    ['no time, but the first failed once only', [trouble(A, 1)], left(15), A],
    ['of 160 hours 50 are left', [trouble(A, 9)], left(50 / 24, 160 / 24), A],
    ['of 160 hours 40 are left', [trouble(A, 9)], left(40 / 24, 160 / 24), B],
    ['it has ended: as if there were none', [trouble(A, 3)], left(-1), B],
    ['a limit that ends in time', [limited(A, 5 * DAY)], left(29), A],
    ['a limit that ends too late', [limited(A, 6 * DAY)], left(20), B],
    ['CAA forbids the first, whatever time is left', [forbidden(A)], left(29), B],
    ['validation fails to the end', [wrongName(A)], left(0.1), A],
  ])('%s', (_what, holds, stored, expected) => {
    expect(chosen(holds, stored)).toBe(expected);
  });
});

it('chooseCa() says in the words of the failure why it is not the first one', () => {
  expect(chooseCa({ cas: [A, B], holds: [trouble(A, 3)], stored: undefined, now: NOW })).toEqual({
    directoryUrl: B,
    insteadOf: { directoryUrl: A, reason: `${A} is away` },
  });
});

it('chooseCa() stays at the only one, and never leaves the list', () => {
  const holds = fc.array(
    fc.record({
      directoryUrl: fc.constantFrom(A, B, C),
      code: fc.constantFrom('ACME_UNREACHABLE', 'ACME_RATE_LIMITED', 'ACME_CHALLENGE_FAILED', 'CAA_FORBIDS'),
      troubles: fc.integer({ min: 0, max: 5 }),
      untilMs: fc.integer({ min: -DAY, max: 40 * DAY }),
    }),
    { maxLength: 3 },
  );
  fc.assert(
    fc.property(
      holds,
      fc.constantFrom([A], [A, B], [B, A, C]),
      fc.option(fc.integer({ min: -5, max: 89 })),
      (some, cas, days) => {
        const all = some.map(({ untilMs, directoryUrl, ...more }) =>
          hold(directoryUrl, { ...more, until: at(untilMs) }),
        );
        const stored = days === null ? undefined : left(days);

        const url = chooseCa({ cas, holds: all, stored, now: NOW }).directoryUrl;

        expect(cas).toContain(url);
        const own = holdAt(all, cas[0] as string, cas[0] as string);
        if (own === undefined || own.code === 'ACME_CHALLENGE_FAILED') expect(url).toBe(cas[0]);
      },
    ),
    { numRuns: 200 },
  );
});

describe('holds by CA', () => {
  it('count the failures of a CA in a row, and begin anew after one of the names', () => {
    const { directoryUrl: _none, ...bare } = hold(A);
    const first = holdOf(bare, undefined, A);
    const second = holdOf(bare, first, A);
    const other = holdOf({ ...bare, code: 'ACME_CHALLENGE_FAILED' }, second, A);

    expect([first.troubles, second.troubles, other.troubles, other.directoryUrl]).toEqual([
      1,
      2,
      undefined,
      A,
    ]);
  });

  it('end with a certificate, but for limits that go on', () => {
    expect(holdsAfterSuccess([trouble(A, 3), limited(B, DAY), limited(C, -1)], NOW)).toEqual([
      limited(B, DAY),
    ]);
  });
});
