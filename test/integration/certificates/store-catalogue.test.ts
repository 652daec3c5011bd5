import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFileMemory } from '../../../src/certificates/file-memory.ts';
import { openStores } from '../../../src/certificates/store-set.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { makeBundle } from '../../support/bundles.ts';
import { hold, NOW } from '../../support/observations.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const directory = temporaryDirectory();
const home = () => join(directory.path, 'store');
const inside = (...parts: string[]) => join(home(), 'certificates', ...parts);
const open = (readOnly = false) => openStores(home(), 3, silentLog, { readOnly });
const AGO = new Date('2026-01-01T00:00:00Z');
/** The directory of a certificate looks as if nothing had been changed for long. */
const age = (id: string, at = AGO) => utimesSync(inside(id), at, at);
const indexFile = () => readdirSync(home()).find((name) => name.startsWith('index.'));
const { bundle } = makeBundle();
const shop = { key: '/shop', choice: {} };

async function filled() {
  const stores = await open();
  for (const id of ['a.test', 'b.test']) {
    await stores.of(id).saveRecord(shop);
    await stores.of(id).save(bundle, 'issued', undefined, NOW);
    age(id);
  }
  await stores.list();
  return stores;
}

describe('list() of all certificates', () => {
  it('is empty at first, and knows everything of each afterwards', async () => {
    const stores = await open();
    expect(await stores.list()).toEqual([]);

    await stores.of('a.test').saveRecord(shop);
    await stores.of('a.test').saveOrder({ directoryUrl: 'https://ca/dir', names: ['a.test'], keyPem: 'KEY' });
    await stores.of('a.test').saveHold(hold());
    await stores.of('b.test').save(bundle, 'issued', undefined, NOW);

    expect(await stores.list()).toEqual([
      {
        ...{ id: 'a.test', record: shop, stored: undefined, issued: [], hold: hold() },
        order: { names: ['a.test'], url: undefined, directoryUrl: 'https://ca/dir' },
      },
      {
        ...{
          id: 'b.test',
          record: undefined,
          issued: [bundle.facts.fingerprint],
          order: undefined,
          hold: undefined,
        },
        stored: expect.objectContaining({
          ...bundle.facts,
          origin: 'issued',
          storedAt: NOW,
          bytes: expect.any(Number),
          chainBytes: expect.any(Number),
        }),
      },
    ]);
  });

  it('sees what another process changed, added and took out', async () => {
    const [mine, theirs] = [await filled(), await open()];

    await theirs.of('a.test').saveHold(hold());
    await theirs.of('b.test').remove();
    await theirs.of('c.test').saveRecord(shop);

    expect((await mine.list()).map(({ id, hold: held }) => [id, held?.code])).toEqual([
      ['a.test', hold().code],
      ['c.test', undefined],
    ]);
  });

  it('reads again what is so young that another change would leave no mark', async () => {
    const stores = await filled();
    const now = new Date();
    age('a.test', now);
    await stores.list();

    await stores.of('a.test').saveHold(hold());
    age('a.test', now);

    expect((await stores.list())[0]?.hold).toEqual(hold());
  });

  it('does not read again what is unchanged, until there is a doubt about it', async () => {
    const stores = await filled();
    writeFileSync(inside('a.test', `bundle-${bundle.facts.fingerprint}.pem`), 'damaged');

    const before = (await stores.list())[0];
    const missing = await stores.of('a.test').current();
    await stores.of('a.test').doubt(NOW);
    const after = (await stores.list())[0];

    expect([before?.stored?.fingerprint, missing, after?.stored]).toEqual([
      bundle.facts.fingerprint,
      undefined,
      undefined,
    ]);
    // It is known all the same that it was ours.
    expect(after?.issued).toEqual([bundle.facts.fingerprint]);
  });

  it('is kept for the next start, without any key, and may be lost or damaged', async () => {
    const stores = await filled();
    await stores.saveIndex();
    const path = join(home(), indexFile() ?? '');
    const kept = readFileSync(path, 'utf8');
    const all = await stores.list();

    expect(kept).toContain(bundle.facts.fingerprint);
    expect(kept).not.toContain('PRIVATE');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await (await open()).list()).toEqual(all);
    for (const damage of ['', '{"version":1,"entries":[{}]}', kept.slice(0, -40), '\0']) {
      writeFileSync(path, damage);
      expect(await (await open()).list()).toEqual(all);
    }
  });

  it('writes nothing where it may only read, or nothing changed', async () => {
    await filled();

    const reader = await open(true);
    await reader.list();
    await reader.saveIndex();

    expect(indexFile()).toBeUndefined();
  });

  it('passes over what is no certificate', async () => {
    const stores = await filled();
    for (const name of ['.hidden', 'UPPER', 'x'.repeat(201)]) mkdirSync(inside(name));
    writeFileSync(inside('file.test'), '');

    expect((await stores.list()).map(({ id }) => id)).toEqual(['a.test', 'b.test']);
  });

  it('keeps by which choice a certificate is being ordered', async () => {
    const stores = await filled();
    const record = { ...shop, ordered: { choice: { keyType: 'rsa2048' }, after: bundle.facts.fingerprint } };
    await stores.of('a.test').saveRecord(record);
    age('a.test', new Date(AGO.getTime() + 60_000));
    await stores.list();
    await stores.saveIndex();

    expect((await (await open()).list())[0]?.record).toEqual(record);
  });

  it('guesses nothing of a certificate that is half gone', async () => {
    const stores = await filled();
    // As a kill leaves it after the first file.
    renameSync(inside('a.test', 'current.json'), join(directory.path, 'gone'));

    expect((await stores.list())[0]).toMatchObject({ id: 'a.test', stored: undefined, issued: [] });
    await stores.of('a.test').remove();
    expect(existsSync(inside('a.test'))).toBe(false);
  });
});

