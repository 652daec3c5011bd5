import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  FoundAccount,
  FoundCertificate,
  FoundTree,
} from '../../../../src/certificates/adopt/found-tree.ts';
import {
  type AdoptionPlan,
  type KnownAlready,
  LEFT_REASONS,
  planAdoption,
} from '../../../../src/certificates/adopt/plan-adoption.ts';
import type { CertificateFacts } from '../../../../src/delivery/bundle.ts';

const V2 = 'https://acme-v02.api.letsencrypt.org/directory';
const STAGING = 'https://acme-staging-v02.api.letsencrypt.org/directory';
const NOW = new Date('2026-02-01T00:00:00Z');
const DAY_MS = 86_400_000;
const NOTHING: KnownAlready = { fingerprints: new Set(), accountKeyOf: () => undefined };

const days = (count: number): Date => new Date(NOW.getTime() + count * DAY_MS);

function account(part: Partial<FoundAccount> = {}): FoundAccount {
  return {
    path: '/old/account',
    host: 'acme-v02.api.letsencrypt.org',
    directoryUrl: V2,
    isOld: false,
    keyPem: 'key',
    thumbprint: 'thumbprint',
    email: undefined,
    accountUrl: undefined,
    createdAt: days(-100),
    isInUse: false,
    ...part,
  };
}

function certificate(path: string, facts: Partial<CertificateFacts> = {}): FoundCertificate {
  return {
    path,
    bundle: {
      pem: '',
      facts: {
        names: ['shop.example.com'],
        fingerprint: path,
        issuer: "C=US, O=Let's Encrypt, CN=R13",
        notBefore: days(-10),
        notAfter: days(80),
        selfSigned: false,
        ...facts,
      },
    },
  };
}

function tree(part: Partial<FoundTree> = {}): FoundTree {
  return { kind: 'letsencrypt-dcos', path: '/old', accounts: [], certificates: [], problems: [], ...part };
}

const inShort = ({ accounts, certificates, left }: AdoptionPlan) => ({
  accounts: accounts.map((each) => [each.directoryUrl, each.account.path]),
  certificates: certificates.map(({ path }) => path),
  left: left.map(({ what, reason }) => [what, reason]),
});

describe('planAdoption() of accounts', () => {
  const one = account({ path: 'one' });
  it.each<[string, FoundAccount[], [string, string][], [string, string][]]>([
    ['takes the account of the CA that is asked', [one], [[V2, 'one']], []],
    [
      'takes one for each CA',
      [one, account({ path: 'test', host: 'acme-staging-v02.api.letsencrypt.org', directoryUrl: STAGING })],
      [
        [V2, 'one'],
        [STAGING, 'test'],
      ],
      [],
    ],
    [
      'prefers the newer of two',
      [one, account({ path: 'two', createdAt: days(-1) })],
      [[V2, 'two']],
      [['one', 'newer-account']],
    ],
    [
      'prefers the one that renews certificates to a newer one',
      [account({ path: 'two', createdAt: days(-1) }), account({ path: 'used', isInUse: true })],
      [[V2, 'used']],
      [['two', 'newer-account']],
    ],
    [
      'prefers one of today to one of ACME v1',
      [account({ path: 'v1', isOld: true, isInUse: true, createdAt: days(-1) }), one],
      [[V2, 'one']],
      [['v1', 'newer-account']],
    ],
    ['takes one of ACME v1 when there is no other', [account({ path: 'v1', isOld: true })], [[V2, 'v1']], []],
    [
      'takes one without any host for the CA that is asked',
      [account({ path: 'client.key', host: undefined, directoryUrl: undefined })],
      [[V2, 'client.key']],
      [],
    ],
    [
      'takes one of which only the host is known when that is asked, and leaves it else',
      [
        account({ path: 'here', directoryUrl: undefined }),
        account({ path: 'there', host: 'ca.example', directoryUrl: undefined }),
      ],
      [[V2, 'here']],
      [['there', 'unknown-directory']],
    ],
    [
      'spells the directory as it is asked',
      [account({ path: 'slash', directoryUrl: `${V2}/` })],
      [[V2, 'slash']],
      [],
    ],
  ])('%s', (_what, accounts, taken, left) => {
    expect(inShort(planAdoption(tree({ accounts }), NOTHING, NOW, V2))).toEqual({
      accounts: taken,
      certificates: [],
      left,
    });
  });

  it.each([
    ['thumbprint', 'known'],
    ['another', 'other-account'],
  ])('leaves an account when the store has the one of %s: %s', (thumbprint, reason) => {
    const known = { ...NOTHING, accountKeyOf: (url: string) => (url === V2 ? thumbprint : undefined) };

    expect(planAdoption(tree({ accounts: [one] }), known, NOW, V2)).toEqual({
      accounts: [],
      certificates: [],
      left: [{ what: 'one', reason }],
    });
  });
});

