import { describe, expect, it } from 'vitest';
import { queue } from '../../../../src/certificates/limits/bucket.ts';
import { type OrderUse, useOf } from '../../../../src/certificates/limits/order-use.ts';
import {
  LIMIT_NAMES,
  type LimitName,
  nothingPublished,
  publishedBy,
} from '../../../../src/certificates/limits/published.ts';
import { NOTHING_USED, setKey } from '../../../../src/certificates/limits/state.ts';
import { type CaBudget, verdictOf } from '../../../../src/certificates/limits/verdict.ts';
import { ordinal, slotWords } from '../../../../src/certificates/limits/words.ts';
import { registeredDomainOf } from '../../../../src/certificates/registered-domain.ts';
import { KNOWN_CAS } from '../../../../src/config/known-cas.ts';
import { daysFrom, NOW, stored } from '../../../support/observations.ts';

const NOW_MS = NOW.getTime();
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const PRODUCTION = publishedBy(KNOWN_CAS.letsencrypt);
const NAMES = ['shop.example.co.uk', 'www.example.com'];
const KEYS: Record<LimitName, string> = {
  orders: 'orders',
  domain: 'domain:example.com',
  set: setKey(NAMES),
  failures: 'failures:shop.example.co.uk',
  row: 'row:shop.example.co.uk',
};
const use = (changes: Partial<OrderUse> = {}): OrderUse => ({
  names: NAMES,
  isBegun: false,
  exempt: undefined,
  ...changes,
});
const budget = (spent: Record<string, number>, changes: Partial<CaBudget> = {}): CaBudget => ({
  published: PRODUCTION,
  state: { ...NOTHING_USED, spent },
  domainOf: registeredDomainOf,
  ...changes,
});
/** A bucket of which so many tokens were taken at once. */
const taken = (name: LimitName, count: number, published = PRODUCTION) => {
  const limit = published.limits[name];
  if (limit === undefined) throw new Error(`No limit ${name}`);
  let fullAt = NOW_MS;
  for (let done = 0; done < count; done += 1) fullAt = queue(fullAt, limit, NOW_MS);
  return { [KEYS[name]]: fullAt };
};

describe('verdictOf() at Let’s Encrypt', () => {
  it.each<[LimitName, number, number, string]>([
    ['orders', 300, 36_000, '300th of 300 orders of this account in 3 hours; next slot 00:01 UTC'],
    [
      'domain',
      50,
      201.6 * MINUTE_MS,
      '50th of 50 certificates for example.com in 7 days; next slot 03:22 UTC',
    ],
    [
      'set',
      5,
      33.6 * HOUR_MS,
      '5th of 5 certificates for exactly these names in 7 days; next slot 2026-01-12 09:36 UTC',
    ],
    [
      'failures',
      5,
      12 * MINUTE_MS,
      '5th of 5 failed validations of shop.example.co.uk in an hour; next slot 00:12 UTC',
    ],
    [
      'row',
      1152,
      24 * HOUR_MS,
      '1152nd of 1152 failed validations of shop.example.co.uk in a row; next slot 2026-01-12 00:00 UTC',
    ],
  ])('lets the last of %s pass, and the next one when a token is back', (name, of, waitMs, words) => {
    const last = verdictOf(use(), budget(taken(name, of - 1)), NOW_MS);
    const full = budget(taken(name, of));
    const next = verdictOf(use(), full, NOW_MS);

    expect(last).toEqual({ fits: true });
    expect(next).toEqual({ fits: false, key: KEYS[name], until: new Date(NOW_MS + waitMs), words });
    expect(verdictOf(use(), full, NOW_MS + waitMs - 1).fits).toBe(false);
    expect(verdictOf(use(), full, NOW_MS + waitMs)).toEqual({ fits: true });
  });

  it('names of several limits the one that opens last', () => {
    const spent = { ...taken('orders', 300), ...taken('set', 5), ...taken('failures', 5) };

    expect(verdictOf(use(), budget(spent), NOW_MS)).toMatchObject({ key: KEYS.set });
  });

  it.each<[string, Partial<OrderUse>, LimitName[]]>([
    ['an order of new names by all', {}, [...LIMIT_NAMES]],
    ['a renewal of the same names by set and failures', { exempt: 'renewal' }, ['set', 'failures', 'row']],
    ['one that names what it replaces in its window by none', { exempt: 'all' }, []],
    ['one that is there already by none', { isBegun: true }, []],
  ])('holds %s', (_what, changes, expected) => {
    const of = { orders: 300, domain: 50, set: 5, failures: 5, row: 1152 };

    const held = LIMIT_NAMES.filter(
      (name) => !verdictOf(use(changes), budget(taken(name, of[name])), NOW_MS).fits,
    );

    expect(held).toEqual(expected);
  });

  it('knows the limits of the test CA, and none of others or where more was granted', () => {
    const staging = publishedBy(KNOWN_CAS['letsencrypt-staging']);
    const spent = taken('failures', 200, staging);

    expect(Object.keys(staging.limits)).toEqual(['orders', 'failures', 'row']);
    expect(verdictOf(use(), budget(spent, { published: staging }), NOW_MS)).toMatchObject({
      until: new Date(NOW_MS + 18_000),
    });
    expect(publishedBy('https://ca.example/dir').limits).toEqual({});
    expect(nothingPublished(KNOWN_CAS.letsencrypt).limits).toEqual({});
  });

  it.each([
    ['all', true, true, true],
    ['orders', true, false, false],
    ['domain:example.co.uk', true, false, false],
    ['domain:ample.com', false, false, false],
    ['failures:www.example.com', true, true, false],
    [setKey(['WWW.example.com', 'shop.example.co.uk']), true, true, false],
    [setKey(['www.example.com']), false, false, false],
  ])('keeps to what the CA said about %s', (key, isHeld, isRenewalHeld, isReplacementHeld) => {
    const held = { [key]: { untilMs: NOW_MS + HOUR_MS, words: 'too many' } };
    const state = { spent: {}, held };
    const said = (exempt: OrderUse['exempt']) =>
      !verdictOf(use({ exempt }), budget({}, { state, published: nothingPublished('x') }), NOW_MS).fits;

    expect([said(undefined), said('renewal'), said('all')]).toEqual([
      isHeld,
      isRenewalHeld,
      isReplacementHeld,
    ]);
  });
});

