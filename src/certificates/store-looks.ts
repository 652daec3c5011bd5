import { join } from 'node:path';
import { z } from 'zod';
import { readFileBounded, writeFileDurable } from '../lib/files.ts';
import { inTurn } from '../lib/in-turn.ts';
import { LOOK_HOLD, type LookHold } from './store-schema.ts';

/** What the whole store remembers about looks at the CAs and about runs. It may be lost at any time: CAs are asked again,
 * and the next run knows of none before it. */
export interface LookStore {
  /** By directory: CAs that are not asked for a while. */
  holds(): Promise<ReadonlyMap<string, LookHold>>;
  /** Only for the holder of the store's lock, as all that follows. */
  saveHold(directoryUrl: string, hold: LookHold): Promise<void>;
  removeHold(directoryUrl: string): Promise<void>;
  /** When a cron last started the program. */
  ranAt(): Promise<Date | undefined>;
  saveRun(at: Date): Promise<void>;
}

const LARGEST_FILE = 256 * 1024;
/** CAs change seldom; those of years ago go. */
const MOST_CAS = 50;

const FILE = z.object({
  ranAt: z.coerce.date().optional(),
  holds: z.array(z.object({ directoryUrl: z.string().max(2048), hold: LOOK_HOLD })).max(MOST_CAS),
});
type Looks = z.infer<typeof FILE>;

export function openLookStore(directory: string): LookStore {
  const path = join(directory, 'renewal.json');
  const read = async (): Promise<Looks> => {
    const text = await readFileBounded(path, LARGEST_FILE).catch(() => undefined);
    return text === undefined ? { holds: [] } : readable(text.toString());
  };
  const turn = inTurn();
  // CAs are asked side by side: each change begins with what the one before it wrote.
  const change = (part: (before: Looks) => Partial<Looks>): Promise<void> =>
    turn(async () => {
      const before = await read();
      await writeFileDurable(path, `${JSON.stringify({ ...before, ...part(before) }, null, 2)}\n`);
    });
  const without = ({ holds }: Looks, directoryUrl: string): Looks['holds'] =>
    holds.filter((each) => each.directoryUrl !== directoryUrl);
  return {
    holds: async () => new Map((await read()).holds.map(({ directoryUrl, hold }) => [directoryUrl, hold])),
    saveHold: (directoryUrl, hold) =>
      change((before) => ({
        holds: [...without(before, directoryUrl), { directoryUrl, hold }].slice(-MOST_CAS),
      })),
    removeHold: (directoryUrl) => change((before) => ({ holds: without(before, directoryUrl) })),
    ranAt: async () => (await read()).ranAt,
    saveRun: (ranAt) => change(() => ({ ranAt })),
  };
}

function readable(text: string): Looks {
  try {
    return FILE.parse(JSON.parse(text));
  } catch {
    return { holds: [] };
  }
}
