import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { changeFiles } from '../../src/delivery/directory-change.ts';
import { prepareDirectory, readDirectory } from '../../src/delivery/directory-files.ts';
import { unprovenChanges } from '../../src/delivery/directory-record.ts';
import { mapBounded } from '../../src/lib/parallel.ts';
import { makeBundle } from '../support/bundles.ts';
import { deliveryOf } from '../support/directory.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const CHILD = resolve(import.meta.dirname, '../support/killed-delivery.ts');
const directory = temporaryDirectory();
const OPTIONS = { mode: 0o600, now: new Date('2026-11-22T10:00:00Z') };
const DEFAULT = makeBundle({ selfSigned: true }).pem;
const [OLD, RENEWED, OTHER] = [
  makeBundle(),
  makeBundle({ key: 'second' }),
  makeBundle({ names: ['b.example.com'] }),
];
const PUT = [
  { file: 'a.pem', bundle: RENEWED.bundle },
  { file: 'b.pem', bundle: OTHER.bundle },
];

/** A directory in which a.pem holds the old bundle and c.pem is about to be removed. */
async function prepared(path: string): Promise<string> {
  mkdirSync(path, { recursive: true });
  await prepareDirectory(path, DEFAULT, OPTIONS);
  for (const file of ['a.pem', 'c.pem']) writeFileSync(join(path, 'certs', file), OLD.pem);
  return path;
}

const certs = (path: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(join(path, 'certs'))
      .sort()
      .map((file) => [file, readFileSync(join(path, 'certs', file), 'utf8')]),
  );

describe('changeFiles() without space', () => {
  it('changes nothing on a disk that is full while the second of two files is staged', async (context) => {
    const path = join(directory.path, 'full');
    mkdirSync(path);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', path]).status !== 0)
      return context.skip('mounting a small file system is not allowed here');
    try {
      await prepared(path);
      spawnSync('sh', ['-c', `cat /dev/zero > "${path}/fill"; truncate -s -6000 "${path}/fill"`]);

      const failure = await changeFiles(path, { put: PUT, remove: ['c.pem'] }, OPTIONS).catch(
        (error) => error,
      );

      expect(failure).toMatchObject({
        code: 'DIRECTORY_UNUSABLE',
        message: expect.stringContaining('ENOSPC'),
      });
      expect(certs(path)).toEqual({ 'a.pem': OLD.pem, 'c.pem': OLD.pem });
      expect(readdirSync(join(path, 'staging'))).toEqual([]);
      rmSync(join(path, 'fill'));
      await changeFiles(path, { put: PUT, remove: ['c.pem'] }, OPTIONS);
      expect(Object.keys(certs(path))).toEqual(['a.pem', 'b.pem']);
    } finally {
      execFileSync('umount', [path]);
    }
  });

  it('changes nothing where a file may not become as long as a bundle', async () => {
    const path = await prepared(join(directory.path, 'short'));
    const killed = JSON.stringify({ delivery: deliveryOf(path, PUT), balancers: [] });

    // No file may become longer than 2 blocks of 512 bytes.
    const run = spawnSync('sh', ['-c', 'ulimit -f 2; exec "$0" "$@"', process.execPath, CHILD, killed], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
    });

    expect(run.stderr).toContain('EFBIG');
    expect(certs(path)).toEqual({ 'a.pem': OLD.pem, 'c.pem': OLD.pem });
    expect(readdirSync(join(path, 'staging'))).toEqual([]);
  });
});

describe('changeFiles() killed', () => {
  it('before any step leaves whole files, loses nothing, and is finished by the next run', async () => {
    const steps = Array.from({ length: 60 }, (_, index) => index + 1);
    let last = 0;
    await mapBounded(steps, 2, async (beforeCall) => {
      if (last > 0 && beforeCall > last) return;
      const path = await prepared(join(directory.path, String(beforeCall)));
      const delivery = deliveryOf(path, PUT, { remove: ['c.pem'] });

      const isKilled = await kill({ delivery, balancers: [], beforeCall });

      const { files } = await readDirectory(path);
      expect(files.map(({ content }) => content.kind)).toEqual(files.map(() => 'certificate'));
      expect(files.map(({ file }) => file)).toContain('a.pem');
      expect(files.filter(({ file }) => !/^[abc]\.pem$/.test(file))).toEqual([]);
      await changeFiles(path, delivery, OPTIONS);
      expect(certs(path)).toEqual({ 'a.pem': RENEWED.bundle.pem, 'b.pem': OTHER.bundle.pem });
      const kept = await unprovenChanges(path);
      expect(kept.map(({ file }) => file).sort()).toEqual(['a.pem', 'b.pem', 'c.pem']);
      for (const { file, kept: name } of kept) {
        const former = name === undefined ? undefined : readFileSync(join(path, 'replaced', name), 'utf8');
        expect(former).toBe(file === 'b.pem' ? undefined : OLD.pem);
      }
      expect(readdirSync(join(path, 'staging'))).toEqual(['delivery.json']);
      if (!isKilled) last = last === 0 ? beforeCall : Math.min(last, beforeCall);
    });

    // It came to its end by itself only when there was no step left to be killed at.
    expect(last).toBeGreaterThan(15);
  });
});

describe('changeFiles() of two programs at once', () => {
  it('lets nothing but whole bundles be seen, and one that was disturbed changes nothing and says so', async () => {
    const path = await prepared(join(directory.path, 'shared'));
    const bundles = [OLD.bundle, RENEWED.bundle];
    const expected = bundles.map(({ pem }) => pem);
    let isOver = false;
    const seen = new Set<string>();
    const look = async (): Promise<void> => {
      while (!isOver) {
        for (const text of Object.values(certs(path))) seen.add(text);
        await setImmediate();
      }
    };
    const looking = look();

    const rounds = await Promise.all(
      bundles.map(async (bundle) => {
        const ends: unknown[] = [];
        for (let round = 0; round < 25; round += 1) {
          const put = [{ file: 'a.pem', bundle }];
          ends.push(await changeFiles(path, { put, remove: [] }, OPTIONS).catch((error) => error.code));
        }
        return ends;
      }),
    );
    isOver = true;
    await looking;

    const ends = rounds.flat();
    expect(ends.filter((end) => !Array.isArray(end) && end !== 'DIRECTORY_UNUSABLE')).toEqual([]);
    expect(ends.some(Array.isArray)).toBe(true);
    expect([...seen].filter((text) => !expected.includes(text))).toEqual([]);
    expect(Object.keys(certs(path))).toEqual(['a.pem', 'c.pem']);
  });
});

async function kill(killed: unknown): Promise<boolean> {
  const child = spawn(process.execPath, [CHILD, JSON.stringify(killed)], { stdio: 'ignore' });
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`The delivery ended with ${code}`);
  return signal === 'SIGKILL';
}