describe('planAdoption() of certificates', () => {
  it.each<[string, FoundCertificate[], string[], [string, string][]]>([
    ['takes a valid one', [certificate('a')], ['a'], []],
    [
      'takes the newest of the same names',
      [
        certificate('a'),
        certificate('b', { notBefore: days(-5) }),
        certificate('c', { notBefore: days(-20) }),
      ],
      ['b'],
      [
        ['a', 'older'],
        ['c', 'older'],
      ],
    ],
    [
      'takes those of different names, though one covers the other',
      [certificate('a'), certificate('b', { names: ['shop.example.com', 'www.example.com'] })],
      ['b', 'a'],
      [],
    ],
    ['leaves an expired one', [certificate('a', { notAfter: NOW })], [], [['a', 'expired']]],
    [
      'takes one that is valid where the newer is not',
      [certificate('a'), certificate('b', { notBefore: days(-1), notAfter: days(-0.5) })],
      ['a'],
      [['b', 'expired']],
    ],
    ['leaves one of the future', [certificate('a', { notBefore: days(1) })], [], [['a', 'not-yet-valid']]],
    [
      'takes one of a clock that is ahead',
      [certificate('a', { notBefore: new Date(NOW.getTime() + 60_000) })],
      ['a'],
      [],
    ],
    [
      'leaves one that is signed by itself',
      [certificate('a', { selfSigned: true })],
      [],
      [['a', 'self-signed']],
    ],
    ['leaves one without names', [certificate('a', { names: [] })], [], [['a', 'nameless']]],
    [
      'leaves one of the test CA, of both generations',
      [
        certificate('a', { issuer: 'CN=Fake LE Intermediate X1' }),
        certificate('b', { issuer: 'CN=(STAGING) Riddling Rhubarb R12' }),
      ],
      [],
      [
        ['b', 'test-certificate'],
        ['a', 'test-certificate'],
      ],
    ],
  ])('%s', (_what, certificates, taken, left) => {
    expect(inShort(planAdoption(tree({ certificates }), NOTHING, NOW, V2))).toEqual({
      accounts: [],
      certificates: taken,
      left,
    });
  });

  it('takes one of the test CA when that is asked', () => {
    const certificates = [certificate('a', { issuer: 'CN=(STAGING) Riddling Rhubarb R12' })];

    expect(planAdoption(tree({ certificates }), NOTHING, NOW, STAGING).certificates).toEqual(certificates);
  });

  it('leaves what was taken over before, and what is older than that', () => {
    const certificates = [certificate('a'), certificate('b', { notBefore: days(-20) })];

    expect(
      inShort(planAdoption(tree({ certificates }), { ...NOTHING, fingerprints: new Set(['a']) }, NOW, V2))
        .left,
    ).toEqual([
      ['a', 'known'],
      ['b', 'older'],
    ]);
  });

  it('leaves one that was replaced by ours since', () => {
    const current = [{ names: ['shop.example.com'], notBefore: days(-1) }];

    expect(
      inShort(planAdoption(tree({ certificates: [certificate('a')] }), { ...NOTHING, current }, NOW, V2))
        .left,
    ).toEqual([['a', 'older']]);
  });

  it('takes each set of names once, the newest that is good, and nothing more the second time', () => {
    const facts = fc.record({
      names: fc.subarray(['a.example', 'b.example', '*.example']),
      issuer: fc.constantFrom('CN=R13', 'CN=(STAGING) R12'),
      notBefore: fc.integer({ min: -100, max: 3 }).map(days),
      notAfter: fc.integer({ min: -20, max: 90 }).map(days),
      selfSigned: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(facts, { maxLength: 12 }), (many) => {
        const certificates = many.map((each, index) => certificate(`/old/${index}`, each));

        const plan = planAdoption(tree({ certificates }), NOTHING, NOW, V2);

        const taken = plan.certificates.map(({ bundle }) => bundle.facts);
        const sets = taken.map(({ names }) => names.join());
        expect(new Set(sets).size).toBe(sets.length);
        expect(
          [...plan.certificates.map(({ path }) => path), ...plan.left.map(({ what }) => what)].sort(),
        ).toEqual(certificates.map(({ path }) => path).sort());
        for (const { what, reason } of plan.left.filter((each) => each.reason === 'older')) {
          const { bundle } = certificates.find(({ path }) => path === what) as FoundCertificate;
          const newer = taken.find(({ names }) => names.join() === bundle.facts.names.join());
          expect([reason, (newer?.notBefore ?? 0) >= bundle.facts.notBefore]).toEqual(['older', true]);
        }
        const known = { ...NOTHING, fingerprints: new Set(taken.map(({ fingerprint }) => fingerprint)) };
        expect(planAdoption(tree({ certificates }), known, NOW, V2).certificates).toEqual([]);
        const turned = planAdoption(tree({ certificates: certificates.toReversed() }), NOTHING, NOW, V2);
        expect(turned).toEqual(plan);
      }),
      { numRuns: 200 },
    );
  });
});

it('each reason is said in words that follow a path', () => {
  expect(Object.values(LEFT_REASONS).filter((words) => !/^[a-z][^.]+[^.]$/.test(words))).toEqual([]);
});
