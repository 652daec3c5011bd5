import type { Stats } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import { isAbsolute, join, relative as relativeTo } from 'node:path';
import { CertathonError } from '../../lib/errors.ts';

/** Where a path below a directory leads; `fault` says why it leads nowhere. */
export type Place =
  | { at: 'place'; path: string; stats: Stats }
  | { at: 'nothing' }
  | { at: 'fault'; fault: string };

const MOST_LINKS = 20;
const OUTSIDE = 'it is a link that leads out of the tree, which is not followed';

/** Follows a path through links, none of which may lead out of the root.
 * @param root without links itself
 * @param names of the root, its own and former ones: what an absolute link may begin with */
export async function placeOf(root: string, names: readonly string[], relative: string): Promise<Place> {
  const rest = partsOf(relative);
  let done: string[] = [];
  let links = 0;
  try {
    for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
      if (part === '..') {
        if (done.pop() === undefined) return { at: 'fault', fault: OUTSIDE };
        continue;
      }
      const path = join(root, ...done, part);
      if (!(await lstat(path)).isSymbolicLink()) {
        done.push(part);
        continue;
      }
      links += 1;
      if (links > MOST_LINKS) return { at: 'fault', fault: 'its links go round in a circle' };
      const target = await readlink(path);
      const inside = isAbsolute(target) ? insideOf(names, target) : target;
      if (inside === undefined) return { at: 'fault', fault: OUTSIDE };
      if (isAbsolute(target)) done = [];
      rest.unshift(...partsOf(inside));
    }
    const path = join(root, ...done);
    return { at: 'place', path, stats: await lstat(path) };
  } catch (error) {
    if (!isMissing(error)) return { at: 'fault', fault: faultOf(error) };
    return links === 0 ? { at: 'nothing' } : { at: 'fault', fault: 'it is a link to nothing' };
  }
}

function insideOf(names: readonly string[], target: string): string | undefined {
  return names
    .map((name) => relativeTo(name, target))
    .find((each) => each !== '..' && !each.startsWith('../'));
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '');
}

/** A failure of the file system in words that follow a path. */
export function faultOf(error: unknown): string {
  const errno = errnoOf(error);
  if (errno === 'EACCES' || errno === 'EPERM') return `this user may not read it (${errno})`;
  if (errno !== undefined) return `it can not be read (${errno})`;
  return error instanceof CertathonError ? (error.cause as Error).message : 'it can not be read';
}

function errnoOf(error: unknown): string | undefined {
  const code = error instanceof CertathonError ? error.facts.errno : (error as { code?: unknown }).code;
  return typeof code === 'string' ? code : undefined;
}
