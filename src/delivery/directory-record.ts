import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readFileBounded, removeFile, writeFileDurable } from '../lib/files.ts';
import { readBundleFile, usable } from './directory-files.ts';
import { isFileName, isKeptName, placesIn } from './directory-layout.ts';

/** A change of one file in certs/ that no balancer has proven yet. */
export interface FileChange {
  file: string;
  /** The certificate that was put there; undefined: the file was taken away. */
  put: string | undefined;
  /** The name in replaced/ of what was there before; undefined: nothing was. */
  kept: string | undefined;
}

const LARGEST_RECORD = 4 * 1024 * 1024;
const recorded = z.array(
  z
    .object({
      file: z.string().refine(isFileName),
      put: z.string().optional(),
      kept: z.string().optional(),
    })
    .refine(({ file, kept }) => kept === undefined || isKeptName(kept, file)),
);

/** Writes down changes before they are made, so that a crash at any line leaves a way back. */
export async function recordChanges(root: string, changes: readonly FileChange[]): Promise<void> {
  const { record } = placesIn(root);
  await usable('write', record, () => writeFileDurable(record, `${JSON.stringify(changes)}\n`));
}

/** The changes that were made and not proven, by this run or one that was cut off. One that was never carried out,
 * or that somebody has changed again since, is none. */
export async function unprovenChanges(root: string): Promise<FileChange[]> {
  const { record } = placesIn(root);
  const text = await usable('read', record, () => readFileBounded(record, LARGEST_RECORD));
  if (text === undefined) return [];
  const parsed = recorded.safeParse(jsonOf(text.toString('utf8')));
  const changes: FileChange[] = [];
  for (const { file, put, kept } of parsed.success ? parsed.data : []) {
    if (await isMade(root, { file, put, kept })) changes.push({ file, put, kept });
  }
  return changes;
}

/** The changes are proven, or taken back. */
export async function forgetChanges(root: string): Promise<void> {
  const { record } = placesIn(root);
  await usable('remove', record, () => removeFile(record));
}

async function isMade(root: string, { file, put, kept }: FileChange): Promise<boolean> {
  const { certs, replaced } = placesIn(root);
  const content = await readBundleFile(join(certs, file));
  if (put !== undefined) return content?.kind === 'certificate' && content.facts.fingerprint === put;
  return content === undefined && kept !== undefined && (await exists(join(replaced, kept)));
}

/** Is there anything at this path, a link to nothing included? @throws DIRECTORY_UNUSABLE */
export async function exists(path: string): Promise<boolean> {
  return usable('read', path, () =>
    lstat(path).then(
      () => true,
      (error: { code?: unknown }) => {
        if (error.code === 'ENOENT') return false;
        throw error;
      },
    ),
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
