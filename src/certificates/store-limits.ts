import { join } from 'node:path';
import { describeError } from '../lib/errors.ts';
import { ensureDirectory, readFileBounded, writeFileDurable } from '../lib/files.ts';
import type { Log } from '../lib/log.ts';
import { LIMITS_STATE, type LimitsState } from './limits/state.ts';
import { accountHome } from './store-accounts.ts';
import { parseStored } from './store-schema.ts';

/** What was used of the limits of one CA, beside the account there. */
export interface LimitsStore {
  /** Damage is no reason to stop: without it orders are only refused by the CA instead of by us. */
  read(): Promise<LimitsState | undefined>;
  /** @throws STORE_UNUSABLE */
  write(state: LimitsState): Promise<void>;
}

const LARGEST_FILE = 16 * 1024 * 1024;

export function openLimitsStore(directory: string, directoryUrl: string, log: Log): LimitsStore {
  const home = accountHome(directory, directoryUrl);
  const file = join(home, 'limits.json');
  return {
    async read() {
      try {
        const text = await readFileBounded(file, LARGEST_FILE);
        return text === undefined ? undefined : parseStored(file, text.toString(), LIMITS_STATE);
      } catch (error) {
        log.warn('store.written', { file, problem: describeError(error) });
        return undefined;
      }
    },
    async write(state) {
      for (const path of [directory, join(directory, 'accounts'), home]) await ensureDirectory(path);
      await writeFileDurable(file, `${JSON.stringify(state)}\n`);
    },
  };
}
