import { lstat, opendir, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readFileBounded } from '../../lib/files.ts';
import type { TreeProblem } from './found-tree.ts';
import { faultOf, isMissing, placeOf } from './old-place.ts';

/** The directory of another program: only read, within bounds, and never left by a link. */
export interface OldTree {
  readonly path: string;
  /** What was there and could not be read; each once, and not more than can be looked through. */
  readonly problems: TreeProblem[];
  /** Files and directories, links followed; sorted. Empty when there is no such directory. */
  list(relative: string): Promise<OldEntry[]>;
  /** @param isNeeded that it is missing is a problem too */
  read(relative: string, isNeeded?: boolean): Promise<OldFile | undefined>;
  note(relative: string, message: string): void;
}

export interface OldEntry {
  name: string;
  isDirectory: boolean;
}

export interface OldFile {
  text: string;
  modifiedAt: Date;
}

/** Files and directories that are opened in one tree. */
const MOST_OPENED = 25_000;
/** In one directory. */
const MOST_NAMES = 50_000;
const LARGEST_FILE = 256 * 1024;
const MOST_BYTES = 128 * 1024 * 1024;
const MOST_PROBLEMS = 200;

/** Opens a directory for reading.
 * @param formerPath where its program knew it: absolute links to there are taken as links into this tree
 * @returns undefined when there is no such directory; one that this user may not enter is empty, with a problem */
export async function openTree(given: string, formerPath: string): Promise<OldTree | undefined> {
  const path = resolve(given);
  const problems: TreeProblem[] = [];
  const note = noteIn(path, problems);
  let root = path;
  try {
    root = await realpath(path);
    if (!(await lstat(root)).isDirectory()) return undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    note('', faultOf(error));
    return { path, problems, note, list: async () => [], read: async () => undefined };
  }
  const left = { opened: MOST_OPENED, bytes: MOST_BYTES };
  const isSpent = (): boolean => {
    left.opened -= 1;
    if (left.opened >= 0 && left.bytes >= 0) return false;
    note('', `it holds more than ${MOST_OPENED} files or ${MOST_BYTES} bytes; the rest was not read`);
    return true;
  };
  const placeIn = (relative: string) => placeOf(root, [root, path, formerPath], relative);

  const list = async (relative: string): Promise<OldEntry[]> => {
    const place = isSpent() ? undefined : await placeIn(relative);
    if (place?.at === 'fault') note(relative, place.fault);
    if (place?.at !== 'place' || !place.stats.isDirectory()) return [];
    const entries: OldEntry[] = [];
    try {
      for await (const entry of await opendir(place.path)) {
        const { name } = entry;
        const target = entry.isSymbolicLink() ? await placeIn(join(relative, name)) : undefined;
        if (target?.at === 'fault') note(join(relative, name), target.fault);
        else if (target?.at !== 'nothing')
          entries.push({ name, isDirectory: (target?.stats ?? entry).isDirectory() });
        if (entries.length < MOST_NAMES) continue;
        note(relative, `it holds ${MOST_NAMES} names or more; the rest was not read`);
        break;
      }
    } catch (error) {
      note(relative, faultOf(error));
    }
    return entries.sort((one, other) => (one.name < other.name ? -1 : 1));
  };

  const read = async (relative: string, isNeeded = false): Promise<OldFile | undefined> => {
    const place = isSpent() ? undefined : await placeIn(relative);
    if (place === undefined) return undefined;
    if (place.at === 'fault') note(relative, place.fault);
    else if (place.at === 'nothing') isNeeded && note(relative, 'it is missing');
    // To open a pipe would wait for its other end.
    else if (!place.stats.isFile()) note(relative, 'it is no plain file');
    else {
      try {
        const content = await readFileBounded(place.path, LARGEST_FILE);
        left.bytes -= content?.length ?? 0;
        if (content !== undefined) return { text: content.toString('utf8'), modifiedAt: place.stats.mtime };
      } catch (error) {
        note(relative, faultOf(error));
      }
    }
    return undefined;
  };
  return { path, problems, note, list, read };
}

function noteIn(path: string, problems: TreeProblem[]): OldTree['note'] {
  return (relative, message) => {
    const problem = { path: join(path, relative), message };
    const isKnown = problems.some((each) => each.path === problem.path && each.message === message);
    if (isKnown || problems.length > MOST_PROBLEMS) return;
    const isLast = problems.length === MOST_PROBLEMS;
    problems.push(isLast ? { path, message: 'it has more problems than these' } : problem);
  };
}
