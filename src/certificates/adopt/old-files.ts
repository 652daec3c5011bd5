import { z } from 'zod';
import { parseBundle } from '../../delivery/bundle.ts';
import type { FoundCertificate } from './found-tree.ts';
import type { OldTree } from './old-tree.ts';

/** Reads a JSON file of another program; one that is not as it should be is noted. */
export async function readJson<T>(
  tree: OldTree,
  relative: string,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  const file = await tree.read(relative);
  if (file === undefined) return undefined;
  try {
    const parsed = schema.safeParse(JSON.parse(file.text));
    if (parsed.success) return parsed.data;
  } catch {
    // Noted below.
  }
  tree.note(relative, 'it holds no JSON of the form that is expected there');
  return undefined;
}

/** Reads a certificate from one file, in any order of blocks.
 * @returns undefined when it is unusable, which is noted, or not there */
export async function readCombined(tree: OldTree, path: string): Promise<FoundCertificate | undefined> {
  const file = await tree.read(path);
  return file === undefined ? undefined : certificateOf(tree, path, file.text);
}

/** Reads a certificate whose chain and key are files of their own.
 * @param path below the tree, under which it is reported
 * @returns undefined when it is unusable or half there, which is noted, or when neither file is there */
export async function readPair(
  tree: OldTree,
  path: string,
  files: { chain: string; key: string },
): Promise<FoundCertificate | undefined> {
  const chain = await tree.read(files.chain);
  const key = await tree.read(files.key, chain !== undefined);
  if (chain !== undefined && key !== undefined)
    return certificateOf(tree, path, `${chain.text}\n${key.text}`);
  if (key !== undefined) await tree.read(files.chain, true);
  return undefined;
}

function certificateOf(tree: OldTree, path: string, text: string): FoundCertificate | undefined {
  const parsed = parseBundle(text);
  if (parsed.ok) return { path: `${tree.path}/${path}`, bundle: parsed.bundle };
  tree.note(path, parsed.problem);
  return undefined;
}

/** `mailto:ops@example.com` → `ops@example.com`. */
export const EMAIL = z
  .string()
  .max(320)
  .transform((text) => text.replace(/^mailto:/, ''))
  .pipe(z.string().regex(/^[^\s@]+@[^\s@]+$/));