describe('the memory of files', () => {
  const mark = { size: 10, changedMs: NOW.getTime() - 10_000, inode: 7 };
  const memory = (isReadOnly = false) =>
    openFileMemory(directory.path, { nowMs: () => NOW.getTime(), isReadOnly });
  const saved = () => readdirSync(directory.path).filter((name) => name.startsWith('files.'));

  it('knows a file for as long as it is not changed, also after the next start', async () => {
    const first = memory();
    await first.load(() => undefined);
    first.set('/certs/a.pem', mark, bundle.facts);
    await first.save();
    const next = memory();
    await next.load(() => undefined);

    expect(next.get('/certs/a.pem', mark)).toEqual(bundle.facts);
    for (const change of [{ size: 11 }, { changedMs: mark.changedMs + 1 }, { inode: 8 }])
      expect(next.get('/certs/a.pem', { ...mark, ...change })).toBeUndefined();
  });

  it('does not trust a file that was changed just now', () => {
    const young = { ...mark, changedMs: NOW.getTime() - 1_000 };
    const first = memory();
    first.set('/certs/a.pem', young, bundle.facts);

    expect(first.get('/certs/a.pem', young)).toBeUndefined();
  });

  it('forgets what nobody asks for any more', async () => {
    const first = memory();
    for (const name of ['a', 'b']) first.set(`/certs/${name}.pem`, mark, bundle.facts);
    await first.save();
    first.get('/certs/b.pem', mark);
    await first.save();
    const next = memory();
    await next.load(() => undefined);

    expect(['a', 'b'].map((name) => next.get(`/certs/${name}.pem`, mark)?.names)).toEqual([
      undefined,
      bundle.facts.names,
    ]);
  });

  it.each(['', '{', '{"version":2}'])('goes on without what is damaged: %j', async (text) => {
    const first = memory();
    first.set('/certs/a.pem', mark, bundle.facts);
    await first.save();
    for (const name of saved()) writeFileSync(join(directory.path, name), text);
    const next = memory();

    await next.load(() => undefined);

    expect(next.get('/certs/a.pem', mark)).toBeUndefined();
  });

  it('writes nothing where it may only read', async () => {
    const reader = memory(true);
    reader.set('/certs/a.pem', mark, bundle.facts);
    await reader.save();

    expect(saved()).toEqual([]);
  });
});
