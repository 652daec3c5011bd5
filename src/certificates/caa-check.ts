import { CertathonError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { printable } from '../lib/printable.ts';
import { type CaaIdentity, caaFault } from './caa.ts';
import { type CaaLookup, lookUpAll } from './caa-lookup.ts';

export interface CaaCheck {
  /** `warn` reports and goes on; `require` makes a record that forbids the CA a failure. */
  mode: 'off' | 'warn' | 'require';
  lookUp: CaaLookup;
  log: Log;
}

/** Looks whether the CAA records of each name allow the CA, before it is asked. A CA that does not say by which names
 * records mean it, and a record that can not be looked up, are no verdict.
 * @throws CAA_FORBIDS in the mode `require`, with the names in its facts */
export async function checkCaa(
  names: readonly string[],
  directoryUrl: string,
  who: CaaIdentity,
  { mode, lookUp, log }: CaaCheck,
): Promise<void> {
  if (mode === 'off' || who.identities.length === 0) return;
  const faults: { name: string; words: string }[] = [];
  for (const { name, found } of await lookUpAll(names, lookUp)) {
    if (found === undefined) log.debug('caa.checked', { name, found: 'the lookup failed' });
    const fault = found === undefined ? undefined : caaFault(name, found.records, who);
    if (found === undefined || fault === undefined) continue;
    const words = printable(`the CAA records of ${found.at} forbid it: ${fault}`, 500);
    log[mode === 'require' ? 'debug' : 'warn']('caa.checked', { name, directoryUrl, found: words });
    faults.push({ name, words });
  }
  if (faults.length === 0 || mode !== 'require') return;
  throw new CertathonError(
    'CAA_FORBIDS',
    `CA ${directoryUrl} may not issue: ${faults.map(({ name, words }) => `${name}: ${words}`).join('; ')}`,
    { facts: { names: faults.map(({ name }) => name), directoryUrl } },
  );
}
