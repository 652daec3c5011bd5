import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ensureDirectory,
  readFileBounded,
  removeFile,
  removeTemporaryFiles,
  writeFileDurable,
} from '../lib/files.ts';
import type { OpenOptions } from './store.ts';

/** Answers of running challenges, one file a token, so that every instance that shares the store can answer
 * (RFC 8555 8.3: the CA asks from several places at once and may reach any instance). */
export interface ChallengeStore {
  present(token: string, answer: string): Promise<void>;
  answer(token: string): Promise<string | undefined>;
  remove(token: string): Promise<void>;
  /** Removes answers that a killed pass left behind. Only for the holder of the store's lock. */
  sweep(nowMs: number): Promise<void>;
}

/** The token grammar of RFC 8555 8.3 (base64url, 128 bits or more), bounded; it also keeps paths harmless. */
const TOKEN = /^[A-Za-z0-9_-]{16,128}$/;
const LARGEST_ANSWER = 1024;
/** No CA takes longer than this over one challenge. */
const LEFTOVER_AGE_MS = 24 * 60 * 60 * 1000;

/** @throws STORE_UNUSABLE */
export async function openChallengeStore(
  directory: string,
  { readOnly = false }: OpenOptions = {},
): Promise<ChallengeStore> {
  const home = join(directory, 'challenges');
  if (!readOnly) for (const path of [directory, home]) await ensureDirectory(path);
  const pathOf = (token: string): string | undefined => (TOKEN.test(token) ? join(home, token) : undefined);
  return {
    async present(token, answer) {
      const path = pathOf(token);
      if (path === undefined) throw new Error(`The token "${token.slice(0, 40)}" is none by RFC 8555`);
      await writeFileDurable(path, answer);
    },
    async answer(token) {
      const path = pathOf(token);
      return path === undefined ? undefined : (await readFileBounded(path, LARGEST_ANSWER))?.toString();
    },
    async remove(token) {
      const path = pathOf(token);
      if (path !== undefined) await removeFile(path);
    },
    async sweep(nowMs) {
      await removeTemporaryFiles(home);
      for (const name of await readdir(home).catch(() => [])) {
        const path = pathOf(name);
        if (path === undefined) continue;
        const age =
          nowMs -
          (await stat(path).then(
            (found) => found.mtimeMs,
            () => nowMs,
          ));
        if (age > LEFTOVER_AGE_MS) await removeFile(path);
      }
    },
  };
}
