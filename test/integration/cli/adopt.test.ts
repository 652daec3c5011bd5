import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ERRORS } from '../../../src/lib/errors.ts';
import { makeBundle, type TestBundle } from '../../support/bundles.ts';
import { events, listing, newDirectory, removeDirectories, run } from '../../support/certathon.ts';
import { oldKey, snapshotOf, writeLegoTree } from '../../support/predecessors.ts';

afterAll(removeDirectories);

const DAY_MS = 86_400_000;
const LOST = 'http://127.0.0.1:9';

function madeOf(name: string, from: number, to: number): TestBundle {
  const at = (days: number) => new Date(Date.now() + days * DAY_MS);
  return makeBundle({ names: [name], notBefore: at(from), notAfter: at(to) });
}

function place() {
  const [tree, store] = [newDirectory(), join(newDirectory(), 'store')];
  const shop = madeOf('shop.example.com', -10, 80);
  writeLegoTree(tree, {
    accounts: [{ keyPem: oldKey('P-384'), host: 'acme.example' }],
    certificates: { 'shop.example.com': shop, 'gone.example.com': madeOf('gone.example.com', -100, -10) },
  });
  const env = {
    CERTATHON_STORE: store,
    CERTATHON_ACME_DIRECTORY: 'https://acme.example/directory',
    CERTATHON_MARATHON_URL: LOST,
  };
  const { fingerprint } = shop.bundle.facts;
  return { tree, store, env, fingerprint, before: snapshotOf(tree) };
}

describe('certathon adopt', () => {
  it('shows by --dry-run what it would take over, and writes nothing', async () => {
    const { tree, store, env, fingerprint, before } = place();

    const ended = await run(['adopt', tree, '--dry-run', '--json'], env);

    expect(ended.exit, ended.stderr).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      dryRun: true,
      adopted: [
        {
          ...{ kind: 'maibornwolff', path: tree },
          accounts: [{ directoryUrl: 'https://acme.example/directory', key: 'P-384' }],
          certificates: [{ names: ['shop.example.com'], fingerprint }],
          left: [{ reason: 'expired' }],
        },
      ],
    });
    expect([existsSync(store), snapshotOf(tree)]).toEqual([false, before]);
    expect(ended.stdout).not.toContain('PRIVATE KEY');
  });

  it('takes it over without Marathon and CA, tells it, and the next time nothing is left', async () => {
    const { tree, store, env, fingerprint, before } = place();

    const first = await run(['adopt', tree], env);
    const again = await run(['adopt', '--from', tree], env);

    expect([first.exit, again.exit]).toEqual([0, 0]);
    expect(first.stdout.split('\n')).toEqual([
      `${tree}: the lego tree of MaibornWolff's image; it is only read`,
      expect.stringMatching(/^ {2}take over the account at https:\/\/acme\.example\/directory: P-384, /),
      expect.stringMatching(/^ {2}take over the certificate of shop\.example\.com, valid until /),
      expect.stringMatching(/^ {2}leave .*gone\.example\.com.*: it has expired$/),
      '',
    ]);
    expect(events(first, 'certificate.adopted')).toMatchObject([{ fingerprint, reason: 'inherited' }]);
    expect(again.stdout).toContain('nothing to take over');
    expect(Object.keys(listing(store))).toContain(`/certificates/shop.example.com/bundle-${fingerprint}.pem`);
    expect(snapshotOf(tree)).toEqual(before);
  });

  it('says when a directory is none of a predecessor', async () => {
    const { env, store } = place();

    const ended = await run(['adopt', newDirectory()], env);

    expect(ended.exit).toBe(ERRORS.DIRECTORY_UNUSABLE.exit);
    expect(ended.stderr).toContain('is no directory of letsencrypt-dcos, marathon-acme or');
    expect(Object.keys(listing(store)).filter((path) => path.startsWith('/certificates/'))).toEqual([]);
  });
});
