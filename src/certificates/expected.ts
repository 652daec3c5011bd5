// pure
import type { Expectation } from '../delivery/delivery.ts';
import { probeName } from '../delivery/probe-name.ts';
import type { StoredCertificate } from './model.ts';
import type { ObservedCertificate } from './world.ts';

/** So many handshakes prove a delivery to one balancer; with more certificates each is asked for one name. */
const MOST_NAMES = 200;

/** What the balancers of a target are asked for after a delivery, and what they have to show. Pure. The names of each
 * certificate that the target serves; not those that another current one of ours covers as well, since HAProxy may
 * show either.
 * @param delivered what was delivered   @param served the wanted names that the balancers serve
 * @param certificates all of ours */
export function expectationsOf(
  delivered: readonly StoredCertificate[],
  served: ReadonlySet<string>,
  certificates: readonly ObservedCertificate[],
): Expectation[] {
  const fresh = new Set(delivered.map(({ fingerprint }) => fingerprint));
  const counts = new Map<string, number>();
  const count = (names: readonly string[]): void => {
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  };
  for (const { names } of delivered) count(names);
  for (const { stored, life } of certificates)
    if (stored !== undefined && life !== 'replaced' && !fresh.has(stored.fingerprint)) count(stored.names);
  const all = delivered.map(({ names, fingerprint }): Expectation => {
    const here = names.filter((name) => served.has(name));
    const known = here.length > 0 ? here : names;
    const alone = known.filter((name) => (counts.get(name) ?? 0) < 2);
    return { names: alone.map(probeName), fingerprint };
  });
  const asked = all.filter(({ names }) => names.length > 0);
  const total = asked.reduce((sum, { names }) => sum + names.length, 0);
  if (total <= MOST_NAMES) return asked;
  return asked.map(({ names, fingerprint }) => ({ names: names.slice(0, 1), fingerprint }));
}
