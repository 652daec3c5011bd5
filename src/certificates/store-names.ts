import { join } from 'node:path';
import { z } from 'zod';
import { readFileBounded, writeFileDurable } from '../lib/files.ts';
import { inTurn } from '../lib/in-turn.ts';
import type { Hold } from './model.ts';
import type { NameHolds } from './set-aside.ts';
import { HOLD, parseStored } from './store-schema.ts';

/** Names that failed, whichever certificates they are of: names move between certificates. */
export interface NameStore {
  /** @throws STORE_UNUSABLE */
  list(): Promise<NameHolds>;
  /** Changes some, undefined forgets. Changes side by side come one after the other. Only for the holder of the
   * store's lock. */
  change(changes: ReadonlyMap<string, Hold | undefined>, now: Date): Promise<void>;
}

const LARGEST_FILE = 16 * 1024 * 1024;
const MOST_NAMES = 20_000;
/** One that nobody has tried again for so long is wanted no more. */
const FORGOTTEN_MS = 60 * 86_400_000;
const FILE = z.object({ names: z.record(z.string().max(300), HOLD) });

export function openNameStore(directory: string): NameStore {
  const path = join(directory, 'names.json');
  const turn = inTurn();
  const list = async (): Promise<Map<string, Hold>> => {
    const text = await readFileBounded(path, LARGEST_FILE);
    if (text === undefined) return new Map();
    return new Map(Object.entries(parseStored(path, text.toString(), FILE).names));
  };
  return {
    list,
    change: (changes, now) =>
      turn(async () => {
        const names = await list();
        for (const [name, hold] of changes)
          if (hold === undefined) names.delete(name);
          else names.set(name, hold);
        for (const [name, { until, isPaused }] of names)
          if (isPaused !== true && now.getTime() - until.getTime() > FORGOTTEN_MS) names.delete(name);
        const kept = Object.fromEntries([...names].slice(-MOST_NAMES));
        await writeFileDurable(path, `${JSON.stringify({ names: kept }, null, 2)}\n`);
      }),
  };
}
