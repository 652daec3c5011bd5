import { findCertificate, findVersion } from '../certificates/find-certificate.ts';
import type { StoredEntry } from '../certificates/store-catalogue.ts';
import { openStores, type StoreSet } from '../certificates/store-set.ts';
import type { Bundle } from '../delivery/bundle.ts';
import { CertathonError } from '../lib/errors.ts';
import type { Running } from '../service.ts';

/** The store, only to be looked at. */
export function readOnlyStores({ config, log }: Pick<Running, 'config' | 'log'>): Promise<StoreSet> {
  return openStores(config.store, config.keepVersions, log, { readOnly: true });
}

/** The one certificate that a command is about.
 * @throws CONFIG_INVALID when none or several were given   @throws CERTIFICATE_UNKNOWN */
export async function namedCertificate(running: Running, stores: StoreSet): Promise<StoredEntry> {
  const [word, ...more] = running.config.certificate;
  if (word === undefined || more.length > 0)
    throw new CertathonError(
      'CONFIG_INVALID',
      'certificate is not set to one certificate: give its id, or a name that it covers',
    );
  return findCertificate(await stores.list(), word);
}

/** The version that a command is about: the one that --fingerprint names, else the one in use.
 * @param purpose completes "there is nothing to …"   @throws CERTIFICATE_UNKNOWN */
export async function namedVersion(
  { config }: Running,
  stores: StoreSet,
  { id, stored }: StoredEntry,
  purpose: string,
): Promise<Bundle> {
  const store = stores.of(id);
  const fingerprint =
    config.fingerprint === undefined
      ? stored?.fingerprint
      : findVersion(await store.versions(), id, config.fingerprint).fingerprint;
  const bundle = fingerprint === undefined ? undefined : await store.version(fingerprint);
  if (bundle !== undefined) return bundle;
  throw new CertathonError(
    'CERTIFICATE_UNKNOWN',
    `${id} was not issued yet, so there is nothing to ${purpose}`,
  );
}

/** The ids of all that were given.   @throws CONFIG_INVALID, CERTIFICATE_UNKNOWN */
export async function namedIds(running: Running): Promise<string[]> {
  const { certificate } = running.config;
  if (certificate.length === 0)
    throw new CertathonError(
      'CONFIG_INVALID',
      'certificate is not set: give ids of certificates, or names that they cover',
    );
  const entries = await (await readOnlyStores(running)).list();
  return [...new Set(certificate.map((word) => findCertificate(entries, word).id))];
}
