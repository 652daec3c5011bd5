import { describe, expect, it } from 'vitest';
import { refusalError } from '../../../src/acme/refusal.ts';
import { holdAfter, isHeld } from '../../../src/certificates/backoff.ts';
import {
  failedNames,
  heldNamesProblems,
  isNamesFailure,
  withoutHeld,
} from '../../../src/certificates/set-aside.ts';
import { CertathonError, type ErrorCode } from '../../../src/lib/errors.ts';
import { daysFrom, hold, NOW } from '../../support/observations.ts';

const NAMES = ['a.example.com', 'b.example.com', 'example.com'];
const failure = (code: ErrorCode, facts: Record<string, unknown> = {}) =>
  new CertathonError(code, 'It failed', { facts });

/** What the CA says to newOrder, as it becomes an error. */
function refused(type: string, detail: string, subproblems: { name: string }[] = []) {
  const data = {
    type: `urn:ietf:params:acme:error:${type}`,
    detail,
    subproblems: subproblems.map(({ name }) => ({
      type: `urn:ietf:params:acme:error:${type}`,
      detail,
      identifier: { type: 'dns', value: name },
    })),
  };
  const headers = { 'content-type': 'application/problem+json' };
  const status = type === 'rateLimited' ? 429 : 400;
  return refusalError('the order', 'https://ca.example/order', { status, headers, data }, NOW.getTime());
}

const PAUSE =
  'Your account is temporarily prevented from requesting certificates for a.example.com and possibly others. Please visit: https://portal.ca.example/unpause?jwt=abc';

describe('failedNames()', () => {
  it.each<[string, CertathonError, string[]]>([
    [
      'the one that was not validated',
      failure('ACME_CHALLENGE_FAILED', { name: 'b.example.com' }),
      ['b.example.com'],
    ],
    ['all that were not', failure('ACME_CHALLENGE_FAILED', { names: NAMES.slice(0, 2) }), NAMES.slice(0, 2)],
    ['nobody when all were not', failure('ACME_CHALLENGE_FAILED', { names: NAMES }), []],
    [
      'those whose route is wrong',
      failure('ROUTE_CHECK_FAILED', { names: ['example.com'] }),
      ['example.com'],
    ],
    ['nobody of an invalid order', failure('ACME_ORDER_INVALID', { names: NAMES.slice(0, 1) }), []],
    ['nobody when the CA is away', failure('ACME_UNREACHABLE', { name: 'a.example.com' }), []],
    ['a name that is of another order', failure('ACME_CHALLENGE_FAILED', { name: 'x.example.com' }), []],
    [
      'identifiers of subproblems',
      refused('compound', 'two', [{ name: 'B.example.com' }]),
      ['b.example.com'],
    ],
    [
      'a name that the CA quotes',
      refused('rejectedIdentifier', 'Cannot issue for "a.example.com": policy'),
      ['a.example.com'],
    ],
    ['a name that is paused', refused('rateLimited', PAUSE), ['a.example.com']],
    [
      'a name with too many failures',
      refused('rateLimited', 'too many failed authorizations (5) for "a.example.com" in the last 1h0m0s'),
      ['a.example.com'],
    ],
    [
      'nobody for a limit of the registered domain',
      refused(
        'rateLimited',
        'too many certificates (50) already issued for "example.com" in the last 168h0m0s',
      ),
      [],
    ],
    ['nobody when no name is told', refused('malformed', 'Unable to read the order'), []],
  ])('finds %s', (_what, error, expected) => {
    expect(failedNames(error, NAMES)).toEqual(expected);
  });
});

describe('a pause', () => {
  const pause = refused('rateLimited', PAUSE);
  const held = holdAfter(pause, undefined, NOW, undefined);

  it('has a code of its own, and the address in its words', () => {
    expect([pause.code, pause.message]).toEqual([
      'ACME_PAUSED',
      expect.stringContaining('https://portal.ca.example/'),
    ]);
  });

  it('is never over by itself, only when a person asks', () => {
    expect([isHeld(held, daysFrom(400)), held.byCa]).toEqual([true, false]);
    const holds = new Map([['a.example.com', held]]);
    const asked = withoutHeld(NAMES, holds, daysFrom(400), daysFrom(399));
    expect([withoutHeld(NAMES, holds, daysFrom(400), undefined).names, asked.names]).toEqual([
      NAMES.slice(1),
      NAMES,
    ]);
  });

  it('is a limit with a time when the CA names one', () => {
    const { code, retryAt } = refused(
      'rateLimited',
      `too many, see https://ca.example, retry after 2026-01-11 06:00:00 UTC`,
    );
    expect([code, retryAt]).toEqual(['ACME_RATE_LIMITED', daysFrom(0.25)]);
  });
});

describe('withoutHeld()', () => {
  const later = hold({ until: daysFrom(1) });
  it.each<[string, [string, ReturnType<typeof hold>][], string[], string[]]>([
    ['nobody without failures', [], NAMES, []],
    ['the one that failed', [['b.example.com', later]], ['a.example.com', 'example.com'], ['b.example.com']],
    ['nobody whose time has come', [['b.example.com', hold({ until: daysFrom(-0.001) })]], NAMES, []],
    ['nobody of other certificates', [['x.example.com', later]], NAMES, []],
  ])('leaves out %s', (_what, holds, names, left) => {
    const result = withoutHeld(NAMES, new Map(holds), NOW, undefined);
    expect([result.names, result.held.map(({ name }) => name)]).toEqual([names, left]);
  });

  it('keeps them together, waiting for the first, when none would be left', () => {
    const sooner = hold({ until: daysFrom(0.5) });
    const holds = new Map(NAMES.map((name, index) => [name, index === 1 ? sooner : later]));
    expect(withoutHeld(NAMES, holds, NOW, undefined)).toEqual({ names: NAMES, held: [], together: sooner });
  });

  it('says of each why, and when it is tried again', () => {
    const [problem] = heldNamesProblems([{ name: 'b.example.com', hold: later }]);
    expect(problem).toEqual({
      code: 'ACME_CHALLENGE_FAILED',
      message: `CA did not validate shop.example.com; b.example.com is left out of its certificate, and tried again at ${later.until.toISOString()}`,
    });
  });
});

describe('isNamesFailure()', () => {
  it.each<[string, ReturnType<typeof hold> | undefined, boolean]>([
    ['a failed validation', hold(), true],
    ['a refused name', hold({ code: 'ACME_REFUSED' }), true],
    ['a limit of the CA', hold({ code: 'ACME_RATE_LIMITED' }), false],
    ['an account that is over', hold({ code: 'ACCOUNT_DEACTIVATED' }), false],
    ['a CA that is away', hold({ code: 'ACME_UNREACHABLE', failures: 0 }), false],
    ['nothing', undefined, false],
  ])('takes %s for what it is', (_what, before, isFailure) => {
    expect(isNamesFailure(before)).toBe(isFailure);
  });
});
