import { randomBytes } from 'node:crypto';
import { copyFile, link, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CertathonError } from '../lib/errors.ts';
import { readFileBounded, removeTemporaryFiles, writeFileDurable } from '../lib/files.ts';
import { type Bundle, parseBundle } from './bundle.ts';
import { faultForHaproxy, readBundleFile, usable } from './directory-files.ts';
import { isBundleFile, isFileName, keptName, overdueNames, placesIn } from './directory-layout.ts';
import { exists, type FileChange, recordChanges, unprovenChanges } from './directory-record.ts';

export interface WantedFiles {
  put: readonly { file: string; bundle: Bundle }[];
  remove: readonly string[];
}

const KEEP_OF_EACH = 3;
const KEEP_RECORDED = 1_000;

/** Brings finished bundles into certs/ and takes files out of it. All are written and read back beside it before the
 * first is renamed into it, so a full disk or a cut-off write changes nothing; what was there is kept in replaced/.
 * Files that hold what is wanted already are left alone, so it may be repeated and may follow a crash at any line.
 * @returns every change that is not proven yet, also those of a run that was cut off
 * @throws DIRECTORY_UNUSABLE */
export async function changeFiles(
  root: string,
  wanted: WantedFiles,
  { mode, now }: { mode: number; now: Date },
): Promise<FileChange[]> {
  const places = placesIn(root);
  for (const { file } of wanted.put) requireName(file, isBundleFile);
  for (const file of wanted.remove) requireName(file, isFileName);
  await usable('clean', places.staging, () => removeTemporaryFiles(places.staging));
  const earlier = await unprovenChanges(root);
  const staged = await stageAll(root, wanted, mode);
  const gone = await asyncFilter(wanted.remove, (file) => exists(join(places.certs, file)));
  if (staged.length === 0 && gone.length === 0) return earlier;

  const moves: (FileChange & { staged?: string })[] = [];
  for (const { file, staged: path, fingerprint } of staged) {
    const isThere = await exists(join(places.certs, file));
    moves.push({ file, put: fingerprint, kept: isThere ? newKeptName(file, now) : undefined, staged: path });
  }
  for (const file of gone) moves.push({ file, put: undefined, kept: newKeptName(file, now) });

  const changes = merged(earlier, moves);
  await recordChanges(root, changes);
  for (const move of moves) await carryOut(root, move);
  await syncDirectories(places.certs, places.replaced);
  await prune(root, changes);
  return changes;
}

/** Puts back what was in certs/ before, or takes a new file out again where nothing was there that HAProxy could load.
 * @returns the files that hold their former content, and those that are gone
 * @throws DIRECTORY_UNUSABLE */
export async function putBackFiles(
  root: string,
  changes: readonly FileChange[],
  now: Date,
): Promise<{ restored: string[]; removed: string[] }> {
  const { certs, replaced } = placesIn(root);
  const [restored, removed]: [string[], string[]] = [[], []];
  for (const { file, put, kept } of changes) {
    const target = join(certs, file);
    if (await isOvertaken(target, put)) continue;
    const former = kept === undefined ? undefined : await readBundleFile(join(replaced, kept));
    if (kept !== undefined && former?.kind === 'certificate') {
      if (put !== undefined) await keep(target, join(replaced, newKeptName(file, now)));
      await usable('put back', target, () => rename(join(replaced, kept), target));
      restored.push(file);
    } else if (put !== undefined) {
      await usable('take away', target, () => rename(target, join(replaced, newKeptName(file, now))));
      removed.push(file);
    }
  }
  await syncDirectories(certs, replaced);
  return { restored, removed };
}

/** Has somebody else put something where ours was put or taken away, or taken ours out? That is left alone. */
async function isOvertaken(target: string, put: string | undefined): Promise<boolean> {
  const content = await readBundleFile(target);
  if (put === undefined) return content !== undefined;
  return content === undefined || (content.kind === 'certificate' && content.facts.fingerprint !== put);
}

/** Writes a bundle where HAProxy does not look and has it written through to the disk.
 * @returns the path of the staged file */
export async function stageBundle(root: string, file: string, bundle: Bundle, mode: number): Promise<string> {
  const path = join(placesIn(root).staging, `${file}.${newId()}.tmp`);
  await usable('write', path, () => writeFileDurable(path, bundle.pem, mode));
  return path;
}

/** Reads a staged file again and compares: a network file system may report success and have written half.
 * @throws DIRECTORY_UNUSABLE when it is not the whole bundle, or one that HAProxy would refuse */
