import { describe, expect, it } from 'vitest';
import { type Expectations, installFault } from '../../../src/certificates/install-gate.ts';
import { createRoots, type IssuerTrust } from '../../../src/certificates/issuer-roots.ts';
import { parseBundle } from '../../../src/delivery/bundle.ts';
import { makeBundle, makeIssuer, makeLeaf, NOT_AFTER, NOT_BEFORE } from '../../support/bundles.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const names = ['shop.example.com'];
const expected: Expectations = {
  names,
  cover: 'exactly',
  nowMs: NOT_BEFORE.getTime(),
  skewMs: 0,
  trust: { kind: 'any' },
  mostBytes: 120 * 1024,
  replaces: undefined,
};
const fault = (pem: string, changes: Partial<Expectations> = {}) => {
  const parsed = parseBundle(pem);
  if (!parsed.ok) throw new Error(parsed.problem);
  return installFault(parsed.bundle, { ...expected, ...changes });
};
const unusable = (message: string) => ({ code: 'CERTIFICATE_UNUSABLE', message });

describe('installFault()', () => {
  it.each([
    ['a good one', {}, {}, undefined],
    [
      'names in another order',
      { names: ['b.example', 'a.example'] },
      { names: ['b.example', 'a.example'] },
      undefined,
    ],
    [
      'fewer names',
      {},
      { names: ['a.example', ...names] },
      'it names shop.example.com, but a.example, shop.example.com was ordered',
    ],
    [
      'more names',
      { names: ['a.example', ...names] },
      {},
      'it names a.example, shop.example.com, but shop.example.com was ordered',
    ],
    ['no name', { names: [] }, {}, 'it names nothing, but shop.example.com was ordered'],
    [
      'more names than are wanted',
      { names: ['a.example', ...names] },
      { cover: 'at-least' as const },
      undefined,
    ],
    [
      'a wildcard for what is wanted',
      { names: ['*.example.com'] },
      { cover: 'at-least' as const },
      undefined,
    ],
    [
      'fewer names than are wanted',
      {},
      { names: ['a.example'], cover: 'at-least' as const },
      'it names shop.example.com, but a.example is wanted',
    ],
    ['a CA', { isCa: true }, {}, 'it is a CA certificate'],
    [
      'one for clients',
      { uses: ['clientAuth' as const] },
      {},
      'it is not meant for TLS servers (extended key usage)',
    ],
    ['one for any use', { uses: [] }, {}, undefined],
  ])('judges %s', (_what, options, changes, message) => {
    expect(fault(makeBundle(options).pem, changes)).toEqual(
      message === undefined ? undefined : unusable(message),
    );
  });

  it('measures a bundle as it stands in a variable', () => {
    const { pem } = makeBundle();
    const bytes = pem.trimEnd().length + (pem.trimEnd().match(/\n/g) ?? []).length;

    expect(fault(pem, { mostBytes: bytes })).toBeUndefined();
    expect(fault(pem, { mostBytes: bytes - 1 })).toEqual({
      code: 'DELIVERY_TOO_LARGE',
      message: `it takes ${bytes} bytes, and there is room for ${bytes - 1}`,
    });
  });
});

describe('installFault() and the dates', () => {
  const { pem } = makeBundle();
  const early = 'it is not valid before 2026-01-01T00:00:00.000Z';
  const late = 'it expired at 2026-03-31T23:59:59.000Z';
  const start = NOT_BEFORE.getTime();
  const end = NOT_AFTER.getTime();
  const wrongClock = (message: string) => ({ code: 'CLOCK_WRONG', message });

  it.each([
    ['begins in four minutes', start - 4 * MINUTE_MS, 0, undefined],
    ['begins in six minutes', start - 6 * MINUTE_MS, 0, unusable(early)],
    ['ends in a second', end - 1000, 0, undefined],
    ['ends now', end, 0, unusable(late)],
    // The CA's clock decides.
    ['begins in an hour, by our clock alone', start - 60 * MINUTE_MS, 60 * MINUTE_MS, undefined],
    ['ended long ago, by our clock alone', end + 9 * DAY_MS, -10 * DAY_MS, undefined],
    ['is early by both clocks', start - 60 * MINUTE_MS, 10 * MINUTE_MS, unusable(early)],
    ['is late by both clocks', end + DAY_MS, 10 * MINUTE_MS, unusable(late)],
    [
      'begins later by the clock of the CA alone',
      start,
      -10 * MINUTE_MS,
      wrongClock(
        `${early} by the clock of the CA, but not by ours. The clock of this machine is 600 s ahead of the CA's`,
      ),
    ],
    [
      'ended by the clock of the CA alone',
      end - MINUTE_MS,
      10 * MINUTE_MS,
      wrongClock(
        `${late} by the clock of the CA, but not by ours. The clock of this machine is 600 s behind the CA's`,
      ),
    ],
    // Nobody to compare with: nothing is issued in the future.
    [
      'begins in an hour, the CA not asked',
      start - 60 * MINUTE_MS,
      undefined,
      wrongClock(`${early}, so the clock of this machine seems to be behind`),
    ],
    ['ended, the CA not asked', end, undefined, unusable(late)],
  ])('judges one that %s', (_what, nowMs, skewMs, result) => {
    expect(fault(pem, { nowMs, skewMs })).toEqual(result);
  });
});

