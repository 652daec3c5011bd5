import { randomBytes } from 'node:crypto';
import { link, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { CertathonError, describeError } from './errors.ts';

/** Writes a file for its owner alone (0600), whole or not at all. Never through a link, and over what is there only
 * when that is allowed.
 * @throws CONFIG_INVALID when something is there, or the place can not be written */
export async function writeSecretFile(
  path: string,
  data: string | Uint8Array,
  { overwrite }: { overwrite: boolean },
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const found = await lstat(path).catch(() => undefined);
    if (found !== undefined && !found.isFile())
      throw new CertathonError('CONFIG_INVALID', `${path} is no plain file, so nothing is written there`);
    if (found !== undefined && !overwrite)
      throw new CertathonError(
        'CONFIG_INVALID',
        `${path} is there already: add --overwrite, or choose another place`,
      );
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.chmod(0o600);
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    // link() fails where something came in between; rename() takes the place of a link, and does not follow it.
    if (overwrite) await rename(temporary, path);
    else await link(temporary, path);
  } catch (error) {
    if (error instanceof CertathonError) throw error;
    throw new CertathonError('CONFIG_INVALID', `${path} can not be written: ${describeError(error)}`, {
      cause: error,
    });
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** Does a path stand for a directory? One that ends in a slash is made, for its owner alone.
 * @throws CONFIG_INVALID when it can not be made, or is a link */
export async function isDirectoryPath(path: string): Promise<boolean> {
  const bare = path.replace(/(?<=.)\/+$/, '');
  const found = await lstat(bare).catch(() => undefined);
  if (found?.isSymbolicLink())
    throw new CertathonError('CONFIG_INVALID', `${bare} is a link, so nothing is written there`);
  if (found !== undefined || !path.endsWith('/')) return found?.isDirectory() === true;
  await mkdir(bare, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new CertathonError('CONFIG_INVALID', `${bare} can not be made: ${describeError(cause)}`, { cause });
  });
  return true;
}
