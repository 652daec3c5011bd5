// pure
import type { Bundle } from '../../delivery/bundle.ts';
import { chainBytes } from '../../delivery/bundle-size.ts';
import { toVariable } from '../../delivery/variable.ts';
import { certificateId } from '../certificate-id.ts';
import type { StoredEntry } from '../store-catalogue.ts';
import type { CertificateRecord } from '../store-schema.ts';
import type { FoundCertificate } from './found-tree.ts';

/** A certificate of a predecessor as our store is to have it. Holds a private key: never log or print it. */
export interface Inherited {
  entry: StoredEntry & { record: CertificateRecord };
  bundle: Bundle;
  /** Where it was found. */
  path: string;
}

/** Since ever: whoever wants its names takes it up with the next pass; what nobody wants is not renewed and not
 * delivered, as if its time of grace were over. */
const NEVER_WANTED = new Date(0);

/** Certificates as they are put into our store. Pure.
 * @param taken ids that are in the store already */
export function inheritedAs(
  certificates: readonly FoundCertificate[],
  taken: Iterable<string>,
  storedAt: Date,
): Inherited[] {
  const ids = new Set(taken);
  return certificates.map(({ bundle, path }) => {
    const { facts, pem } = bundle;
    // An id is the name of a directory, where lego writes `*` as `_` too.
    const id = certificateId((facts.names[0] ?? '').replace('*', '_'), ids);
    return {
      entry: {
        id,
        record: { key: 'own', choice: {}, goneSince: NEVER_WANTED },
        stored: {
          ...{ ...facts, origin: 'inherited' as const, storedAt },
          bytes: toVariable(pem).length,
          chainBytes: chainBytes(pem),
        },
        issued: [facts.fingerprint],
        order: undefined,
        hold: undefined,
      },
      bundle,
      path,
    };
  });
}
