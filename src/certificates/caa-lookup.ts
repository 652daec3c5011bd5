import { Resolver } from 'node:dns/promises';
import { mapBounded } from '../lib/parallel.ts';
import { type CaaRecord, placesOf } from './caa.ts';

/** The records that count for a name, and where they stand; [] when there are none. Undefined: a lookup failed, and what
 * is not known is no verdict: the CA looks for itself. */
export type CaaLookup = (name: string) => Promise<{ at: string; records: readonly CaaRecord[] } | undefined>;

/** As for the route check. */
const TIMEOUT_MS = 3_000;
const TRIES = 2;
/** The names of an order share the places above them, and so do orders that are made side by side. */
const REMEMBERED_MS = 60_000;
const PARALLEL = 10;

/** @param dnsServers instead of those of this machine   @param signal ends what is being looked up, without a verdict */
export function openCaaLookup(
  dnsServers: readonly string[],
  nowMs: () => number,
  signal: AbortSignal,
): CaaLookup {
  const asked = new Map<string, { atMs: number; records: Promise<readonly CaaRecord[] | undefined> }>();
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (dnsServers.length > 0) resolver.setServers(dnsServers);
  signal.addEventListener('abort', () => resolver.cancel(), { once: true });
  const at = (place: string): Promise<readonly CaaRecord[] | undefined> => {
    const known = asked.get(place);
    if (known !== undefined && nowMs() - known.atMs < REMEMBERED_MS) return known.records;
    const records = resolver.resolveCaa(place).then(
      (found) => found.map((record): CaaRecord => ({ ...record })),
      // No such name and no such record are answers; all else is none.
      ({ code }: NodeJS.ErrnoException) => (code === 'ENODATA' || code === 'ENOTFOUND' ? [] : undefined),
    );
    if (asked.size > 10_000) asked.clear();
    asked.set(place, { atMs: nowMs(), records });
    return records;
  };
  return async (name) => {
    for (const place of placesOf(name)) {
      const records = await at(place);
      if (records === undefined) return undefined;
      if (records.length > 0) return { at: place, records };
    }
    return { at: name, records: [] };
  };
}

/** Looks up all names, some at a time. */
export async function lookUpAll(
  names: readonly string[],
  lookUp: CaaLookup,
): Promise<{ name: string; found: Awaited<ReturnType<CaaLookup>> }[]> {
  return mapBounded(names, PARALLEL, async (name) => ({ name, found: await lookUp(name) }));
}
