import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openAdoption, storesWith } from '../../../../src/adoption.ts';
import { openCas } from '../../../../src/ca.ts';
import { adoptedFrom } from '../../../../src/certificates/adopt/take.ts';
import { openAccountStore } from '../../../../src/certificates/store-accounts.ts';
import { openStores } from '../../../../src/certificates/store-set.ts';
import type { Config } from '../../../../src/config/config.ts';
import { type Log, silentLog } from '../../../../src/lib/log.ts';
import { makeBundle } from '../../../support/bundles.ts';
import { newDirectory, removeDirectories } from '../../../support/certathon.ts';
import { manualClock } from '../../../support/clock.ts';
import { oldKey, snapshotOf, writeCertbotTree } from '../../../support/predecessors.ts';

afterAll(removeDirectories);

const CA = 'https://acme.example/directory';
const SHOP = makeBundle({ names: ['shop.example.com', 'www.example.com'] });
const BLOG = makeBundle({ names: ['blog.example.com'] });
const OLD_ACCOUNT = { host: 'acme.example', keyPem: oldKey('rsa'), url: 'https://acme.example/acct/1' };

/** A tree of certbot, and a store of ours beside its files, as in a definition with only the image replaced. */
async function place(changes: Partial<Config> = {}) {
  const tree = newDirectory();
  writeCertbotTree(tree, {
    accounts: [OLD_ACCOUNT],
    lineages: [
      { name: 'shop.example.com', bundle: SHOP, account: OLD_ACCOUNT, isPosted: true },
      { name: 'blog.example.com', bundle: BLOG, account: OLD_ACCOUNT },
    ],
  });
  const before = snapshotOf(tree).filter((line) => !line.startsWith('certathon'));
  const store = join(tree, 'certathon');
  const lines: [string, Record<string, unknown>][] = [];
  const note = (event: string, fields = {}) => void lines.push([event, fields]);
  const log: Log = { ...silentLog, info: note, warn: note };
  const clock = manualClock(Date.UTC(2026, 1, 1));
  const config = {
    ...{ store, acmeDirectory: CA, delivery: 'environment', largestVariable: 122_880, ...changes },
  } as Config;
  const { signal } = new AbortController();
  const open = async () => {
    const stores = await openStores(store, 5, log);
    const cas = openCas({ config, clock, log, signal, readOnly: false });
    return { stores, adoption: openAdoption({ config, clock, log, stores, cas }, tree) };
  };
  return { tree, store, before, lines, open, signal, clock };
}

describe('adoption of what a predecessor left', () => {
  it('puts accounts and certificates into our store, a line each, and changes nothing else', async () => {
    const { tree, store, before, lines, open, signal } = await place();
    const { stores, adoption } = await open();

    const planned = await adoption.due();
    if (planned === undefined) throw new Error('Nothing was planned');
    await adoption.take(planned, signal);

    const account = await (await openAccountStore(store, CA)).read();
    const entries = await stores.list();
    expect(account).toEqual({ keyPem: OLD_ACCOUNT.keyPem, url: undefined });
    expect(entries.map(({ id, stored }) => [id, stored?.names.join(), stored?.origin])).toEqual([
      ['blog.example.com', 'blog.example.com', 'inherited'],
      ['shop.example.com', 'shop.example.com,www.example.com', 'inherited'],
    ]);
    // Nobody has said yet who wants them: the next pass does.
    expect(entries.map(({ record }) => record?.goneSince)).toEqual([new Date(0), new Date(0)]);
    const { fingerprint } = SHOP.bundle.facts;
    expect(lines.map(([event]) => event).sort()).toEqual([
      ...['account.adopted', 'adoption.finished', 'certificate.adopted', 'certificate.adopted'],
    ]);
    expect(lines).toContainEqual(['certificate.adopted', expect.objectContaining({ fingerprint })]);
    expect(JSON.stringify(lines)).not.toContain('PRIVATE KEY');
    expect(snapshotOf(tree).filter((line) => !line.startsWith('certathon'))).toEqual(before);
  });

  it('happens once: the next start reads nothing, and asking again takes nothing', async () => {
    const { tree, store, open, signal } = await place();
    const first = await open();
    const planned = await first.adoption.due();
    if (planned !== undefined) await first.adoption.take(planned, signal);

    const { adoption } = await open();
    const again = await adoption.planned(tree);

    expect(await first.adoption.due()).toBeUndefined();
    expect(await adoption.due()).toBeUndefined();
    expect(await adoptedFrom(store)).toMatchObject([
      { path: tree, kind: 'letsencrypt-dcos', accounts: 1, certificates: 2 },
    ]);
    expect(again?.plan).toMatchObject({ accounts: [], certificates: [] });
  });

  it('goes on after a crash in the middle, and keeps what is there', async () => {
    const { open, signal } = await place();
    const { adoption, stores } = await open();
    const planned = await adoption.due();
    if (planned === undefined) throw new Error('Nothing was planned');
    const [certificate] = planned.plan.certificates;
    if (certificate === undefined) throw new Error('No certificate was planned');
    await stores.of('half').saveRecord({ key: 'own', choice: {}, goneSince: new Date(0) });
    await stores.of('whole').save(certificate.bundle, 'inherited', undefined, new Date());

    const rest = await (await open()).adoption.due();
    if (rest !== undefined) await adoption.take(rest, signal);

    const ids = (await stores.list()).map(({ id }) => id);
    expect(rest?.plan.certificates).toHaveLength(1);
    expect(ids).toHaveLength(3);
  });

  it('leaves an account of ours that the CA knows, and replaces one that it never heard of', async () => {
    const [known, unknown] = await Promise.all([place(), place()]);
    for (const [{ store }, url] of [
      [known, 'https://acme.example/acct/9'],
      [unknown, undefined],
    ] as const) {
      const accounts = await openAccountStore(store, CA);
      await accounts.saveKey(oldKey('P-256'));
      if (url !== undefined) await accounts.saveUrl(url);
    }

    const [kept, replaced] = await Promise.all(
      [known, unknown].map(async ({ open }) => (await open()).adoption.due()),
    );

    expect(kept?.plan).toMatchObject({ accounts: [], left: [{ reason: 'other-account' }] });
    expect(replaced?.plan.accounts.map(({ account }) => account.thumbprint)).toHaveLength(1);
  });

  it('does not take what the install gate refuses, and says why', async () => {
    const { open } = await place({ acmeDirectory: 'https://acme-v02.api.letsencrypt.org/directory' });

    const planned = await (await open()).adoption.due();

    expect(planned?.plan.certificates).toEqual([]);
    expect(planned?.tree.problems.map(({ message }) => message)).toEqual([
      ...[expect.stringContaining('the public roots'), expect.stringContaining('the public roots')],
    ]);
  });

  it('shows a dry run the store as it would be', async () => {
    const { open, clock } = await place();
    const { stores, adoption } = await open();
    const planned = await adoption.due();
    if (planned === undefined) throw new Error('Nothing was planned');

    const shown = await storesWith(stores, planned, new Date(clock.nowMs())).list();

    expect(shown.map(({ id, stored }) => [id, stored?.origin]).sort()).toEqual([
      ['blog.example.com', 'inherited'],
      ['shop.example.com', 'inherited'],
    ]);
    expect(await stores.list()).toEqual([]);
  });
});
