import { describe, expect, it } from 'vitest';
import { challengeFailed, refusalError } from '../../../../src/acme/refusal.ts';
import {
  issued,
  notOrdered,
  notValidated,
  ordered,
  refused,
} from '../../../../src/certificates/limits/changes.ts';
import { failedNames, refusalOf } from '../../../../src/certificates/limits/failures.ts';
import type { OrderUse } from '../../../../src/certificates/limits/order-use.ts';
import { nothingPublished, publishedBy } from '../../../../src/certificates/limits/published.ts';
import { type LimitsState, NOTHING_USED, pruned, setKey } from '../../../../src/certificates/limits/state.ts';
import { type CaBudget, verdictOf } from '../../../../src/certificates/limits/verdict.ts';
import { registeredDomainOf } from '../../../../src/certificates/registered-domain.ts';
import { KNOWN_CAS } from '../../../../src/config/known-cas.ts';
import { CertathonError } from '../../../../src/lib/errors.ts';
import { NOW } from '../../../support/observations.ts';

const NOW_MS = NOW.getTime();
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NAMES = ['a.example.com', 'b.example.com'];
const published = publishedBy(KNOWN_CAS.letsencrypt);
const use = (exempt: OrderUse['exempt'] = undefined): OrderUse => ({ names: NAMES, isBegun: false, exempt });
const budget = (state: LimitsState = NOTHING_USED, changes: Partial<CaBudget> = {}): CaBudget => ({
  published,
  state,
  domainOf: registeredDomainOf,
  ...changes,
});

describe('what an order uses', () => {
  it('is one order when it is made, and nothing when the CA did not make it', () => {
    const made = ordered(use(), budget(), NOW_MS);
    const back = notOrdered(use(), budget(made), NOW_MS);

    expect(made.spent).toEqual({ orders: NOW_MS + 36_000 });
    expect(pruned(back, published, NOW_MS)).toEqual(NOTHING_USED);
  });

  it.each([
    ['anew', undefined, ['domain:example.com', setKey(NAMES)]],
    ['as before', 'renewal' as const, [setKey(NAMES)]],
    ['in the window of the CA', 'all' as const, []],
  ])('is the domain and the set when it is issued %s', (_how, exempt, keys) => {
    expect(Object.keys(issued(use(exempt), budget(), NOW_MS).spent)).toEqual(keys);
  });

  it('counts failures of each name, of which an issued certificate ends those in a row', () => {
    const failed = notValidated(['a.example.com'], budget(), NOW_MS);
    const twice = notValidated(['a.example.com'], budget(failed), NOW_MS);
    const well = issued(use('all'), budget(twice), NOW_MS);

    expect(twice.spent).toEqual({
      'failures:a.example.com': NOW_MS + 2 * 720_000,
      'row:a.example.com': NOW_MS + 2 * DAY_MS,
    });
    expect(well.spent).toEqual({ 'failures:a.example.com': NOW_MS + 2 * 720_000 });
  });

  it('is forgotten once it has come back, and bounded where a clock was wrong', () => {
    const spent = {
      orders: NOW_MS,
      'domain:example.com': NOW_MS + 400 * DAY_MS,
      'nonsense:x': NOW_MS + DAY_MS,
    };
    const held = {
      all: { untilMs: NOW_MS + 400 * DAY_MS, words: 'later' },
      orders: { untilMs: NOW_MS - 1, words: 'over' },
    };

    expect(pruned({ spent, held }, published, NOW_MS)).toEqual({
      spent: { 'domain:example.com': NOW_MS + 7 * DAY_MS },
      held: {},
    });
  });
});

