import { createPrivateKey, randomBytes } from 'node:crypto';
import { access, constants, lstat, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CertathonError } from '../lib/errors.ts';
import { ensureDirectory, readFileBounded, writeFileDurable } from '../lib/files.ts';
import { mapBounded } from '../lib/parallel.ts';
import { parseBundle } from './bundle.ts';
import { isLoaded, keptName, placesIn } from './directory-layout.ts';
import type { VariableContent } from './variable.ts';

/** What HAProxy would load from a shared directory. Holds private keys: never log or print it. */
export interface DirectoryContent {
  /** Everything is there that a delivery needs; else `prepareDirectory()` first. */
  isPrepared: boolean;
  /** What it needs and is not there, as paths below the directory. */
  missing: string[];
  /** Plain files of certs/ and links to some, by name. */
  files: DirectoryFile[];
}

export interface DirectoryFile {
  file: string;
  content: VariableContent;
}

export interface FileFacts {
  file: string;
  names: string[];
  fingerprint: string;
}

const MOST_FILES = 20_000;
/** Files looked at at once. */
export const PARALLEL = 32;
const LARGEST_FILE = 256 * 1024;
const SHORTEST_RSA_BITS = 2048;

/** Reads a shared directory as HAProxy would: every plain file in certs/, whoever put it there, in any order of
 * blocks.
 * @throws DIRECTORY_UNUSABLE when it is not there, can not be read, or holds too many files */
export async function readDirectory(path: string): Promise<DirectoryContent> {
  const missing = await missingIn(path);
  const files = missing.includes('certs/') ? [] : await loadedFiles(placesIn(path).certs);
  return { isPrepared: missing.length === 0, missing, files };
}

/** What a delivery needs and is not there, as paths below the directory. */
export async function missingIn(path: string): Promise<string[]> {
  const places = placesIn(path);
  await requireRoot(path);
  const missing: string[] = [];
  for (const name of ['certs', 'staging'] as const) {
    if (!(await isDirectory(places[name]))) missing.push(`${name}/`);
  }
  if ((await faultOfDefault(places.defaultPem)) !== undefined) missing.push('default.pem');
  return missing;
}

/** The certificates in certs/, by file: facts that may be shown. @throws DIRECTORY_UNUSABLE */
export async function certificatesIn(path: string): Promise<FileFacts[]> {
  return certificatesAmong((await readDirectory(path)).files);
}

/** Those that hold a certificate which HAProxy can load. */
export function certificatesAmong(files: readonly DirectoryFile[]): FileFacts[] {
  return files.flatMap(({ file, content }) =>
    content.kind === 'certificate'
      ? [{ file, names: content.facts.names, fingerprint: content.facts.fingerprint }]
      : [],
  );
}

/** Makes what a delivery needs in a shared directory that exists; what is there already keeps its mode. A default
 * certificate that HAProxy could not load is moved away and replaced.
 * @param defaultPem a self-signed bundle   @param mode of default.pem
 * @throws DIRECTORY_UNUSABLE also when a rename could not bring a file from staging/ into certs/ */
export async function prepareDirectory(
  path: string,
  defaultPem: string,
  { mode, now }: { mode: number; now: Date },
): Promise<void> {
  const places = placesIn(path);
  await requireRoot(path);
  // A group that may read the files has to come by the directory too.
  const certsMode = (mode & 0o040) === 0 ? 0o700 : 0o750;
  await usable('create', places.certs, () => ensureDirectory(places.certs, certsMode));
  for (const each of [places.staging, places.replaced]) {
    await usable('create', each, () => ensureDirectory(each));
  }
  await requireOneFileSystem(path);
  const fault = await faultOfDefault(places.defaultPem);
  if (fault === undefined) return;
  if (fault !== 'missing') {
    const kept = join(places.replaced, keptName('default.pem', now, randomBytes(6).toString('hex')));
    await usable('replace', places.defaultPem, () => rename(places.defaultPem, kept));
  }
  await usable('write', places.defaultPem, () => writeFileDurable(places.defaultPem, defaultPem, mode));
}

/** Reads one file of certs/; undefined when there is none. What HAProxy could not load is `unreadable`. */
export async function readBundleFile(path: string): Promise<VariableContent | undefined> {
  let text: string | undefined;
  try {
    const seen = await statIfThere(path);
    // To open a pipe would wait for its other end.
    if (seen?.isFile() === false) return { kind: 'unreadable', problem: 'it is no plain file' };
    text = (await readFileBounded(path, LARGEST_FILE))?.toString('utf8');
  } catch (error) {
    if (!(error instanceof CertathonError)) throw asDirectoryError('read', path, error);
    const { facts, cause } = error;
    if (facts.errno === 'EACCES') return { kind: 'unreadable', problem: 'this user may not read it' };
    if (facts.errno !== undefined) throw asDirectoryError('read', path, error);
    return { kind: 'unreadable', problem: (cause as Error).message };
  }
  if (text === undefined) return undefined;
  if (text.trim() === '') return { kind: 'unreadable', problem: 'it is empty' };
  const parsed = parseBundle(text);
  if (!parsed.ok) return { kind: 'unreadable', problem: parsed.problem };
  const { facts, pem } = parsed.bundle;
  const fault = faultForHaproxy(pem);
  return fault === undefined ? { kind: 'certificate', facts, pem } : { kind: 'unreadable', problem: fault };
}

