// pure
import { CertathonError } from '../lib/errors.ts';
import { quoted } from '../lib/printable.ts';
import type { StoredEntry } from './store-catalogue.ts';

const MOST_NAMED = 10;

/** Which certificate of the store a person means. Pure. An id is meant before a name.
 * @param word an id, or a name that a certificate covers or is ordered for
 * @throws CERTIFICATE_UNKNOWN when there is none, or more than one */
export function findCertificate(entries: readonly StoredEntry[], word: string): StoredEntry {
  const text = word.toLowerCase();
  const byId = entries.find(({ id }) => id === text);
  if (byId !== undefined) return byId;
  const found = entries.filter((entry) => namesOf(entry).includes(text));
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  if (first === undefined)
    throw new CertathonError(
      'CERTIFICATE_UNKNOWN',
      `No certificate in the store has the id or covers the name ${quoted(word)}`,
    );
  const ids = found.slice(0, MOST_NAMED).map(({ id }) => id);
  const more = found.length > ids.length ? ` and ${found.length - ids.length} more` : '';
  throw new CertathonError(
    'CERTIFICATE_UNKNOWN',
    `The name ${quoted(word)} is covered by ${found.length} certificates: ${ids.join(', ')}${more}`,
  );
}

/** The names of a certificate: those that it covers, or that it is to have. Pure. */
export function namesOf({ stored, order, record }: StoredEntry): readonly string[] {
  return stored?.names ?? order?.names ?? record?.names ?? [];
}

const SHORTEST_PREFIX = 4;

/** The version whose fingerprint begins like that. Pure.
 * @throws CERTIFICATE_UNKNOWN when there is none, or more than one */
export function findVersion<V extends { fingerprint: string }>(
  versions: readonly V[],
  id: string,
  prefix: string,
): V {
  const text = prefix.toLowerCase().replaceAll(':', '');
  const found =
    text.length < SHORTEST_PREFIX ? [] : versions.filter(({ fingerprint }) => fingerprint.startsWith(text));
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  const why =
    text.length < SHORTEST_PREFIX
      ? `is too short for a fingerprint: give ${SHORTEST_PREFIX} characters or more`
      : `begins ${found.length === 0 ? 'no fingerprint' : `${found.length} fingerprints`} of the versions that are kept of ${id}`;
  throw new CertathonError('CERTIFICATE_UNKNOWN', `${quoted(prefix)} ${why}`);
}
