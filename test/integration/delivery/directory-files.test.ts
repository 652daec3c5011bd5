import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Bundle } from '../../../src/delivery/bundle.ts';
import {
  changeFiles,
  checkStaged,
  putBackFiles,
  stageBundle,
} from '../../../src/delivery/directory-change.ts';
import { prepareDirectory, readDirectory } from '../../../src/delivery/directory-files.ts';
import { forgetChanges, unprovenChanges } from '../../../src/delivery/directory-record.ts';
import { makeBundle } from '../../support/bundles.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const directory = temporaryDirectory();
const at = (...parts: string[]): string => join(directory.path, ...parts);
const NOW = new Date('2026-11-22T10:00:00Z');
const OPTIONS = { mode: 0o600, now: NOW };
const DEFAULT = makeBundle({ names: ['default.example.com'], selfSigned: true }).pem;

const prepare = () => prepareDirectory(directory.path, DEFAULT, OPTIONS);
const put = (file: string, bundle: Bundle) =>
  changeFiles(directory.path, { put: [{ file, bundle }], remove: [] }, OPTIONS);
const inCerts = (): string[] => readdirSync(at('certs')).sort();
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const pkcs1 = (pem: string): string =>
  execFileSync('openssl', ['rsa', '-traditional'], {
    input: pem,
    stdio: ['pipe', 'pipe', 'ignore'],
  }).toString();

/** What a real HAProxy says about these entries of its bind line. */
function isLoadable(...entries: string[]): boolean {
  const crt = entries.map((entry) => `crt ${entry}`).join(' ');
  const times = 'timeout client 1s\n timeout server 1s\n timeout connect 1s';
  writeFileSync(
    at('haproxy.cfg'),
    `defaults\n mode http\n ${times}\nfrontend f\n bind 127.0.0.1:1 ssl ${crt}\n`,
  );
  return spawnSync('haproxy', ['-c', '-f', at('haproxy.cfg')]).status === 0;
}