export async function checkStaged(path: string, bundle: Bundle): Promise<void> {
  const found = await usable('read', path, () => readFileBounded(path, bundle.pem.length + 1));
  const text = found?.toString('utf8') ?? '';
  const parsed = parseBundle(text);
  const fault = !parsed.ok
    ? parsed.problem
    : parsed.bundle.facts.fingerprint !== bundle.facts.fingerprint || text !== bundle.pem
      ? 'it is not what was written'
      : faultForHaproxy(text);
  if (fault === undefined) return;
  const message = `${path} was written, but read back ${fault}; nothing was changed`;
  throw new CertathonError('DIRECTORY_UNUSABLE', message, { facts: { path } });
}

/** Stages what certs/ does not hold yet; after a failure nothing is left of it. */
async function stageAll(root: string, { put }: WantedFiles, mode: number) {
  const { certs, staging } = placesIn(root);
  const staged: { file: string; staged: string; fingerprint: string }[] = [];
  try {
    for (const { file, bundle } of put) {
      if (await holds(join(certs, file), bundle)) continue;
      const path = await stageBundle(root, file, bundle, mode);
      staged.push({ file, staged: path, fingerprint: bundle.facts.fingerprint });
      await checkStaged(path, bundle);
    }
    return staged;
  } catch (error) {
    await removeTemporaryFiles(staging).catch(() => undefined);
    throw error;
  }
}

/** The same leaf has the same key, whatever its spelling; the chain must be the same too. */
async function holds(path: string, bundle: Bundle): Promise<boolean> {
  const content = await readBundleFile(path);
  return content?.kind === 'certificate' && certificatesOf(content.pem) === certificatesOf(bundle.pem);
}

function certificatesOf(pem: string): string {
  return pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END/g)?.join() ?? '';
}

/** A change upon one that was never proven goes back to what was there before both. */
function merged(earlier: readonly FileChange[], moves: readonly FileChange[]): FileChange[] {
  const before = new Map(earlier.map((change) => [change.file, change]));
  const now = moves.map(({ file, put, kept }) => {
    const first = before.get(file);
    before.delete(file);
    return { file, put, kept: first === undefined ? kept : first.kept };
  });
  return [...before.values(), ...now].slice(-KEEP_RECORDED);
}

async function carryOut(root: string, move: FileChange & { staged?: string }): Promise<void> {
  const { certs, replaced } = placesIn(root);
  const target = join(certs, move.file);
  const { staged, kept } = move;
  if (staged === undefined) {
    await usable('take away', target, () => rename(target, join(replaced, kept ?? newId())));
    return;
  }
  if (kept !== undefined) await keep(target, join(replaced, kept));
  // Over a link this replaces the link and leaves alone what it points to.
  await usable('put', target, () => rename(staged, target));
}

/** A second name for a file, so that the first is never without content. */
async function keep(path: string, kept: string): Promise<void> {
  await usable('keep', path, async () => {
    try {
      await link(path, kept);
    } catch {
      // Some network file systems know no hard links.
      await copyFile(path, kept);
    }
  });
}

async function prune(root: string, changes: readonly FileChange[]): Promise<void> {
  const { replaced } = placesIn(root);
  const needed = new Set(changes.map(({ kept }) => kept));
  await usable('clean', replaced, async () => {
    for (const name of overdueNames(await readdir(replaced), KEEP_OF_EACH)) {
      if (!needed.has(name)) await rm(join(replaced, name), { force: true });
    }
  });
}

async function syncDirectories(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await usable('sync', path, async () => {
      const directory = await open(path, 'r');
      try {
        await directory.sync();
      } catch (error) {
        const { code } = error as { code?: unknown };
        if (code !== 'EINVAL' && code !== 'ENOTSUP') throw error;
      } finally {
        await directory.close();
      }
    });
  }
}

function requireName(file: string, isName: (file: string) => boolean): void {
  if (isName(file)) return;
  throw new CertathonError('DIRECTORY_UNUSABLE', `${JSON.stringify(file)} is no name of a bundle file`);
}

const newId = (): string => randomBytes(6).toString('hex');
const newKeptName = (file: string, now: Date): string => keptName(file, now, newId());

async function asyncFilter<T>(items: readonly T[], is: (item: T) => Promise<boolean>): Promise<T[]> {
  const kept: T[] = [];
  for (const item of items) if (await is(item)) kept.push(item);
  return kept;
}