/** What keeps HAProxy from loading a bundle that is complete by itself; OpenSSL takes no shorter RSA key at the
 * security level that Debian sets. */
export function faultForHaproxy(pem: string): string | undefined {
  const key = createPrivateKey(/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END.*/.exec(pem)?.[0] ?? '');
  const bits = key.asymmetricKeyDetails?.modulusLength ?? SHORTEST_RSA_BITS;
  return bits < SHORTEST_RSA_BITS ? `its RSA key has ${bits} bits, which HAProxy refuses` : undefined;
}

/** A failure of the file system as DIRECTORY_UNUSABLE, naming what was tried on which path. */
export function asDirectoryError(action: string, path: string, error: unknown): CertathonError {
  const facts = { path, errno: (error as { code?: unknown }).code };
  if (error instanceof CertathonError)
    return new CertathonError('DIRECTORY_UNUSABLE', error.message, {
      cause: error.cause,
      facts: { path, ...error.facts },
    });
  const { message } = error as Error;
  return new CertathonError('DIRECTORY_UNUSABLE', `Cannot ${action} ${path}: ${message}`, {
    cause: error,
    facts,
  });
}

/** Runs one step on the file system. @throws DIRECTORY_UNUSABLE */
export async function usable<T>(action: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asDirectoryError(action, path, error);
  }
}

/** The directory itself is never made: in a container whose volume is not mounted, it would be a private one. */
async function requireRoot(path: string): Promise<void> {
  if (await isDirectory(path)) return;
  throw new CertathonError('DIRECTORY_UNUSABLE', `${path} is no directory that this user can read`, {
    facts: { path },
  });
}

/** The files of certs/ that HAProxy might load, by name. @throws DIRECTORY_UNUSABLE */
export async function loadedNames(certs: string): Promise<string[]> {
  const names = (await usable('read', certs, () => readdir(certs))).filter(isLoaded).sort();
  if (names.length <= MOST_FILES) return names;
  const message = `${certs} holds ${names.length} files, more than the ${MOST_FILES} that are read`;
  throw new CertathonError('DIRECTORY_UNUSABLE', message, { facts: { path: certs } });
}

async function loadedFiles(certs: string): Promise<DirectoryFile[]> {
  const found = await mapBounded(await loadedNames(certs), PARALLEL, async (file) => ({
    file,
    content: await contentIn(join(certs, file)),
  }));
  return found.flatMap(({ file, content }) => (content === undefined ? [] : [{ file, content }]));
}

/** @returns undefined for what HAProxy passes over: subdirectories, sockets and pipes */
export async function contentIn(path: string): Promise<VariableContent | undefined> {
  const seen = await usable('read', path, () => statIfThere(path));
  if (seen === undefined) {
    // HAProxy refuses its whole configuration for this; a file that has just gone is nothing.
    const isLink = (await lstat(path).catch(() => undefined))?.isSymbolicLink();
    return isLink ? { kind: 'unreadable', problem: 'it is a link to nothing' } : undefined;
  }
  return seen.isFile() ? readBundleFile(path) : undefined;
}

/** @returns why HAProxy could not load it, `missing` when there is none */
async function faultOfDefault(path: string): Promise<string | undefined> {
  const seen = await usable('read', path, () => statIfThere(path));
  if (seen === undefined) {
    const isLink = (await lstat(path).catch(() => undefined))?.isSymbolicLink();
    return isLink ? 'it is a link to nothing' : 'missing';
  }
  if (!seen.isFile()) return 'it is no plain file';
  const content = await readBundleFile(path);
  return content?.kind === 'unreadable' ? content.problem : undefined;
}

/** What a delivery would find out when it writes, without writing. @throws DIRECTORY_UNUSABLE */
export async function requireWritable(path: string): Promise<void> {
  const { certs, staging } = placesIn(path);
  for (const each of [certs, staging]) {
    await usable('write to', each, () => access(each, constants.W_OK | constants.X_OK));
  }
  await requireOneFileSystem(path);
}

async function requireOneFileSystem(path: string): Promise<void> {
  const { certs, staging, replaced } = placesIn(path);
  const [first, ...others] = await usable('read', path, () =>
    Promise.all([certs, staging, replaced].map((each) => stat(each))),
  );
  if (others.every(({ dev }) => dev === first?.dev)) return;
  throw new CertathonError(
    'DIRECTORY_UNUSABLE',
    `certs/, staging/ and replaced/ of ${path} are not on one file system, so no rename can bring a file in whole`,
    { facts: { path } },
  );
}

async function isDirectory(path: string): Promise<boolean> {
  return (await usable('read', path, () => statIfThere(path)))?.isDirectory() === true;
}

export async function statIfThere(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined;
    throw error;
  }
}
