import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CertathonError } from './errors.ts';

/** What a crash may leave behind: `NAME.<12 hex digits>.tmp`. */
const TEMPORARY = /\.[0-9a-f]{12}\.tmp$/;

/** Replaces a file so that a reader, and a crash at any moment, meets the old content or the new, whole.
 * The temporary file lies beside the target, because a rename is atomic only inside one file system; file
 * and directory are synced, so that a power cut does not bring back the old name or an empty file.
 *
 * Not write-file-atomic: it calls write(2) once and ignores how much was written, so on a full disk it
 * renames a cut-off file over the good one. FileHandle.writeFile goes on until all is written, or throws.
 * @param mode permissions of the file, whatever the umask is
 * @throws STORE_UNUSABLE */
export async function writeFileDurable(
  path: string,
  data: string | Uint8Array | Iterable<string>,
  mode = 0o600,
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    // wx: never through a link or into a file that someone else put there.
    const file = await open(temporary, 'wx', mode);
    try {
      await file.chmod(mode);
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw unusable('write', path, error);
  }
}

/** Reads a whole file. @returns undefined when there is none
 * @throws STORE_UNUSABLE when it can not be read, is no plain file, or is larger than `maxBytes` */
export async function readFileBounded(path: string, maxBytes: number): Promise<Buffer | undefined> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat().then((found) => {
        if (!found.isFile()) throw new Error('it is no plain file');
        return found;
      });
      if (size > maxBytes) throw new Error(`it has ${size} bytes, more than the ${maxBytes} allowed`);
      return await readUpTo(file, size, maxBytes);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw unusable('read', path, error);
  }
}

/** Makes sure that a directory exists, with its parents; a new one gets `mode` whatever the umask is.
 * @throws STORE_UNUSABLE */
export async function ensureDirectory(path: string, mode = 0o700): Promise<void> {
  try {
    const first = await mkdir(path, { recursive: true, mode });
    if (first === undefined && !(await stat(path)).isDirectory()) throw new Error('it is no directory');
  } catch (error) {
    throw unusable('create', path, error);
  }
}

/** Removes a file, if it is there. @throws STORE_UNUSABLE */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true }).catch((error: unknown) => {
    throw unusable('remove', path, error);
  });
}

/** Removes what writes that were cut off by a crash left in a directory. Only for the holder of its lock.
 * @returns the names removed @throws STORE_UNUSABLE */
export async function removeTemporaryFiles(directory: string): Promise<string[]> {
  try {
    const left = (await readdir(directory)).filter((name) => TEMPORARY.test(name));
    for (const name of left) await rm(join(directory, name), { force: true });
    return left;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw unusable('clean', directory, error);
  }
}

async function readUpTo(file: Awaited<ReturnType<typeof open>>, size: number, maxBytes: number) {
  // One byte more than stated shows a file that grows while it is read.
  const buffer = Buffer.alloc(size + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  if (length > size || length > maxBytes) throw new Error('it grew while it was read');
  return buffer.subarray(0, length);
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } catch (error) {
    // Some network file systems know no fsync of a directory; the rename is all they offer.
    if (errnoOf(error) !== 'EINVAL' && errnoOf(error) !== 'ENOTSUP') throw error;
  } finally {
    await directory.close();
  }
}

const PLAIN_WORDS: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file-size limit of this process is reached',
  EROFS: 'the file system is read-only',
  EACCES: 'this user has no permission',
  EPERM: 'this user has no permission',
  ENOENT: 'the directory does not exist',
  ENOTDIR: 'a part of the path is no directory',
  EISDIR: 'it is a directory',
  EEXIST: 'something else is in its place',
  EMFILE: 'this process has too many open files',
  EIO: 'the disk reported an error',
  ESTALE: 'the network file system lost the file',
};

function unusable(action: string, path: string, error: unknown): CertathonError {
  const errno = errnoOf(error);
  const words =
    errno === undefined ? (error as Error).message : `${PLAIN_WORDS[errno] ?? 'failed'} (${errno})`;
  return new CertathonError('STORE_UNUSABLE', `Cannot ${action} ${path}: ${words}`, {
    cause: error,
    facts: { path, file: basename(path), ...(errno === undefined ? {} : { errno }) },
  });
}

function errnoOf(error: unknown): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}
