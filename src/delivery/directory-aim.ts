import { join } from 'node:path';
import type { CertificateFacts } from './bundle.ts';
import type { DirectoryDelivery } from './directory.ts';
import { certificatesIn, readBundleFile } from './directory-files.ts';
import { placesIn } from './directory-layout.ts';
import type { FileChange } from './directory-record.ts';

/** What a handshake with a balancer must show, or must no longer show. */
export interface Aim {
  expected: readonly { names: readonly string[]; fingerprint: string }[];
  /** Certificates whose files were taken away. */
  gone: readonly { names: readonly string[]; fingerprint: string }[];
  /** Fingerprints that the changed files brought. */
  brought: ReadonlySet<string>;
  isChanged: boolean;
  /** Something changed that no handshake shows, such as the chain below the same leaf: then only new processes tell. */
  isHidden: boolean;
}

/** The aim of a delivery, by what its files were and are. @throws DIRECTORY_UNUSABLE */
export async function aimOf(delivery: DirectoryDelivery, changes: readonly FileChange[]): Promise<Aim> {
  const expected = new Set(delivery.expected.map(({ fingerprint }) => fingerprint));
  const inPlace =
    changes.length === 0
      ? new Set()
      : new Set((await certificatesIn(delivery.path)).map((each) => each.fingerprint));
  const gone: CertificateFacts[] = [];
  let isHidden = false;
  for (const { put, kept } of changes) {
    const former = kept === undefined ? undefined : await formerFacts(delivery.path, kept);
    if (put !== undefined) isHidden ||= put === former?.fingerprint || !expected.has(put);
    else if (former === undefined) isHidden = true;
    else if (!inPlace.has(former.fingerprint) && !expected.has(former.fingerprint)) gone.push(former);
  }
  const brought = new Set(changes.flatMap(({ put }) => put ?? []));
  return { expected: delivery.expected, gone, brought, isChanged: changes.length > 0, isHidden };
}

/** The aim after files were put back. @throws DIRECTORY_UNUSABLE */
export async function formerAim(path: string, restored: readonly string[]): Promise<Aim> {
  const found = (await certificatesIn(path)).filter(
    ({ file, names }) => restored.includes(file) && names.length > 0,
  );
  return { expected: found, gone: [], brought: new Set(), isChanged: false, isHidden: false };
}

async function formerFacts(root: string, kept: string): Promise<CertificateFacts | undefined> {
  const content = await readBundleFile(join(placesIn(root).replaced, kept));
  return content?.kind === 'certificate' ? content.facts : undefined;
}