describe('useOf()', () => {
  const directoryUrl = 'https://acme.example/directory';
  const ours = { names: ['b.example.com', 'a.example.com'], issuer: "C=US, O=Let's Encrypt, CN=YE1" };

  it.each<[string, Parameters<typeof stored>[0], OrderUse['exempt']]>([
    ['the same names, issued by this CA', {}, 'renewal'],
    ['one name fewer', { names: ['a.example.com'] }, undefined],
    ['more than 120 days old', { notBefore: daysFrom(-120) }, undefined],
    ['of the test CA', { issuer: "O=(STAGING) Let's Encrypt, CN=(STAGING) Fake R13" }, undefined],
    ['of another CA', { issuer: 'O=ZeroSSL, CN=E1' }, undefined],
  ])('takes an order beside a certificate that is %s for %3$s', (_what, changes, exempt) => {
    const held = stored({ ...ours, notBefore: daysFrom(-119), ...changes });
    const names = ['a.example.com', 'b.example.com'];

    expect(useOf({ stored: held, directoryUrl }, names, false, PRODUCTION, NOW).exempt).toBe(exempt);
  });

  it.each<[string, number, number, string, OrderUse['exempt']]>([
    ['inside the window of the CA', -1, 1, directoryUrl, 'all'],
    ['at its start', 0, 1, directoryUrl, 'all'],
    ['at its end', -1, 0, directoryUrl, undefined],
    ['that another CA issued', -1, 1, 'https://other.example/dir', undefined],
  ])('takes an order %s for what its window makes it', (_what, start, end, by, exempt) => {
    const held = { ...stored({ issuer: 'O=X' }), issuedBy: { directoryUrl: by, accountUrl: 'https://a/1' } };
    const window = { start: daysFrom(start), end: daysFrom(end) };
    const told = {
      fingerprint: held.fingerprint,
      directoryUrl: by,
      since: NOW,
      askAt: daysFrom(1),
      failures: 0,
    };
    const certificate = { stored: held, directoryUrl, renewal: { ...told, window, seenAt: NOW } };

    expect(useOf(certificate, held.names, false, PRODUCTION, NOW).exempt).toBe(exempt);
  });
});

describe('words', () => {
  it.each([
    [1, '1st'],
    [2, '2nd'],
    [3, '3rd'],
    [11, '11th'],
    [50, '50th'],
    [112, '112th'],
    [1152, '1152nd'],
  ])('count %i as %s', (count, words) => {
    expect(ordinal(count)).toBe(words);
  });

  it.each([
    ['2026-01-11T14:19:01Z', '14:20 UTC'],
    ['2026-01-11T14:20:00Z', '14:20 UTC'],
    ['2026-01-11T23:59:30Z', '2026-01-12 00:00 UTC'],
  ])('call the slot %s %s', (at, words) => {
    expect(slotWords(Date.parse(at), NOW_MS)).toBe(words);
  });
});
