import type { CertificateFacts } from './bundle.ts';
import { contentIn, loadedFiles, missingIn, statIfThere, usable } from './directory-files.ts';
import { placesIn } from './directory-layout.ts';

/** Facts of certificates in files, by path, for as long as the files are not changed. */
export interface FactsMemory {
  get(path: string, mark: FileMark): CertificateFacts | undefined;
  set(path: string, mark: FileMark, facts: CertificateFacts): void;
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
    | { kind: 'certificate'; facts: CertificateFacts };
}

/** What HAProxy would load from a shared directory, without keys; only files that were changed since they were last
 * read are read.
 * @throws DIRECTORY_UNUSABLE */
export async function scanDirectory(
  path: string,
  memory: FactsMemory,
): Promise<{ files: ScannedFile[]; missing: string[] }> {
  const missing = await missingIn(path);
  if (missing.includes('certs/')) return { files: [], missing };
  const files = await loadedFiles(
    placesIn(path).certs,
    async (file): Promise<ScannedFile['content'] | undefined> => {
      const seen = await usable('read', file, () => statIfThere(file));
      const mark =
        seen?.isFile() === true ? { size: seen.size, changedMs: seen.ctimeMs, inode: seen.ino } : undefined;
      const facts = mark === undefined ? undefined : memory.get(file, mark);
      if (facts !== undefined) return { kind: 'certificate', facts };
      const content = await contentIn(file);
      if (content?.kind === 'secret') return undefined;
      if (content?.kind !== 'certificate') return content;
      if (mark !== undefined) memory.set(file, mark, content.facts);
      return { kind: 'certificate', facts: content.facts };
    },
  );
  return { files, missing };
}
