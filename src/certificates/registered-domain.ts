// pure
import { getDomain } from 'tldts';

/** What is checked by whoever made the name (names.ts). */
const CHECKED = { extractHostname: false, validateHostname: false, detectIp: false };

/** The registered domain of a name by the Public Suffix List, both of its parts. Pure. Load this file only when it
 * is asked: the list takes time and memory.
 *   shop.example.co.uk → example.co.uk; a.b.github.io → b.github.io; github.io → github.io
 * A public suffix counts as itself, as the CA counts its limit of certificates for a registered domain.
 * @source publicsuffix.org; Let's Encrypt boulder ratelimits/utilities.go (FQDNsToETLDsPlusOne) */
export function registeredDomainOf(name: string): string {
  return getDomain(name, { ...CHECKED, allowPrivateDomains: true }) ?? name;
}
