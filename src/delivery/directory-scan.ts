import { join } from 'node:path';
import { mapBounded } from '../lib/parallel.ts';
import { statMany } from '../lib/stat-many.ts';
import type { CertificateFacts } from './bundle.ts';
import { asDirectoryError, contentIn, loadedNames, missingIn, PARALLEL } from './directory-files.ts';
import { placesIn } from './directory-layout.ts';
import type { VariableContent } from './variable.ts';

/** Facts of certificates in the files of a directory, by name, for as long as the files are not changed. */
export interface FactsMemory {
  get(file: string, mark: FileMark): CertificateFacts | undefined;
  set(file: string, mark: FileMark, facts: CertificateFacts): void;
}

/** What tells that a file was changed. */
export interface FileMark {
  size: number;
  /** Milliseconds. */
  changedMs: number;
  inode: number;
}

/** A file of certs/, without its key. */
export interface ScannedFile {
  file: string;
  content:
    | { kind: 'unreadable'; problem: string }
    | { kind: 'empty' }
    | { kind: 'certificate'; facts: CertificateFacts; ours: boolean };
}

/** What HAProxy would load from a shared directory, without keys; only files that were changed since they were last
 * read are read.
 * @param isOurs whether we issued a certificate, by its fingerprint
 * @throws DIRECTORY_UNUSABLE */
export async function scanDirectory(
  path: string,
  memory: FactsMemory,
  isOurs: (fingerprint: string) => boolean,
): Promise<{ files: ScannedFile[]; missing: string[] }> {
  const missing = await missingIn(path);
  if (missing.includes('certs/')) return { files: [], missing };
  const { certs } = placesIn(path);
  const names = await loadedNames(certs);
  const marks = new Map<string, FileMark>();
  const seen = new Map<string, ScannedFile['content'] | undefined>();
  const certificate = (facts: CertificateFacts) =>
    ({ kind: 'certificate', facts, ours: isOurs(facts.fingerprint) }) as const;
  await statMany(certs, names, (file, found) => {
    if (found instanceof Error) throw asDirectoryError('read', join(certs, file), found);
    const isFile = found?.isFile() === true;
    const mark = isFile ? { size: found.size, changedMs: found.ctimeMs, inode: found.ino } : undefined;
    const facts = mark === undefined ? undefined : memory.get(file, mark);
    if (facts !== undefined) seen.set(file, certificate(facts));
    else if (mark !== undefined) marks.set(file, mark);
  });
  const unknown = names.filter((file) => !seen.has(file));
  await mapBounded(unknown, PARALLEL, async (file) => {
    const content = await contentIn(join(certs, file));
    const mark = marks.get(file);
    if (content?.kind === 'certificate' && mark !== undefined) memory.set(file, mark, content.facts);
    seen.set(file, content?.kind === 'certificate' ? certificate(content.facts) : withoutSecret(content));
  });
  const files = names.flatMap((file): ScannedFile[] => {
    const content = seen.get(file);
    return content === undefined ? [] : [{ file, content }];
  });
  return { files, missing };
}

/** A file never refers to a secret; for the types. */
function withoutSecret(content: Exclude<VariableContent, { kind: 'certificate' }> | undefined) {
  return content?.kind === 'secret' ? undefined : content;
}