describe('prepareDirectory()', () => {
  it('makes everything that a delivery needs, for this user alone', async () => {
    expect(await readDirectory(directory.path)).toEqual({
      isPrepared: false,
      missing: ['certs/', 'staging/', 'default.pem'],
      files: [],
    });

    await prepare();

    expect(await readDirectory(directory.path)).toEqual({ isPrepared: true, missing: [], files: [] });
    expect(['certs', 'staging', 'replaced', 'default.pem'].map((name) => modeOf(at(name)))).toEqual([
      '700',
      '700',
      '700',
      '600',
    ]);
  });

  it('lets a group in where the files are for a group', async () => {
    const former = process.umask(0o022);
    await prepareDirectory(directory.path, DEFAULT, { ...OPTIONS, mode: 0o640 }).finally(() =>
      process.umask(former),
    );

    expect(['certs', 'staging', 'replaced', 'default.pem'].map((name) => modeOf(at(name)))).toEqual([
      '750',
      '700',
      '700',
      '640',
    ]);
  });

  it('leaves what is there with its modes, and whatever else lies beside it', async () => {
    mkdirSync(at('certs'));
    chmodSync(at('certs'), 0o755);
    const own = makeBundle({ names: ['own.example.com'], selfSigned: true }).pem;
    writeFileSync(at('default.pem'), own, { mode: 0o644 });
    writeFileSync(at('client.key'), 'an account');

    await prepare();

    expect(modeOf(at('certs'))).toBe('755');
    expect(readFileSync(at('default.pem'), 'utf8')).toBe(own);
    expect(readFileSync(at('client.key'), 'utf8')).toBe('an account');
  });

  it.each([
    ['junk', 'junk'],
    ['nothing', ''],
    ['a certificate without its key', DEFAULT.replace(/-----BEGIN PRIVATE[\s\S]*/, '')],
  ])('moves a default certificate away that is %s, and keeps it', async (_, text) => {
    writeFileSync(at('default.pem'), text);

    await prepare();

    expect(readFileSync(at('default.pem'), 'utf8')).toBe(DEFAULT);
    const [kept = ''] = readdirSync(at('replaced'));
    expect(readFileSync(at('replaced', kept), 'utf8')).toBe(text);
  });

  it('replaces a link that leads nowhere, not what it points to', async () => {
    symlinkSync(at('elsewhere.pem'), at('default.pem'));

    await prepare();

    expect(existsSync(at('elsewhere.pem'))).toBe(false);
    expect(lstatSync(at('default.pem')).isFile()).toBe(true);
  });

  it('does not make the directory itself: a volume that is not mounted must be noticed', async () => {
    const missing = at('not-mounted');

    await expect(prepareDirectory(missing, DEFAULT, OPTIONS)).rejects.toMatchObject({
      code: 'DIRECTORY_UNUSABLE',
    });
    await expect(readDirectory(missing)).rejects.toMatchObject({ code: 'DIRECTORY_UNUSABLE' });
    expect(existsSync(missing)).toBe(false);
  });

  it('refuses a staging directory on another file system', async (context) => {
    mkdirSync(at('staging'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', at('staging')], { stdio: 'ignore' });
    } catch {
      return context.skip('mounting is not allowed here');
    }
    try {
      await expect(prepare()).rejects.toMatchObject({
        code: 'DIRECTORY_UNUSABLE',
        message: expect.stringContaining('not on one file system'),
      });
    } finally {
      execFileSync('umount', [at('staging')]);
    }
  });
});

describe('readDirectory()', () => {
  it("reads marathon-acme's own directory: key first, RSA as PKCS#1, several files", async () => {
    await prepare();
    const one = makeBundle({ names: ['one.example.com'] });
    const two = makeBundle({ names: ['two.example.com'], key: 'second' });
    writeFileSync(at('certs', 'one.example.com.pem'), `${pkcs1(one.key)}${one.leaf}${one.ca}`);
    writeFileSync(at('certs', 'two.example.com.pem'), `${two.key}${two.leaf}`);
    mkdirSync(at('unmanaged-certs'));
    writeFileSync(at('unmanaged-certs', 'three.pem'), one.pem);

    const { files } = await readDirectory(directory.path);

    expect(files).toMatchObject([
      {
        file: 'one.example.com.pem',
        content: { kind: 'certificate', facts: { names: ['one.example.com'] } },
      },
      {
        file: 'two.example.com.pem',
        content: { kind: 'certificate', facts: { names: ['two.example.com'] } },
      },
    ]);
  });

  it('lists what some HAProxy would load and says what is wrong with it', async () => {
    await prepare();
    const { pem, leaf, key } = makeBundle();
    const [smallKey, smallLeaf] = [at('small.key'), at('small.crt')];
    const request = ['req', '-x509', '-newkey', 'rsa:1024', '-nodes', '-subj', '/CN=small'];
    execFileSync('openssl', [...request, '-keyout', smallKey, '-out', smallLeaf], { stdio: 'ignore' });
    const small = readFileSync(smallKey, 'utf8') + readFileSync(smallLeaf, 'utf8');
    const texts: Record<string, string> = {
      'a.tmp': 'junk',
      '.b.pem': '',
      'c.key': key,
      'd.pem': leaf,
      'e.pem': pem.slice(0, pem.length - 400),
      'f.pem': small,
      'g.pem': 'x'.repeat(300_000),
      // Belong to a bundle of the same name and are no bundles.
      'h.pem.ocsp': 'x',
      'h.pem.sctl': 'x',
      'h.pem.issuer': 'x',
    };
    for (const [file, text] of Object.entries(texts)) writeFileSync(at('certs', file), text);
    mkdirSync(at('certs', 'i.pem'));
    execFileSync('mkfifo', [at('certs', 'j.pem')]);
    symlinkSync('/nowhere', at('certs', 'k.pem'));
    writeFileSync(at('elsewhere.pem'), pem);
    symlinkSync('../elsewhere.pem', at('certs', 'l.pem'));

    const { files } = await readDirectory(directory.path);

    const said = files.map(({ file, content }) => [
      file,
      content.kind === 'unreadable' ? content.problem : content.kind,
    ]);
    expect(said).toEqual([
      ['.b.pem', 'it is empty'],
      ['a.tmp', 'it holds no certificate in PEM form'],
      ['c.key', 'it holds no certificate in PEM form'],
      ['d.pem', 'it holds no private key in PEM form'],
      ['e.pem', 'it holds no private key in PEM form'],
      ['f.pem', 'its RSA key has 1024 bits, which HAProxy refuses'],
      ['g.pem', 'it has 300000 bytes, more than the 262144 allowed'],
      ['k.pem', 'it is a link to nothing'],
      ['l.pem', 'certificate'],
    ]);
  });

  it('calls unreadable what makes HAProxy refuse its whole configuration, and nothing else', async () => {
    await prepare();
    const { pem, leaf, ca, key } = makeBundle();
    const texts = {
      whole: pem,
      'key-first': `${key}${leaf}${ca}`,
      pkcs1: `${pkcs1(key)}${leaf}`,
      spaced: `Bag Attributes\n${leaf}\n\n${key}`,
      carriage: pem.replaceAll('\n', '\r\n'),
      empty: '',
      'no-key': leaf,
      'no-certificate': key,
      cut: pem.slice(0, pem.length - 400),
      'wrong-key': `${leaf}${makeBundle({ key: 'second' }).key}`,
    };
    const verdicts: Record<string, [boolean, boolean]> = {};
    for (const [name, text] of Object.entries(texts)) {
      writeFileSync(at('certs', 'x.pem'), text);
      const [found] = (await readDirectory(directory.path)).files;
      verdicts[name] = [found?.content.kind === 'certificate', isLoadable(at('certs'), at('default.pem'))];
    }

    const disagreed = Object.entries(verdicts).filter(([, [ours, theirs]]) => ours !== theirs);
    expect(disagreed).toEqual([]);
    expect(Object.values(verdicts).filter(([ours]) => ours)).toHaveLength(5);
  });

  it('finds that HAProxy takes an empty directory with a default certificate behind it', async () => {
    await prepare();

    expect(isLoadable(at('certs'), at('default.pem'))).toBe(true);
    symlinkSync('/nowhere', at('certs', 'x.pem'));
    expect(isLoadable(at('certs'), at('default.pem'))).toBe(false);
  });

  it('reads no directory with more files than any balancer has', async () => {
    await prepare();
    for (let index = 0; index <= 20_000; index += 1) writeFileSync(at('certs', `${index}.pem`), '');

    await expect(readDirectory(directory.path)).rejects.toMatchObject({ code: 'DIRECTORY_UNUSABLE' });
  });
});

describe('changeFiles()', () => {
  const [old, renewed] = [makeBundle(), makeBundle({ key: 'second' })];

  it('puts a bundle in whole, keeps the former one, and leaves nothing in staging', async () => {
    await prepare();
    await put('shop.pem', old.bundle);
    await forgetChanges(directory.path);

    const changes = await put('shop.pem', renewed.bundle);

    expect(readFileSync(at('certs', 'shop.pem'), 'utf8')).toBe(renewed.bundle.pem);
    expect(inCerts()).toEqual(['shop.pem']);
    expect(modeOf(at('certs', 'shop.pem'))).toBe('600');
    expect(changes).toMatchObject([{ file: 'shop.pem', put: renewed.bundle.facts.fingerprint }]);
    expect(readFileSync(at('replaced', changes[0]?.kept ?? ''), 'utf8')).toBe(old.bundle.pem);
    expect(readdirSync(at('staging'))).toEqual(['delivery.json']);
  });

  it('gives a file the configured mode, whatever the umask is', async () => {
    await prepare();
    const former = process.umask(0o077);
    try {
      await changeFiles(
        directory.path,
        { put: [{ file: 'shop.pem', bundle: old.bundle }], remove: [] },
        { ...OPTIONS, mode: 0o640 },
      );
    } finally {
      process.umask(former);
    }

    expect(modeOf(at('certs', 'shop.pem'))).toBe('640');
  });

  it('changes nothing where the same certificate is there in another spelling', async () => {
    await prepare();
    writeFileSync(at('certs', 'shop.pem'), `${pkcs1(old.key)}${old.leaf}${old.ca}`);

    expect(await put('shop.pem', old.bundle)).toEqual([]);
    expect(readFileSync(at('certs', 'shop.pem'), 'utf8')).toMatch(/^-----BEGIN RSA PRIVATE KEY/);
  });

  it('writes a bundle whose chain is missing where the leaf is the same', async () => {
    await prepare();
    writeFileSync(at('certs', 'shop.pem'), `${old.leaf}${old.key}`);

    expect(await put('shop.pem', old.bundle)).toHaveLength(1);
    expect(readFileSync(at('certs', 'shop.pem'), 'utf8')).toBe(old.bundle.pem);
  });

  it('replaces a link by a file and leaves alone what it points to', async () => {
    await prepare();
    writeFileSync(at('elsewhere.pem'), old.pem);
    symlinkSync('../elsewhere.pem', at('certs', 'shop.pem'));

    await put('shop.pem', renewed.bundle);

    expect(lstatSync(at('certs', 'shop.pem')).isFile()).toBe(true);
    expect(readFileSync(at('elsewhere.pem'), 'utf8')).toBe(old.pem);
  });

  it.each([
    '../shop.pem',
    '.shop.pem',
    'shop.key',
    'a/b.pem',
    'Shop.pem',
    '',
    '-.pem',
    `${'a'.repeat(300)}.pem`,
  ])('refuses %j as the name of a file', async (file) => {
    await prepare();

    await expect(put(file, old.bundle)).rejects.toMatchObject({ code: 'DIRECTORY_UNUSABLE' });
    expect(inCerts()).toEqual([]);
  });

  it('moves a removed file aside, and does nothing where there is none', async () => {
    await prepare();
    await put('shop.pem', old.bundle);
    await forgetChanges(directory.path);

    const changes = await changeFiles(directory.path, { put: [], remove: ['shop.pem', 'none.pem'] }, OPTIONS);

    expect(inCerts()).toEqual([]);
    expect(changes).toMatchObject([{ file: 'shop.pem', put: undefined }]);
    expect(readFileSync(at('replaced', changes[0]?.kept ?? ''), 'utf8')).toBe(old.bundle.pem);
  });

  it('takes away a file of somebody else, whatever its name is', async () => {
    await prepare();
    writeFileSync(at('certs', 'Old Shop'), old.pem);

    const changes = await changeFiles(directory.path, { put: [], remove: ['Old Shop'] }, OPTIONS);

    expect(inCerts()).toEqual([]);
    expect(await unprovenChanges(directory.path)).toEqual(changes);
    expect(await putBackFiles(directory.path, changes, NOW)).toEqual({ restored: ['Old Shop'], removed: [] });
    await expect(
      changeFiles(directory.path, { put: [], remove: ['../default.pem'] }, OPTIONS),
    ).rejects.toMatchObject({ code: 'DIRECTORY_UNUSABLE' });
  });

  it('keeps the newest three former files of each name', async () => {
    await prepare();
    for (let index = 0; index < 6; index += 1) {
      const now = new Date(NOW.getTime() + index * 1000);
      const bundle = makeBundle().bundle;
      await changeFiles(
        directory.path,
        { put: [{ file: 'shop.pem', bundle }], remove: [] },
        { mode: 0o600, now },
      );
      await forgetChanges(directory.path);
    }

    const seconds = readdirSync(at('replaced')).map((name) => /T1000(\d\d)/.exec(name)?.[1]);
    expect(seconds.sort()).toEqual(['03', '04', '05']);
  });

  it('removes what a killed run left in staging, and nothing else', async () => {
    await prepare();
    writeFileSync(at('staging', 'shop.pem.0123456789ab.tmp'), 'half');
    writeFileSync(at('staging', 'notes.txt'), 'of a person');

    await put('shop.pem', old.bundle);

    expect(readdirSync(at('staging')).sort()).toEqual(['delivery.json', 'notes.txt']);
  });

  it('lets no bundle in that was cut off on its way to the disk', async () => {
    await prepare();
    const path = await stageBundle(directory.path, 'shop.pem', old.bundle, 0o600);
    await expect(checkStaged(path, old.bundle)).resolves.toBeUndefined();
    const cuts = Array.from({ length: 20 }, (_, step) =>
      Math.floor((old.bundle.pem.length * (19 - step)) / 20),
    );

    for (const length of cuts) {
      truncateSync(path, length);
      await expect(checkStaged(path, old.bundle)).rejects.toMatchObject({ code: 'DIRECTORY_UNUSABLE' });
    }
    rmSync(path);
    await expect(checkStaged(path, old.bundle)).rejects.toMatchObject({ code: 'DIRECTORY_UNUSABLE' });
  });
});

describe('unprovenChanges() and putBackFiles()', () => {
  const [old, first, second] = [makeBundle(), makeBundle(), makeBundle()];

  it('go back to what was there before two changes that nobody has proven', async () => {
    await prepare();
    await put('shop.pem', old.bundle);
    await forgetChanges(directory.path);
    await put('shop.pem', first.bundle);
    await changeFiles(
      directory.path,
      {
        put: [
          { file: 'shop.pem', bundle: second.bundle },
          { file: 'new.pem', bundle: first.bundle },
        ],
        remove: [],
      },
      OPTIONS,
    );

    const changes = await unprovenChanges(directory.path);
    const done = await putBackFiles(directory.path, changes, NOW);

    expect(done).toEqual({ restored: ['shop.pem'], removed: ['new.pem'] });
    expect(readFileSync(at('certs', 'shop.pem'), 'utf8')).toBe(old.bundle.pem);
    expect(inCerts()).toEqual(['shop.pem']);
    expect(await unprovenChanges(directory.path)).toEqual([]);
  });

  it('bring a removed file back', async () => {
    await prepare();
    await put('shop.pem', old.bundle);
    await forgetChanges(directory.path);
    const changes = await changeFiles(directory.path, { put: [], remove: ['shop.pem'] }, OPTIONS);

    expect(await putBackFiles(directory.path, changes, NOW)).toEqual({ restored: ['shop.pem'], removed: [] });
    expect(readFileSync(at('certs', 'shop.pem'), 'utf8')).toBe(old.bundle.pem);
  });

  it('do not bring back what HAProxy could not load', async () => {
    await prepare();
    writeFileSync(at('certs', 'shop.pem'), 'junk');
    const changes = await put('shop.pem', old.bundle);

    expect(await putBackFiles(directory.path, changes, NOW)).toEqual({ restored: [], removed: ['shop.pem'] });
    expect(inCerts()).toEqual([]);
  });

  it('leave alone what somebody has changed since', async () => {
    await prepare();
    await put('shop.pem', old.bundle);
    writeFileSync(at('certs', 'shop.pem'), first.pem);

    expect(await unprovenChanges(directory.path)).toEqual([]);
  });

  it.each([
    '[{"file":"../x.pem","put":"a"}]',
    '[{"file":"x.pem","kept":"../../x.pem.20261122T100000000Z-0123456789ab"}]',
    'junk',
    '{}',
  ])('follow no record that says %s', async (text) => {
    await prepare();
    writeFileSync(at('staging', 'delivery.json'), text);

    expect(await unprovenChanges(directory.path)).toEqual([]);
  });
});
