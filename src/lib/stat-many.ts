import { type Stats, statSync } from 'node:fs';
import { setImmediate as next } from 'node:timers/promises';

/** So many between two turns of everything else: some milliseconds. */
const SLICE = 200;

/** Looks at many files of a directory: ten thousand promises cost several times what the looks do.
 * @param see called for each name in order: what is there, undefined when nothing is, or the failure
 * @throws what `see` throws */
export async function statMany(
  directory: string,
  names: readonly string[],
  see: (name: string, found: Stats | Error | undefined) => void,
): Promise<void> {
  for (const [index, name] of names.entries()) {
    if (index % SLICE === SLICE - 1) await next();
    see(name, statOf(`${directory}/${name}`));
  }
}

function statOf(path: string): Stats | Error | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    return error as Error;
  }
}
