import { bundleKey, keyHash } from '../delivery/bundle.ts';
import { mapBounded } from '../lib/parallel.ts';
import type { Version } from './model.ts';
import { coversAll } from './renewal.ts';
import type { Store } from './store.ts';
import type { StoreSet } from './store-set.ts';
import type { ObservedCertificate } from './world.ts';

/** The bundles of a certificate that can be read, newest first; no key. */
export async function versionsOf(store: Pick<Store, 'versions' | 'version'>): Promise<Version[]> {
  const found: Version[] = [];
  for (const { fingerprint, writtenAt } of await store.versions()) {
    const bundle = await store.version(fingerprint);
    if (bundle !== undefined) found.push({ ...bundle.facts, keyHash: keyHash(bundleKey(bundle)), writtenAt });
  }
  return found;
}

const PARALLEL = 8;

/** Certificates that lack a name, with their earlier versions: names that come back may find one that covers them.
 * Versions of all others are not read, since a store may hold ten thousand certificates. */
export async function withVersions(
  certificates: readonly ObservedCertificate[],
  stores: Pick<StoreSet, 'of'>,
): Promise<ObservedCertificate[]> {
  return mapBounded(certificates, PARALLEL, async (certificate) => {
    const { id, names, stored } = certificate;
    if (stored === undefined || coversAll(stored.names, names)) return certificate;
    return { ...certificate, versions: await versionsOf(stores.of(id)) };
  });
}
