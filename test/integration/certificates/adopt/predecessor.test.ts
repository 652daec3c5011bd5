import { execFileSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { accountThumbprint } from '../../../../src/acme/account-key.ts';
import { describeAdoption } from '../../../../src/certificates/adopt/describe-adoption.ts';
import type { FoundTree } from '../../../../src/certificates/adopt/found-tree.ts';
import { planAdoption } from '../../../../src/certificates/adopt/plan-adoption.ts';
import { detectTree, detectTrees, readPredecessor } from '../../../../src/certificates/adopt/predecessor.ts';
import { openAccountStore } from '../../../../src/certificates/store-accounts.ts';
import { prepareDirectory } from '../../../../src/delivery/directory-files.ts';
import { makeBundle } from '../../../support/bundles.ts';
import {
  certbotId,
  type OldAccount,
  oldKey,
  pkcs1,
  put,
  snapshotOf,
  writeCertbotTree,
  writeLegoTree,
  writeMarathonAcmeTree,
} from '../../../support/predecessors.ts';
import { temporaryDirectory } from '../../../support/temporary.ts';

const V2 = 'https://acme-v02.api.letsencrypt.org/directory';
const STAGING = 'https://acme-staging-v02.api.letsencrypt.org/directory';
const NOW = new Date('2026-02-01T00:00:00Z');

const directory = temporaryDirectory();
const at = (...parts: string[]): string => join(directory.path, 'old', ...parts);
const SHOP = makeBundle({ names: ['shop.example.com', 'www.example.com'] });
const BLOG = makeBundle({ names: ['blog.example.com'], key: 'second' });
const WILDCARD = makeBundle({ names: ['*.example.com'] });
const RSA: OldAccount = { keyPem: oldKey('rsa'), email: 'ops@example.com' };

async function read(path = at()): Promise<FoundTree> {
  const before = snapshotOf(path);
  const found = await readPredecessor(path);

  expect(snapshotOf(path)).toEqual(before);
  if (found === undefined) throw new Error('Nothing was found');
  return found;
}

/** Without the root of the tree, so that they can be compared. */
const told = ({ problems }: FoundTree): [string, string][] =>
  problems.map(({ path, message }) => [path.slice(at().length + 1), message]);
const certificatesOf = ({ certificates }: FoundTree): [string, string][] =>
  certificates.map(({ path, bundle }) => [path.slice(at().length + 1), bundle.facts.names.join()]);

describe('a certbot tree of letsencrypt-dcos', () => {
  it('gives its lineages and its accounts at every CA, and is only read', async () => {
    const staging: OldAccount = {
      host: 'acme-staging-v02.api.letsencrypt.org',
      keyPem: oldKey('P-256'),
      url: 'https://acme-staging-v02.api.letsencrypt.org/acme/acct/7',
    };
    writeCertbotTree(at(), {
      accounts: [RSA, staging],
      lineages: [
        { name: 'shop.example.com', bundle: SHOP, account: RSA, isPosted: true },
        { name: 'blog.example.com-0001', bundle: BLOG },
      ],
    });

    const found = await read();

    expect([found.kind, found.path, found.problems]).toEqual(['letsencrypt-dcos', at(), []]);
    expect(certificatesOf(found)).toEqual([
      ['live/blog.example.com-0001', 'blog.example.com'],
      ['live/shop.example.com', 'shop.example.com,www.example.com'],
    ]);
    expect(found.accounts).toEqual([
      {
        path: at(
          `accounts/acme-staging-v02.api.letsencrypt.org/directory/${certbotId(staging)}/private_key.json`,
        ),
        host: 'acme-staging-v02.api.letsencrypt.org',
        directoryUrl: STAGING,
        isOld: false,
        keyPem: staging.keyPem,
        thumbprint: accountThumbprint(staging.keyPem),
        email: undefined,
        accountUrl: staging.url,
        createdAt: new Date('2019-01-01T00:00:00Z'),
        isInUse: false,
      },
      {
        path: at(`accounts/acme-v02.api.letsencrypt.org/directory/${certbotId(RSA)}/private_key.json`),
        host: 'acme-v02.api.letsencrypt.org',
        directoryUrl: V2,
        isOld: false,
        keyPem: RSA.keyPem,
        thumbprint: accountThumbprint(RSA.keyPem),
        email: 'ops@example.com',
        accountUrl: 'https://acme-v02.api.letsencrypt.org/acme/acct/1',
        createdAt: new Date('2019-01-01T00:00:00Z'),
        isInUse: true,
      },
    ]);
  });

  it('gives an account of ACME v1 for the CA of today, without its old URL', async () => {
    const host = 'acme-v01.api.letsencrypt.org';
    writeCertbotTree(at(), { accounts: [{ ...RSA, host, url: `https://${host}/acme/reg/1` }] });

    const { accounts } = await read();

    expect(accounts).toMatchObject([{ directoryUrl: V2, isOld: true, accountUrl: undefined }]);
  });

  it('follows the absolute link that certbot makes from the accounts of today to those of v1', async () => {
    const host = 'acme-v01.api.letsencrypt.org';
    writeCertbotTree(at(), { accounts: [{ ...RSA, host, url: `https://${host}/acme/reg/1` }] });
    mkdirSync(at('accounts/acme-v02.api.letsencrypt.org'));
    symlinkSync(
      `/etc/letsencrypt/accounts/${host}/directory`,
      at('accounts/acme-v02.api.letsencrypt.org/directory'),
    );

    const { accounts, problems } = await read();

    expect(problems).toEqual([]);
    expect(accounts).toMatchObject([
      { directoryUrl: V2, isOld: false, accountUrl: undefined, keyPem: RSA.keyPem },
    ]);
  });

  it('gives accounts of other CAs, with port and path', async () => {
    writeCertbotTree(at(), { accounts: [{ ...RSA, host: 'localhost:14000/acme' }] });

    const { accounts } = await read();

    expect(accounts).toMatchObject([
      {
        host: 'localhost:14000',
        directoryUrl: 'https://localhost:14000/acme/directory',
        accountUrl: undefined,
      },
    ]);
  });

  it('is told by its account alone, when its first certificate was never issued', async () => {
    writeCertbotTree(at(), { accounts: [RSA] });
    for (const name of ['archive', 'live', 'renewal', 'renewal-hooks']) rmSync(at(name), { recursive: true });

    expect((await read()).accounts).toHaveLength(1);
  });

  it('gives what was put into Marathon when it is another certificate than that of the lineage', async () => {
    const newer = makeBundle({ names: ['shop.example.com', 'www.example.com'] });
    writeCertbotTree(at(), { lineages: [{ name: 'shop.example.com', bundle: SHOP }] });
    put(at(), 'live/shop.example.com.pem', newer.pem);

    expect(certificatesOf(await read()).map(([path]) => path)).toEqual([
      'live/shop.example.com',
      'live/shop.example.com.pem',
    ]);
  });

  const lineage = 'live/shop.example.com';
  const account = `accounts/acme-v02.api.letsencrypt.org/directory/${certbotId(RSA)}`;
  it.each<[string, () => void, [string, string][]]>([
    [
      'a link to nothing',
      () => rmSync(at('archive/shop.example.com/privkey1.pem')),
      [[`${lineage}/privkey.pem`, 'it is a link to nothing']],
    ],
    [
      'a key that was not written',
      () => rmSync(at(lineage, 'privkey.pem')),
      [[`${lineage}/privkey.pem`, 'it is missing']],
    ],
    [
      'a chain that was not written',
      () => rmSync(at(lineage, 'fullchain.pem')),
      [[`${lineage}/fullchain.pem`, 'it is missing']],
    ],
    [
      'half a key',
      () => truncateSync(at('archive/shop.example.com/privkey1.pem'), 500),
      [[lineage, 'it holds no private key in PEM form']],
    ],
    [
      'the key of another',
      () => writeFileSync(at('archive/shop.example.com/privkey1.pem'), BLOG.key),
      [[lineage, 'the private key does not belong to the first certificate']],
    ],
    [
      'a link that leads out of the tree',
      () => {
        renameSync(at('archive/shop.example.com/privkey1.pem'), join(directory.path, 'key.pem'));
        symlinkSync('../../../key.pem', at('archive/shop.example.com/privkey1.pem'));
      },
      [[`${lineage}/privkey.pem`, 'it is a link that leads out of the tree, which is not followed']],
    ],
    [
      'an absolute link that leads out of the tree',
      () => {
        rmSync(at('archive/shop.example.com'), { recursive: true });
        symlinkSync('/etc', at('archive/shop.example.com'));
      },
      ['fullchain', 'privkey'].map((file) => [
        `${lineage}/${file}.pem`,
        'it is a link that leads out of the tree, which is not followed',
      ]),
    ],
    [
      'links in a circle',
      () => {
        rmSync(at('archive/shop.example.com/privkey1.pem'));
        symlinkSync('privkey1.pem', at('archive/shop.example.com/privkey1.pem'));
      },
      [[`${lineage}/privkey.pem`, 'its links go round in a circle']],
    ],
    [
      'a pipe',
      () => {
        rmSync(at('archive/shop.example.com/privkey1.pem'));
        execFileSync('mkfifo', [at('archive/shop.example.com/privkey1.pem')]);
      },
      [[`${lineage}/privkey.pem`, 'it is no plain file']],
    ],
    [
      'a file larger than any key',
      () => truncateSync(at('archive/shop.example.com/privkey1.pem'), 300_000),
      [[`${lineage}/privkey.pem`, 'it has 300000 bytes, more than the 262144 allowed']],
    ],
    [
      'an account without key',
      () => rmSync(at(account, 'private_key.json')),
      [[account, 'private_key.json is missing']],
    ],
    [
      'half an account key',
      () => {
        rmSync(at(account, 'private_key.json'));
        put(
          at(),
          `${account}/private_key.json`,
          JSON.stringify(createPrivateKey(RSA.keyPem).export({ format: 'jwk' })).slice(0, 900),
        );
      },
      [[`${account}/private_key.json`, 'it is no private key as JWK']],
    ],
    [
      'a damaged registration',
      () => truncateSync(at(account, 'regr.json'), 10),
      [[`${account}/regr.json`, 'it holds no JSON of the form that is expected there']],
    ],
  ])('tells of %s, and gives everything else', async (_what, damage, expected) => {
    writeCertbotTree(at(), {
      accounts: [RSA, { keyPem: oldKey('P-256') }],
      lineages: [
        { name: 'shop.example.com', bundle: SHOP },
        { name: 'blog.example.com', bundle: BLOG },
      ],
    });
    damage();

    const found = await read();

    expect(told(found)).toEqual(expected);
    expect(certificatesOf(found)).toContainEqual(['live/blog.example.com', 'blog.example.com']);
    expect(found.accounts.map(({ keyPem }) => keyPem)).toContain(oldKey('P-256'));
    const plan = planAdoption(found, { fingerprints: new Set(), accountKeyOf: () => undefined }, NOW, V2);
    expect(describeAdoption(found, plan).join('\n')).not.toMatch(/PRIVATE KEY|[A-Za-z0-9+/=_-]{120}/);
  });
});

describe('a directory of marathon-acme', () => {
  it('gives its account and its certificates, which begin with their keys, and nothing unmanaged', async () => {
    writeMarathonAcmeTree(at(), {
      clientKeyPem: RSA.keyPem,
      certs: { 'shop.example.com': SHOP, 'blog.example.com': BLOG },
      unmanaged: { 'other.example.com': WILDCARD },
      placeholder: makeBundle({ names: ['*'], selfSigned: true }),
    });

    const found = await read();

    expect([found.kind, found.problems]).toEqual(['marathon-acme', []]);
    expect(certificatesOf(found)).toEqual([
      ['certs/blog.example.com.pem', 'blog.example.com'],
      ['certs/shop.example.com.pem', 'shop.example.com,www.example.com'],
    ]);
    expect(found.certificates[1]?.bundle.facts).toEqual(SHOP.bundle.facts);
    expect(found.accounts).toMatchObject([
      { host: undefined, directoryUrl: undefined, isOld: true, keyPem: RSA.keyPem },
    ]);
  });

  it('tells of what is no account key and no certificate', async () => {
    writeMarathonAcmeTree(at(), { certs: { 'shop.example.com': SHOP } });
    put(at(), 'client.key', pkcs1(RSA.keyPem).slice(0, 700));
    put(at(), 'certs/empty.example.com.pem', '');

    const found = await read();

    expect(told(found)).toEqual([
      ['client.key', 'Account key is no readable private key in PEM'],
      ['certs/empty.example.com.pem', 'it holds no certificate in PEM form'],
    ]);
    expect(found.certificates).toHaveLength(1);
  });
});

describe("a lego tree of MaibornWolff's image", () => {
  const EC: OldAccount = {
    keyPem: oldKey('P-384'),
    email: 'ops@example.com',
    url: 'https://acme-v02.api.letsencrypt.org/acme/acct/42',
  };

  it('gives its accounts and its certificates, a wildcard too', async () => {
    writeLegoTree(at(), {
      accounts: [
        EC,
        {
          ...EC,
          host: 'localhost:14000',
          keyPem: oldKey('P-384', 'second'),
          url: 'https://localhost:14000/my-account/1',
        },
      ],
      certificates: { 'shop.example.com': SHOP, '*.example.com': WILDCARD },
    });

    const found = await read();

    expect([found.kind, found.problems]).toEqual(['maibornwolff', []]);
    expect(certificatesOf(found)).toEqual([
      ['certificates/_.example.com.pem', '*.example.com'],
      ['certificates/shop.example.com.pem', 'shop.example.com,www.example.com'],
    ]);
    expect(found.accounts).toMatchObject([
      {
        host: 'acme-v02.api.letsencrypt.org',
        directoryUrl: V2,
        keyPem: EC.keyPem,
        email: EC.email,
        accountUrl: EC.url,
      },
      {
        host: 'localhost:14000',
        directoryUrl: undefined,
        accountUrl: 'https://localhost:14000/my-account/1',
      },
    ]);
  });

  it.each<[string, () => void, [string, string][]]>([
    [
      'half of it',
      () => truncateSync(at('certificates/shop.example.com.pem'), 100),
      [['certificates/shop.example.com.pem', 'it holds no certificate in PEM form']],
    ],
    ['none', () => rmSync(at('certificates/shop.example.com.pem')), []],
  ])(
    'gives the parts of a certificate when of the file that holds all there is %s',
    async (_what, damage, expected) => {
      writeLegoTree(at(), { certificates: { 'shop.example.com': SHOP } });
      damage();

      const found = await read();

      expect(told(found)).toEqual(expected);
      expect(certificatesOf(found)).toEqual([
        ['certificates/shop.example.com.crt', 'shop.example.com,www.example.com'],
      ]);
    },
  );

  it('gives an account whose registration failed, and tells of one without key', async () => {
    writeLegoTree(at(), {
      accounts: [{ keyPem: EC.keyPem }, { ...EC, host: 'acme-staging-v02.api.letsencrypt.org' }],
    });
    rmSync(at('accounts/acme-staging-v02.api.letsencrypt.org/ops@example.com/keys/ops@example.com.key'));

    const found = await read();

    expect(found.accounts).toMatchObject([{ directoryUrl: V2, accountUrl: undefined, isInUse: false }]);
    expect(told(found)).toEqual([
      [
        'accounts/acme-staging-v02.api.letsencrypt.org/ops@example.com/keys/ops@example.com.key',
        'it is missing',
      ],
    ]);
  });
});

describe('detectTrees()', () => {
  it('tells the three from each other, from our own directories and from nothing', async () => {
    const [certbot, shared, lego, own, ours] = ['a', 'b', 'c', 'd', 'e'].map((name) => at(name)) as [
      string,
      string,
      string,
      string,
      string,
    ];
    writeCertbotTree(certbot, { lineages: [{ name: 'shop.example.com', bundle: SHOP }] });
    writeMarathonAcmeTree(shared, { clientKeyPem: RSA.keyPem });
    writeLegoTree(lego, { accounts: [RSA].map((each) => ({ ...each, keyPem: oldKey('P-384') })) });
    await (await openAccountStore(own, V2)).saveKey(RSA.keyPem);
    mkdirSync(join(own, 'certificates/shop.example.com'), { recursive: true });
    mkdirSync(ours);
    await prepareDirectory(ours, makeBundle({ selfSigned: true }).pem, { mode: 0o600, now: NOW });
    put(at(), 'file', 'no directory');

    expect(await detectTrees([certbot, shared, lego, own, ours, at('file'), at('none')])).toEqual([
      { path: certbot, kind: 'letsencrypt-dcos' },
      { path: shared, kind: 'marathon-acme' },
      { path: lego, kind: 'maibornwolff' },
    ]);
    expect(await readPredecessor(own)).toBeUndefined();
    expect(await readPredecessor(at('none'))).toBeUndefined();
  });

  it('finds a tree by a link to it', async () => {
    writeMarathonAcmeTree(at(), { clientKeyPem: RSA.keyPem });
    symlinkSync('old', join(directory.path, 'link'));

    expect(await detectTree(join(directory.path, 'link/'))).toBe('marathon-acme');
  });
});

describe('readPredecessor()', () => {
  it('tells of a directory that it can not enter, instead of taking it for none', async () => {
    symlinkSync('circle', join(directory.path, 'circle'));
    const path = join(directory.path, 'circle');

    expect(await readPredecessor(path)).toEqual({
      kind: 'unreadable',
      path,
      accounts: [],
      certificates: [],
      problems: [{ path, message: 'it can not be read (ELOOP)' }],
    });
  });

  it('does not tell more problems than can be looked through', async () => {
    writeMarathonAcmeTree(at(), {});
    for (let each = 0; each < 250; each += 1) put(at(), `certs/${each}.pem`, '');

    const { problems } = await read();

    expect(problems).toHaveLength(201);
    expect(problems.at(-1)).toEqual({ path: at(), message: 'it has more problems than these' });
  });
});
