import type { Bundle } from '../delivery/bundle.ts';
import { contentMark } from '../delivery/variable.ts';
import { CertathonError } from '../lib/errors.ts';
import { ownersOf } from './certificates.ts';
import { indexOf } from './in-directory.ts';
import type { StoredCertificate } from './model.ts';
import { filesFor, loadedFiles } from './observe-directory.ts';
import type { TargetTools } from './observe-targets.ts';
import type { Observation, ObservedTarget, Put } from './world.ts';

/** The files to put, and those that have to go, by what the directory holds now.
 * @throws DELIVERY_OVERTAKEN when somebody changed a place since it was looked at */
export async function filesToPut(
  puts: readonly Put[],
  current: ReadonlyMap<string, { stored: StoredCertificate; bundle: Bundle }>,
  seen: Observation,
  target: ObservedTarget,
  tools: Pick<TargetTools, 'stores' | 'sharedDirectory' | 'files'>,
): Promise<{ put: { file: string; bundle: Bundle }[]; remove: string[] }> {
  const owners = ownersOf(await tools.stores.list());
  const index = indexOf((await loadedFiles({ owners }, tools)).files);
  const byId = new Map(seen.certificates.map((each) => [each.id, each]));
  const put: { file: string; bundle: Bundle }[] = [];
  const remove: string[] = [];
  for (const { certificate: id, replaces, removes = [] } of puts) {
    const { stored, bundle } = current.get(id) as { stored: StoredCertificate; bundle: Bundle };
    const names = byId.get(id)?.names ?? stored.names;
    const place = filesFor({ id, names, stored }, index, { owners });
    const mark = contentMark(index.byFile.get(place.holder)?.content ?? { kind: 'empty' });
    if (mark !== replaces && mark !== stored.fingerprint)
      throw new CertathonError(
        'DELIVERY_OVERTAKEN',
        `${target.places.get(id)?.place ?? target.id} was changed by somebody else since it was looked at`,
      );
    put.push({ file: place.file, bundle });
    remove.push(...place.superfluous, ...place.rivals.filter((file) => removes.includes(file)));
  }
  const isPut = new Set(put.map(({ file }) => file));
  return { put, remove: [...new Set(remove)].filter((file) => !isPut.has(file)) };
}
