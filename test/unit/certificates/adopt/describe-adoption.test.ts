import { describe, expect, it } from 'vitest';
import { accountThumbprint } from '../../../../src/acme/account-key.ts';
import { adoptionReport, describeAdoption } from '../../../../src/certificates/adopt/describe-adoption.ts';
import type { FoundAccount, FoundTree } from '../../../../src/certificates/adopt/found-tree.ts';
import { planAdoption } from '../../../../src/certificates/adopt/plan-adoption.ts';
import { makeBundle } from '../../../support/bundles.ts';
import { oldKey } from '../../../support/predecessors.ts';

const V2 = 'https://acme-v02.api.letsencrypt.org/directory';
const NOW = new Date('2026-02-01T00:00:00Z');
const NOTHING = { fingerprints: new Set<string>(), accountKeyOf: () => undefined };

const account = (path: string, keyPem: string, part: Partial<FoundAccount> = {}): FoundAccount => ({
  path,
  host: 'acme-v02.api.letsencrypt.org',
  directoryUrl: V2,
  isOld: false,
  keyPem,
  thumbprint: accountThumbprint(keyPem),
  email: 'ops@example.com',
  accountUrl: undefined,
  createdAt: NOW,
  isInUse: false,
  ...part,
});

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((label) => `${label}.example.com`);
const MANY = makeBundle({ names });
const WILDCARD = makeBundle({ names: ['*.example.com'] });
const OLD = makeBundle({ names: ['old.example.com'], notAfter: new Date('2026-01-31T00:00:00Z') });
const TREE: FoundTree = {
  kind: 'letsencrypt-dcos',
  path: '/etc/letsencrypt',
  accounts: [
    account('/etc/letsencrypt/accounts/one', oldKey('rsa')),
    account('/etc/letsencrypt/accounts/two', oldKey('P-384'), {
      host: 'ca.example',
      directoryUrl: 'https://ca.example/dir',
      isOld: true,
    }),
  ],
  certificates: [
    { path: '/etc/letsencrypt/live/a', bundle: MANY.bundle },
    { path: '/etc/letsencrypt/live/old', bundle: OLD.bundle },
    { path: '/etc/letsencrypt/live/wild', bundle: WILDCARD.bundle },
  ],
  problems: [{ path: '/etc/letsencrypt/live/\u001b[31mred', message: 'it is missing' }],
};
const PLAN = planAdoption(TREE, NOTHING, NOW, V2);

describe('describeAdoption()', () => {
  it('says what is taken over, what is left and why, and what can not be used', () => {
    const [rsa, p384] = TREE.accounts.map(({ thumbprint }) => thumbprint);

    expect(describeAdoption(TREE, PLAN)).toEqual([
      '/etc/letsencrypt: the certbot tree of letsencrypt-dcos; it is only read',
      `  take over the account at ${V2}: RSA 2048, thumbprint ${rsa} (/etc/letsencrypt/accounts/one)`,
      `  take over the account at https://ca.example/dir: P-384, thumbprint ${p384}, registered by ACME v1 (/etc/letsencrypt/accounts/two)`,
      ...PLAN.certificates.map(({ path }) =>
        path.endsWith('wild')
          ? '  take over the certificate of *.example.com, valid until 2026-03-31T23:59:59.000Z, which HTTP-01 can not renew (/etc/letsencrypt/live/wild)'
          : '  take over the certificate of a.example.com, b.example.com, c.example.com, d.example.com, e.example.com and 2 more, valid until 2026-03-31T23:59:59.000Z (/etc/letsencrypt/live/a)',
      ),
      '  leave /etc/letsencrypt/live/old: it has expired',
      '  can not use /etc/letsencrypt/live/\\u{1b}[31mred: it is missing',
    ]);
    expect(PLAN.certificates).toHaveLength(2);
  });

  it('says that nothing is taken over', () => {
    const tree: FoundTree = { ...TREE, kind: 'unreadable', accounts: [], certificates: [], problems: [] };

    expect(describeAdoption(tree, planAdoption(tree, NOTHING, NOW, V2))).toEqual([
      '/etc/letsencrypt: a directory that this user may not list; it is only read',
      '  nothing to take over',
    ]);
  });
});

describe('adoptionReport()', () => {
  it('is plain JSON of facts without any key', () => {
    const report = adoptionReport(TREE, PLAN);

    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(JSON.stringify(report)).not.toMatch(/PRIVATE|BEGIN/);
    expect(report.accounts[0]).toEqual({
      directoryUrl: V2,
      key: 'RSA 2048',
      thumbprint: accountThumbprint(oldKey('rsa')),
      isOld: false,
      email: 'ops@example.com',
      path: '/etc/letsencrypt/accounts/one',
    });
    expect(report.certificates.find(({ path }) => path.endsWith('/a'))).toEqual({
      names,
      fingerprint: MANY.bundle.facts.fingerprint,
      issuer: 'CN=Test CA',
      notBefore: '2026-01-01T00:00:00.000Z',
      notAfter: '2026-03-31T23:59:59.000Z',
      path: '/etc/letsencrypt/live/a',
    });
    expect(report.left).toEqual([{ path: '/etc/letsencrypt/live/old', reason: 'expired' }]);
  });
});
