import { join } from 'node:path';
import { CertathonError } from '../lib/errors.ts';
import type { CertificateFacts } from './bundle.ts';
import type { DirectoryDelivery, DirectoryTools } from './directory.ts';
import { certificatesIn, readBundleFile } from './directory-files.ts';
import { placesIn } from './directory-layout.ts';
import { type FileChange, forgetChanges, recordChanges, unprovenChanges } from './directory-record.ts';
import { probeName } from './probe-name.ts';

/** Takes those changes of earlier runs off the record that some balancer has loaded meanwhile, by whatever reload.
 * Else a later change that is refused would go back to what was there before them, which may have expired since.
 * @throws DIRECTORY_UNUSABLE; what finding the balancers threw */
export async function forgetProven(
  path: string,
  tools: Pick<DirectoryTools, 'balancers' | 'handshake' | 'signal'>,
): Promise<void> {
  const earlier = await unprovenChanges(path);
  if (earlier.length === 0) return;
  const balancers = await tools.balancers(tools.signal);
  const left: FileChange[] = [];
  for (const change of earlier) {
    const facts = await factsOf(path, change);
    const [name] = facts?.names ?? [];
    // What HAProxy could not load is never put back, so its way back need not be kept.
    if (facts === undefined || name === undefined) continue;
    const isLoadedBy = async (balancer: (typeof balancers)[number]): Promise<boolean> => {
      const served = await tools.handshake(balancer, probeName(name), tools.signal);
      if (!('fingerprint' in served)) return false;
      return (served.fingerprint === facts.fingerprint) === (change.put !== undefined);
    };
    const seen = await Promise.all(balancers.map(isLoadedBy));
    if (!seen.includes(true)) left.push(change);
  }
  if (left.length === 0) await forgetChanges(path);
  else if (left.length < earlier.length) await recordChanges(path, left);
}

/** Are the files still there that the balancers are to load? One that was torn off is: it is ours to put back.
 * @throws DELIVERY_OVERTAKEN when somebody has put another certificate there since, or taken ours out, so that no
 *   reload brings it; DIRECTORY_UNUSABLE when the directory is gone */
export async function requireInPlace({ path, put }: DirectoryDelivery): Promise<void> {
  for (const { file, bundle } of put) {
    const place = join(placesIn(path).certs, file);
    const content = await readBundleFile(place);
    const isOther = content?.kind === 'certificate' && content.facts.fingerprint !== bundle.facts.fingerprint;
    if (content !== undefined && !isOther) continue;
    await certificatesIn(path);
    const what = isOther ? 'replaced by another certificate' : 'taken out';
    throw new CertathonError(
      'DELIVERY_OVERTAKEN',
      `${place} was ${what} by somebody else before every balancer had loaded it`,
    );
  }
}

/** The certificate that was put, or the one that was taken away. */
async function factsOf(root: string, { file, put, kept }: FileChange): Promise<CertificateFacts | undefined> {
  const { certs, replaced } = placesIn(root);
  const content = await readBundleFile(put === undefined ? join(replaced, kept ?? file) : join(certs, file));
  return content?.kind === 'certificate' ? content.facts : undefined;
}
