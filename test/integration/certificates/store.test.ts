import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAccountKey } from '../../../src/acme/account-key.ts';
import type { Store } from '../../../src/certificates/store.ts';
import { openAccountStore } from '../../../src/certificates/store-accounts.ts';
import { openChallengeStore } from '../../../src/certificates/store-challenges.ts';
import { openStores } from '../../../src/certificates/store-set.ts';
import type { TargetStore } from '../../../src/certificates/store-targets.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { makeBundle } from '../../support/bundles.ts';
import { hold, NOW } from '../../support/observations.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const directory = temporaryDirectory();
const home = () => join(directory.path, 'store');
const inside = (...parts: string[]) => join(home(), 'certificates', 'main', ...parts);
type Opened = Store & { targets: TargetStore };
async function open(keepVersions = 3): Promise<Opened> {
  const { of, targets } = await openStores(home(), keepVersions, silentLog);
  return { ...of('main'), targets };
}
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const bundles = () => readdirSync(inside()).filter((name) => name.startsWith('bundle-'));

describe('the store', () => {
  it('is empty at first', async () => {
    const store = await open();

    expect(await store.current()).toBeUndefined();
    expect(await store.order()).toBeUndefined();
    expect(await store.hold()).toBeUndefined();
    expect(await store.targets.deliveryMemory('/lb').delivery()).toBeUndefined();
    expect(await store.currentOrderUrl()).toBeUndefined();
    expect(await store.issued()).not.toContain('a'.repeat(64));
  });

  it('gives back what was saved, to whoever opens it next', async () => {
    const { bundle } = makeBundle();
    const store = await open();
    const order = {
      directoryUrl: 'https://ca/dir',
      names: ['a.example'],
      url: 'https://ca/order/1',
      keyPem: 'KEY',
    };
    const delivery = {
      fingerprint: bundle.facts.fingerprint,
      appId: '/lb',
      beforeVersion: '2026',
      deploymentId: 'd',
    };
    await store.save(bundle, 'issued', 'https://ca/order/0', NOW);
    await store.saveOrder(order);
    await store.saveHold(hold());
    await store.targets.saveHold('/lb', hold({ code: 'APP_LOCKED' }));
    await store.targets.deliveryMemory('/lb').saveDelivery(delivery);

    const next = await open();

    expect(await next.current()).toEqual({
      stored: { ...bundle.facts, origin: 'issued', storedAt: NOW },
      bundle,
    });
    expect(await next.currentOrderUrl()).toBe('https://ca/order/0');
    expect(await next.issued()).toContain(bundle.facts.fingerprint);
    expect(await next.order()).toEqual(order);
    expect(await next.hold()).toEqual(hold());
    expect(await next.targets.hold('/lb')).toMatchObject({ code: 'APP_LOCKED' });
    expect(await next.targets.deliveryMemory('/lb').delivery()).toMatchObject(delivery);
  });

  it('forgets what is removed, also when it is not there', async () => {
    const store = await open();
    await store.saveHold(hold());

    for (let turn = 0; turn < 2; turn += 1) {
      await store.removeHold();
      await store.removeOrder();
      await store.targets.deliveryMemory('/lb').removeDelivery();
    }

    expect(await store.hold()).toBeUndefined();
  });

  it('keeps what holds orders back apart by CA, and one of before a CA was named for the one that fails now', async () => {
    const store = await open();
    const at = (directoryUrl: string, minute: number) =>
      hold({ directoryUrl, since: new Date(NOW.getTime() + minute * 60_000) });
    await store.saveHold(hold());
    const before = await store.holds();
    await store.saveHold(at('https://a/dir', 1));
    await store.saveHold(at('https://b/dir', 2));
    await store.saveHold(at('https://a/dir', 3));
    const next = await open();

    expect(before).toEqual([hold()]);
    expect(await next.holds()).toEqual([at('https://a/dir', 3), at('https://b/dir', 2)]);
    expect(await next.hold()).toEqual(at('https://a/dir', 3));
    await next.saveHolds([at('https://b/dir', 2)]);
    expect(await next.holds()).toEqual([at('https://b/dir', 2)]);
    await next.saveHolds([]);
    expect(await next.hold()).toBeUndefined();
  });

  it('keeps an order at one CA while another one is asked, until it is over', async () => {
    const store = await open();
    const at = (directoryUrl: string, more: object = {}) => ({
      ...{ directoryUrl, names: ['a.test'], keyPem: 'KEY', url: `${directoryUrl}/order/1` },
      ...more,
    });
    const [a, b, c] = [
      at('https://a/dir', { expiresAt: new Date(NOW.getTime() + 1_000) }),
      at('https://b/dir'),
      at('https://c/dir'),
    ];
    for (const each of [a, b, c]) await store.saveOrder(each);
    const seen = [
      await store.order(),
      await store.order('https://a/dir'),
      await store.order('https://b/dir'),
    ];
    await store.forgetOrders(NOW);
    const after = [await store.order('https://a/dir'), await store.order('https://b/dir')];
    await store.saveOrder(a);

    expect(seen).toEqual([c, a, b]);
    expect(after).toEqual([a, undefined]);
    expect([await store.order(), await store.order('https://c/dir')]).toEqual([a, c]);
    await store.forgetOrders(new Date(NOW.getTime() + 2_000));
    expect(readdirSync(inside()).filter((name) => name.startsWith('order'))).toEqual(['order.json']);
  });

  it('keeps everything from other users', async () => {
    const umask = process.umask(0);
    try {
      const store = await open();
      await store.save(makeBundle().bundle, 'issued', undefined, NOW);
      await store.saveOrder({ directoryUrl: 'd', names: [], keyPem: 'KEY' });
    } finally {
      process.umask(umask);
    }

    for (const path of [home(), join(home(), 'certificates'), inside()]) expect(modeOf(path)).toBe('700');
    for (const name of readdirSync(inside())) expect([name, modeOf(inside(name))]).toEqual([name, '600']);
  });

  it('keeps so many bundles, the newest and always the current one, and remembers all that it issued', async () => {
    const made = [0, 1, 2, 3, 4].map((day) => makeBundle({ names: [`n${day}.example.com`] }).bundle);
    const store = await open(3);
    for (const [index, bundle] of made.entries()) {
      await store.save(bundle, index === 1 ? 'adopted' : 'issued', undefined, NOW);
      const writtenAt = new Date(Date.UTC(2026, 0, 1 + index));
      utimesSync(inside(`bundle-${bundle.facts.fingerprint}.pem`), writtenAt, writtenAt);
    }

    expect(bundles().sort()).toEqual(
      made
        .slice(2)
        .map(({ facts }) => `bundle-${facts.fingerprint}.pem`)
        .sort(),
    );
    const isIssued = made.map(({ facts }) => facts.fingerprint).filter((_each, index) => index !== 1);
    expect(await store.issued()).toEqual(isIssued);
    expect((await store.current())?.bundle).toEqual(made[4]);
  });

  it('keeps the current bundle alone when told to keep one', async () => {
    const store = await open(1);

    await store.save(makeBundle({ names: ['a.example'] }).bundle, 'issued', undefined, NOW);
    await store.save(makeBundle({ names: ['b.example'] }).bundle, 'issued', undefined, NOW);

    expect(bundles()).toHaveLength(1);
    expect((await store.current())?.stored.names).toEqual(['b.example']);
  });

  it('removes copies that a kill left behind', async () => {
    const store = await open();
    mkdirSync(inside(), { recursive: true });
    writeFileSync(inside('order.json.0123456789ab.tmp'), 'half a key');

    await store.save(makeBundle().bundle, 'issued', undefined, NOW);

    expect(readdirSync(inside()).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it.each([
    ['current.json', (store: Opened) => store.current()],
    ['order.json', (store: Opened) => store.order()],
    ['hold-order.json', (store: Opened) => store.hold()],
    ['record.json', (store: Opened) => store.record()],
    [
      '../../targets/delivery-lb-c117a1f9.json',
      (store: Opened) => store.targets.deliveryMemory('/lb').delivery(),
    ],
  ])('says that %s is damaged, by its path and without its content', async (file, read) => {
    const store = await open();
    for (const path of [inside(), join(home(), 'targets')]) mkdirSync(path, { recursive: true });

    for (const text of ['', '{"secret":', '{"secret":1}', '[]']) {
      writeFileSync(inside(file), text);
      const failure = await read(store).catch((error: unknown) => error);

      expect(failure).toMatchObject({
        code: 'STORE_UNUSABLE',
        message: `The file ${inside(file)} is damaged (no JSON of the expected form); move it away to go on without it`,
      });
      expect((failure as Error).cause).toBeUndefined();
    }
  });

  it.each([
    ['missing', (path: string) => rmSync(path)],
    ['cut off', (path: string) => writeFileSync(path, readFileSync(path, 'utf8').slice(0, 900))],
    [
      'of another certificate',
      (path: string) => writeFileSync(path, makeBundle({ names: ['x.example'] }).pem),
    ],
  ])('counts as empty when the bundle is %s, but remembers that it was issued', async (_what, damage) => {
    const store = await open();
    const { bundle } = makeBundle();
    await store.save(bundle, 'issued', undefined, NOW);

    damage(inside(`bundle-${bundle.facts.fingerprint}.pem`));

    expect(await store.current()).toBeUndefined();
    expect(await store.issued()).toContain(bundle.facts.fingerprint);
  });

  it('creates nothing when it is opened to be read only', async () => {
    const stores = await openStores(home(), 3, silentLog, { readOnly: true });
    const store = stores.of('main');
    const challenges = await openChallengeStore(home(), { readOnly: true });
    const accounts = await openAccountStore(home(), 'https://ca.example/dir', { readOnly: true });

    expect(await store.current()).toBeUndefined();
    expect(await store.order()).toBeUndefined();
    expect(await stores.list()).toEqual([]);
    expect(await challenges.answer('token-token-token')).toBeUndefined();
    expect(await accounts.read()).toBeUndefined();
    expect(await accounts.thumbprint()).toBeUndefined();
    expect(existsSync(home())).toBe(false);
  });

  it('says why when a file stands where a directory should be', async () => {
    writeFileSync(home(), '');

    await expect(open()).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
  });
});

/** Runs a piece of a program on the store under a shell, so that limits and another user apply to it. */
function runOnStore(body: string, shell: string, as: { uid?: number; gid?: number } = {}) {
  const src = resolve(import.meta.dirname, '../../../src');
  const script = join(directory.path, 'script.mts');
  const head = `
    import { openStores } from '${src}/certificates/store-set.ts';
    import { openChallengeStore } from '${src}/certificates/store-challenges.ts';
    import { withStoreLock } from '${src}/certificates/store-lock.ts';
    import { parseBundle } from '${src}/delivery/bundle.ts';
    import { systemClock } from '${src}/lib/clock.ts';
    import { silentLog } from '${src}/lib/log.ts';
    import { readFileSync } from 'node:fs';
    const home = ${JSON.stringify(home())};
    const tell = (error: unknown) => console.log(JSON.stringify({ code: (error as { code?: string }).code, message: (error as Error).message }));
  `;
  writeFileSync(script, `${head}\n${body}`);
  const run = spawnSync('sh', ['-c', shell.replace('PROGRAM', `"${process.execPath}" "${script}"`)], {
    encoding: 'utf8',
    timeout: 30_000,
    // Compiled code would be written within the limits, too.
    env: { PATH: process.env.PATH },
    ...as,
  });
  const lines = run.stdout.trim().split('\n');
  if (run.status !== 0 || lines[0] === '')
    throw new Error(`${run.status} ${run.signal} ${run.stdout} ${run.stderr}`);
  return lines.map((line) => JSON.parse(line) as { code?: string; message: string });
}

const WRITE_ALL = `
  const write = async () => {
    const store = (await openStores(home, 3, silentLog)).of('main');
    const parsed = parseBundle(readFileSync(process.env.BUNDLE, 'utf8'));
    await store.saveOrder({ directoryUrl: 'd', names: ['x'.repeat(100_000)], keyPem: 'KEY' }).catch(tell);
    await store.save(parsed.bundle, 'issued', undefined, new Date()).catch(tell);
    await store.removeOrder().catch(tell);
    await store.removeHold().catch(tell);
    console.log(JSON.stringify({ message: (await store.current())?.stored.names.join() }));
  };
  const options = { waitMs: 0, clock: systemClock, log: silentLog, signal: new AbortController().signal };
  await (process.env.LOCK === 'no' ? write() : withStoreLock(home, options, write));
`;

describe('the store of a user who may not write', () => {
  const isRoot = process.getuid?.() === 0;
  const nobody = isRoot ? { uid: 65534, gid: 65534 } : {};

  it('can be read, and each write says why it failed', async () => {
    const store = await open();
    await store.save(makeBundle({ names: ['old.example'] }).bundle, 'issued', undefined, NOW);
    await store.saveHold(hold());
    writeFileSync(join(directory.path, 'new.pem'), makeBundle({ names: ['new.example'] }).pem);
    for (const path of [directory.path, home(), join(home(), 'certificates'), inside()])
      chmodSync(path, 0o555);
    for (const name of readdirSync(inside())) chmodSync(inside(name), 0o444);

    const said = runOnStore(WRITE_ALL, `LOCK=no BUNDLE="${directory.path}/new.pem" PROGRAM`, nobody);
    for (const path of [directory.path, home(), join(home(), 'certificates'), inside()])
      chmodSync(path, 0o755);

    const denied = 'this user has no permission (EACCES)';
    expect(said).toEqual([
      { code: 'STORE_UNUSABLE', message: `Cannot write ${inside('order.json')}: ${denied}` },
      { code: 'STORE_UNUSABLE', message: expect.stringContaining(denied) },
      { code: 'STORE_UNUSABLE', message: `Cannot remove ${inside('hold-order.json')}: ${denied}` },
      { message: 'old.example' },
    ]);
  });

  it('can not be locked or created, which is said by its path', () => {
    mkdirSync(home(), { mode: 0o755 });
    chmodSync(directory.path, 0o755);
    chmodSync(home(), 0o555);

    const said = runOnStore(
      `
      const options = { waitMs: 0, clock: systemClock, log: silentLog, signal: new AbortController().signal };
      await withStoreLock(home, options, async () => undefined).catch(tell);
      await openStores(home, 3, silentLog).catch(tell);
      await openChallengeStore(home).catch(tell);
      `,
      'PROGRAM',
      nobody,
    );

    expect(said).toEqual([
      { code: 'STORE_UNUSABLE', message: `The store ${home()} can not be locked: EACCES` },
      {
        code: 'STORE_UNUSABLE',
        message: `Cannot create ${join(home(), 'certificates')}: this user has no permission (EACCES)`,
      },
      {
        code: 'STORE_UNUSABLE',
        message: `Cannot create ${join(home(), 'challenges')}: this user has no permission (EACCES)`,
      },
    ]);
  });
});

describe('the store without space', () => {
  it('keeps the old bundle whole when the new one does not fit', async () => {
    const store = await open();
    await store.save(makeBundle({ names: ['old.example'] }).bundle, 'issued', undefined, NOW);
    writeFileSync(join(directory.path, 'new.pem'), makeBundle({ names: ['new.example'] }).pem);

    // No file may become longer than 2 blocks of 512 bytes.
    const said = runOnStore(WRITE_ALL, `ulimit -f 2; BUNDLE="${directory.path}/new.pem" PROGRAM`);

    const full = 'the file-size limit of this process is reached (EFBIG)';
    expect(said).toEqual([
      { code: 'STORE_UNUSABLE', message: `Cannot write ${inside('order.json')}: ${full}` },
      { code: 'STORE_UNUSABLE', message: expect.stringContaining(full) },
      { message: 'old.example' },
    ]);
    expect((await store.current())?.stored.names).toEqual(['old.example']);
    expect(readdirSync(inside()).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('does the same on a disk that is full', async (context) => {
    mkdirSync(home());
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', home()]);
    if (mounted.status !== 0) return context.skip('mounting a small file system is not allowed here');
    try {
      const store = await open();
      const { bundle } = makeBundle({ names: ['old.example'] });
      await store.save(bundle, 'issued', undefined, NOW);
      const order = { directoryUrl: 'd', names: ['x'.repeat(100_000)], keyPem: 'KEY' };

      const failure = await store.saveOrder(order).catch((error: unknown) => error);
      writeFileSync(join(home(), 'fill'), '');
      spawnSync('sh', ['-c', `cat /dev/zero > "${home()}/fill"`]);
      const second = await store
        .save(makeBundle().bundle, 'issued', undefined, NOW)
        .catch((error: unknown) => error);

      expect(failure).toMatchObject({
        code: 'STORE_UNUSABLE',
        message: `Cannot write ${inside('order.json')}: the disk is full (ENOSPC)`,
      });
      expect(second).toMatchObject({ code: 'STORE_UNUSABLE' });
      expect(await store.order()).toBeUndefined();
      expect((await store.current())?.bundle).toEqual(bundle);
      expect(readdirSync(inside()).sort()).toEqual([
        `bundle-${bundle.facts.fingerprint}.pem`,
        'current.json',
      ]);
    } finally {
      spawnSync('umount', [home()]);
    }
  });
});

describe('the accounts', () => {
  it('stand side by side for each CA, also for two directories of one host', async () => {
    const urls = [
      'https://ca.example/staging',
      'https://ca.example/directory',
      'https://other.example/directory',
    ];
    const stores = await Promise.all(urls.map((url) => openAccountStore(home(), url)));
    const keys = urls.map(() => createAccountKey());
    for (const [index, store] of stores.entries()) {
      await store.saveKey(keys[index] as string);
      await store.saveUrl(`${urls[index]}/account`);
      await store.saveThumbprint(`thumb-${index}`);
    }

    const again = await Promise.all(urls.map((url) => openAccountStore(home(), url)));

    expect(await Promise.all(again.map((store) => store.read()))).toEqual(
      urls.map((url, index) => ({ keyPem: keys[index], url: `${url}/account` })),
    );
    expect(await Promise.all(again.map((store) => store.thumbprint()))).toEqual([
      'thumb-0',
      'thumb-1',
      'thumb-2',
    ]);
    for (const folder of readdirSync(join(home(), 'accounts')))
      for (const name of readdirSync(join(home(), 'accounts', folder)))
        expect(modeOf(join(home(), 'accounts', folder, name))).toBe('600');
  });

  it('forget the address of the key before when another key comes', async () => {
    const accounts = await openAccountStore(home(), 'https://ca.example/dir');
    await accounts.saveKey(createAccountKey());
    await accounts.saveUrl('https://ca.example/account/1');
    await accounts.saveThumbprint('old');
    const second = createAccountKey();

    await accounts.saveKey(second);

    expect(await accounts.read()).toEqual({ keyPem: second, url: undefined });
    expect(await accounts.thumbprint()).toBeUndefined();
  });

  it('say that a key is damaged, by its path', async () => {
    const accounts = await openAccountStore(home(), 'https://ca.example/dir');
    await accounts.saveKey('half a key');

    await expect(accounts.read()).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringMatching(/^The account key .*account\.key is damaged; move it away/),
    });
  });
});

describe('the challenges', () => {
  const token = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';

  it('are answered by whoever opens the same store, until they are removed', async () => {
    const [one, other] = await Promise.all([openChallengeStore(home()), openChallengeStore(home())]);

    await one.present(token, `${token}.thumbprint`);
    const found = await other.answer(token);
    await other.remove(token);
    await other.remove(token);

    expect(found).toBe(`${token}.thumbprint`);
    expect(await one.answer(token)).toBeUndefined();
  });

  it.each([
    'short',
    '../../../etc/passwd',
    '..%2f..%2f..%2fetc%2fpasswd',
    'token with a space in it',
    'x'.repeat(129),
    'token-with-nul-\u0000-in-it',
    'pingpingpingping.0123456789ab.tmp',
  ])('know no token %j', async (wrong) => {
    const challenges = await openChallengeStore(home());

    expect(await challenges.answer(wrong)).toBeUndefined();
    await expect(challenges.present(wrong, 'x')).rejects.toThrow('is none by RFC 8555');
    await challenges.remove(wrong);
    expect(readdirSync(join(home(), 'challenges'))).toEqual([]);
  });

  it('are swept after a day, with what a kill left behind', async () => {
    const challenges = await openChallengeStore(home());
    const [old, fresh] = ['old-old-old-old-old', 'new-new-new-new-new'];
    await challenges.present(old, 'a');
    await challenges.present(fresh, 'b');
    writeFileSync(join(home(), 'challenges', `${fresh}.0123456789ab.tmp`), '');
    writeFileSync(join(home(), 'challenges', 'README'), 'of somebody');
    const yesterday = new Date(Date.now() - 25 * 3_600_000);
    utimesSync(join(home(), 'challenges', old), yesterday, yesterday);

    await challenges.sweep(Date.now());

    expect(readdirSync(join(home(), 'challenges')).sort()).toEqual(['README', fresh]);
  });

  it('are swept without complaint when their directory is gone', async () => {
    const challenges = await openChallengeStore(home());
    rmSync(join(home(), 'challenges'), { recursive: true });

    await expect(challenges.sweep(Date.now())).resolves.toBeUndefined();
  });
});
