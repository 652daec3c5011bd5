import { join } from 'node:path';
import { z } from 'zod';
import type { CertificateFacts } from '../delivery/bundle.ts';
import type { FactsMemory, FileMark } from '../delivery/directory-scan.ts';
import { readFileBounded, writeFileDurable } from '../lib/files.ts';

/** The facts of certificates in files that have not been changed since they were read: with thousands of them,
 * reading and checking each at every look would take seconds. Holds no key. May be lost at any time. */
export interface FileMemory extends FactsMemory {
  load(): Promise<void>;
  /** Forgets files that were not asked for since the last time, and writes the rest. */
  save(): Promise<void>;
}

const LARGEST = 256 * 1024 * 1024;
/** A file changed within one tick of the clock of a file system looks like the one before. */
const YOUNG_MS = 2_500;

const date = z.iso.datetime().transform((text) => new Date(text));
const MEMORY = z.object({
  version: z.literal(1),
  files: z.array(
    z.object({
      path: z.string(),
      mark: z.object({ size: z.number(), changedMs: z.number(), inode: z.number() }),
      facts: z.object({
        names: z.array(z.string()),
        fingerprint: z.string(),
        issuer: z.string(),
        notBefore: date,
        notAfter: date,
        selfSigned: z.boolean(),
      }),
    }),
  ),
});

/** @param isReadOnly writes nothing */
export function openFileMemory(
  directory: string,
  { nowMs, isReadOnly }: { nowMs: () => number; isReadOnly: boolean },
): FileMemory {
  const path = join(directory, 'files.json');
  const known = new Map<string, { mark: FileMark; facts: CertificateFacts }>();
  const asked = new Set<string>();
  let [isLoaded, isChanged] = [false, false];
  return {
    async load() {
      if (isLoaded) return;
      isLoaded = true;
      const text = await readFileBounded(path, LARGEST).catch(() => undefined);
      if (text === undefined) return;
      try {
        for (const { path: file, mark, facts } of MEMORY.parse(JSON.parse(text.toString())).files)
          known.set(file, { mark, facts });
      } catch {
        // It is read from the files again.
      }
    },
    get(file, { size, changedMs, inode }) {
      const found = known.get(file);
      if (found === undefined) return undefined;
      const { mark, facts } = found;
      if (mark.size !== size || mark.changedMs !== changedMs || mark.inode !== inode) return undefined;
      asked.add(file);
      return facts;
    },
    set(file, mark, facts) {
      if (Math.abs(nowMs() - mark.changedMs) < YOUNG_MS) return;
      known.set(file, { mark, facts });
      asked.add(file);
      isChanged = true;
    },
    async save() {
      const gone = [...known.keys()].filter((file) => !asked.has(file));
      for (const file of gone) known.delete(file);
      asked.clear();
      if (isReadOnly || (!isChanged && gone.length === 0)) return;
      const files = [...known].map(([file, { mark, facts }]) => ({ path: file, mark, facts }));
      await writeFileDurable(path, JSON.stringify({ version: 1, files }));
      isChanged = false;
    },
  };
}