describe('installFault() and the chain', () => {
  const root = { commonName: 'Root', key: 'ca' };
  const old = { commonName: 'Old Root', key: 'old' };
  const middle = { commonName: 'Middle', key: 'middle' };
  const { leaf, key } = makeLeaf(middle);
  const bundle = (...issuers: string[]) => [leaf, ...issuers, key].join('');
  const belowRoot = makeIssuer(middle, root);
  const crossSigned = makeIssuer(root, old);
  const trusting = (...pems: string[]): IssuerTrust => ({
    kind: 'roots',
    roots: createRoots(() => pems),
    words: 'the public roots',
  });
  const [rootPem, oldPem] = [makeIssuer(root, root), makeIssuer(old, old)];
  const expiredRoot = makeIssuer({ ...root, notAfter: NOT_BEFORE }, root);
  const namesake = makeIssuer({ commonName: 'Root', key: 'second' }, { commonName: 'Root', key: 'second' });
  const stray = (what: string) => ({
    ...unusable(`its chain leads to CN=${what}, and to none of the public roots`),
    ofEveryOne: true,
  });

  it.each([
    ['below a root', bundle(belowRoot), trusting(rootPem), undefined],
    ['with the root itself', bundle(belowRoot, rootPem), trusting(rootPem), undefined],
    [
      'below two of one name, one of which signed it',
      bundle(belowRoot),
      trusting(namesake, rootPem),
      undefined,
    ],
    ['below a cross-signed root', bundle(belowRoot, crossSigned), trusting(oldPem), undefined],
    [
      'below a root that is cross-signed by an unknown one',
      bundle(belowRoot, crossSigned),
      trusting(rootPem),
      undefined,
    ],
    ['below an unknown root', bundle(belowRoot), trusting(oldPem), stray('Root')],
    ['below a namesake of a root', bundle(belowRoot), trusting(namesake), stray('Root')],
    ['below a root that expired', bundle(belowRoot), trusting(expiredRoot), stray('Root')],
    ['without its issuer', bundle(), trusting(rootPem), stray('Middle')],
    ['that brings its own root', bundle(belowRoot, rootPem), trusting(oldPem), stray('Root')],
    ['below no root', bundle(belowRoot), trusting(), stray('Root')],
    ['of a CA about whose roots nothing is known', bundle(belowRoot), { kind: 'any' as const }, undefined],
    [
      'with an issuer that is none',
      bundle(makeIssuer({ ...middle, isCa: false }, root)),
      { kind: 'any' as const },
      unusable('certificate 2 of the chain is not one of a CA'),
    ],
    [
      'with an issuer that expired',
      bundle(makeIssuer({ ...middle, notAfter: NOT_BEFORE }, root)),
      trusting(rootPem),
      unusable('certificate 2 of the chain expired at Jan  1 00:00:00 2026 GMT'),
    ],
    [
      'whose cross-signed end expired above a trusted root',
      bundle(belowRoot, makeIssuer({ ...root, notAfter: NOT_BEFORE }, old)),
      trusting(rootPem),
      undefined,
    ],
  ])('judges one %s', (_what, pem, trust, result) => {
    expect(fault(pem, { trust })).toEqual(result);
  });

  it('parses roots only when a chain is judged by them, and once', () => {
    let reads = 0;
    const roots = createRoots(() => {
      reads += 1;
      return [rootPem];
    });
    const trust: IssuerTrust = { kind: 'roots', roots, words: 'the public roots' };

    expect(fault(bundle(belowRoot), { trust, names: ['other.example.com'] })).toBeDefined();
    expect(reads).toBe(0);
    expect([fault(bundle(belowRoot), { trust }), fault(bundle(belowRoot), { trust })]).toEqual([
      undefined,
      undefined,
    ]);
    expect(reads).toBe(1);
  });
});

describe('installFault() and the test CA', () => {
  const staging = makeBundle({ issuer: '(STAGING) Test CA' }).pem;
  const real = { issuer: 'CN=R13', notAfter: NOT_AFTER, selfSigned: false };

  it.each([
    ['in an empty place', staging, { replaces: undefined }, undefined],
    ['over another one of it', staging, { replaces: { ...real, issuer: 'CN=(STAGING) R13' } }, undefined],
    [
      'over one of a name of before',
      staging,
      { replaces: { ...real, issuer: 'CN=Fake LE Intermediate X1' } },
      undefined,
    ],
    ['over a placeholder', staging, { replaces: { ...real, selfSigned: true } }, undefined],
    ['over a real one that expired', staging, { replaces: { ...real, notAfter: NOT_BEFORE } }, undefined],
    [
      'over a real one',
      staging,
      { replaces: real },
      unusable(
        'it is of the test CA and would take the place of a certificate that is none (issuer CN=R13) and is valid until 2026-03-31T23:59:59.000Z',
      ),
    ],
    [
      'and a real one over it',
      makeBundle().pem,
      { replaces: { ...real, issuer: 'CN=(STAGING) R13' } },
      undefined,
    ],
    ['as it was asked', staging, { trust: { kind: 'test' as const } }, undefined],
    [
      'when another one answered',
      makeBundle().pem,
      { trust: { kind: 'test' as const } },
      unusable('the test CA was asked, but CN=Test CA issued it'),
    ],
  ])('judges one %s', (_what, pem, changes, result) => {
    expect(fault(pem, changes)).toEqual(result);
  });
});