describe('refused()', () => {
  const until = new Date(NOW_MS + 90_000);
  /** The words of Boulder, now and in former years. */
  const WORDS: [string, string][] = [
    [
      'too many new orders (300) from this account in the last 3h0m0s, retry after 2026-01-11 00:01:30 UTC: see https://letsencrypt.org/docs/rate-limits/#new-orders-per-account',
      'orders',
    ],
    [
      'too many certificates (50) already issued for "example.com" in the last 168h0m0s, retry after 2026-01-11 00:01:30 UTC: see …',
      'domain:example.com',
    ],
    [
      'too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after …',
      setKey(NAMES),
    ],
    [
      'too many failed authorizations (5) for "b.example.com" in the last 1h0m0s, retry after 2026-01-11 00:01:30 UTC',
      'failures:b.example.com',
    ],
    [
      'Error creating new order :: too many certificates already issued for: example.com: see https://letsencrypt.org/docs/rate-limits/',
      'domain:example.com',
    ],
    [
      'too many certificates already issued for exact set of domains: a.example.com,b.example.com',
      setKey(NAMES),
    ],
    ['too many certificates (50) already issued for "other.example" in the last 168h0m0s', 'all'],
    ['too many failed authorizations (5) for "strange.example" in the last 1h0m0s', 'all'],
    ['Service busy; retry later.', 'all'],
  ];

  it.each(WORDS)('learns from "%s"', (words, key) => {
    const state = refused(words, until, use(), budget(), NOW_MS);
    const elsewhere = refused(
      words,
      until,
      use(),
      budget(NOTHING_USED, { published: nothingPublished('') }),
      NOW_MS,
    );

    const verdict = verdictOf(use(), budget(state), NOW_MS);
    expect(verdict).toMatchObject({ fits: false, key, until });
    expect(elsewhere).toEqual({ spent: {}, held: { [key]: { untilMs: until.getTime(), words } } });
  });

  it('takes the time that the CA says for the true one, be it earlier or later than ours', () => {
    const full = { orders: NOW_MS + 3 * HOUR_MS };
    const later = new Date(NOW_MS + 5 * HOUR_MS);
    const learned = (at: Date) =>
      verdictOf(
        use(),
        budget(refused('too many new orders', at, use(), budget({ spent: full, held: {} }), NOW_MS)),
        NOW_MS,
      );

    expect(learned(new Date(NOW_MS + 1000))).toMatchObject({ until: new Date(NOW_MS + 1000) });
    expect(learned(later)).toMatchObject({ until: later });
  });

  it('believes no longer wait than the longest limit, and none that is over', () => {
    const far = refused('Later', new Date(NOW_MS + 400 * DAY_MS), use(), budget(), NOW_MS);

    expect(far.held.all?.untilMs).toBe(NOW_MS + 7 * DAY_MS);
    expect(refused('Later', NOW, use(), budget(), NOW_MS)).toEqual(NOTHING_USED);
  });

  it('is told by what a refusal is, of which those without a time tell nothing', () => {
    const answer = (status: number, detail: string, headers = {}) =>
      refusalError(
        'the order',
        'https://ca',
        { status, headers, data: { type: 'urn:ietf:params:acme:error:rateLimited', detail } },
        NOW_MS,
      );
    const busy = (status: number) =>
      refusalError(
        'the order',
        'https://ca',
        { status, headers: { 'retry-after': '60' }, data: 'busy' },
        NOW_MS,
      );

    expect(refusalOf(answer(429, 'too many new orders', { 'retry-after': '90' }))).toEqual({
      words: 'too many new orders',
      until,
    });
    expect(refusalOf(answer(429, 'too many, retry after 2026-01-11 00:01:30 UTC'))?.until).toEqual(until);
    expect(refusalOf(answer(429, 'paused: see https://ca/unpause'))).toBeUndefined();
    expect(refusalOf(busy(503))?.until).toEqual(new Date(NOW_MS + 60_000));
    expect(refusalOf(busy(500))).toBeUndefined();
  });

  it('counts the names of each validation that failed, one or several', () => {
    const one = challengeFailed('a.example.com', 'invalid', 'https://ca', undefined);
    const two = new CertathonError('ACME_CHALLENGE_FAILED', 'both', { facts: { names: NAMES } });

    expect([one, two, new CertathonError('ACME_REFUSED', 'no')].map(failedNames)).toEqual([
      ['a.example.com'],
      NAMES,
      [],
    ]);
  });
});
