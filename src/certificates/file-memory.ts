import { join } from 'node:path';
import type { CertificateFacts } from '../delivery/bundle.ts';
import type { FactsMemory, FileMark } from '../delivery/directory-scan.ts';
import { readLines, writeLines } from '../lib/kept-lines.ts';
import { factsIn, type KeptFacts, keptFacts } from './kept-facts.ts';

/** The facts of certificates in files that have not been changed since they were read: with thousands of them,
 * reading and checking each at every look would take seconds. Holds no key. May be lost at any time. */
export interface FileMemory extends FactsMemory {
  /** @param known facts of certificates that are in memory already, by fingerprint: no second copy is made */
  load(known: (fingerprint: string) => CertificateFacts | undefined): Promise<void>;
  /** Forgets files that were not asked for since the last time, and writes the rest. */
  save(): Promise<void>;
}

const LARGEST = 256 * 1024 * 1024;
/** A file changed within one tick of the clock of a file system looks like the one before. */
const YOUNG_MS = 2_500;
/** The first line of the file; another version of it is read from the bundles again. */
const HEAD = '"files 3"';

/** @param isReadOnly writes nothing */
export function openFileMemory(
  directory: string,
  { nowMs, isReadOnly }: { nowMs: () => number; isReadOnly: boolean },
): FileMemory {
  const path = join(directory, 'files.jsonl');
  const known = new Map<string, { mark: FileMark; facts: CertificateFacts }>();
  const asked = new Set<string>();
  let [isLoaded, isChanged] = [false, false];
  let sameAs: Stored = () => undefined;
  return {
    async load(stored) {
      sameAs = stored;
      if (isLoaded) return;
      isLoaded = true;
      let isHead = true;
      await readLines(path, LARGEST, (line) => {
        if (isHead && line !== HEAD) throw new Error('It is of another version');
        if (!isHead) {
          const { file, mark, facts } = entryIn(line, sameAs);
          if (facts !== undefined) known.set(file, { mark, facts });
        }
        isHead = false;
      }).catch(() => known.clear());
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
      await writeLines(path, linesOf(known, sameAs));
      isChanged = false;
    },
  };
}

type Stored = (fingerprint: string) => CertificateFacts | undefined;

/** Name, size, time of the change, inode, facts; of a stored certificate its fingerprint alone. */
type KeptFile = [string, number, number, number, KeptFacts | string];

function* linesOf(known: ReadonlyMap<string, { mark: FileMark; facts: CertificateFacts }>, stored: Stored) {
  yield HEAD;
  for (const [file, { mark, facts }] of known) {
    const { size, changedMs, inode } = mark;
    const kept = stored(facts.fingerprint) === undefined ? keptFacts(facts) : facts.fingerprint;
    yield JSON.stringify([file, size, changedMs, inode, kept] satisfies KeptFile);
  }
}

/** @returns facts undefined for a certificate that is not stored any more: the file is read again
 * @throws Error when it is no line of ours */
function entryIn(
  line: string,
  stored: Stored,
): { file: string; mark: FileMark; facts: CertificateFacts | undefined } {
  const [file, size, changedMs, inode, kept] = JSON.parse(line) as unknown[];
  if (
    typeof file !== 'string' ||
    typeof size !== 'number' ||
    typeof changedMs !== 'number' ||
    typeof inode !== 'number'
  )
    throw new Error('It is no line of ours');
  const mark = { size, changedMs, inode };
  if (typeof kept === 'string') return { file, mark, facts: stored(kept) };
  const facts = factsIn(kept);
  return { file, mark, facts: stored(facts.fingerprint) ?? facts };
}
