// pure

/** The most names of one certificate, by profile. @source letsencrypt.org/docs/profiles */
const MOST_NAMES: Readonly<Record<string, number>> = { classic: 100, tlsserver: 25, shortlived: 25 };
/** What a CA that has no such profiles takes: Let's Encrypt's classic limit is the lowest that is common. */
const MOST_ELSEWHERE = 100;

/** How many names a certificate of a profile may have. Pure.
 * @param offered the profiles of the CA, where they are known: one that it does not offer is not used */
export function mostNamesOf(profile: string | undefined, offered?: readonly string[]): number {
  if (profile === undefined || offered?.includes(profile) === false) return MOST_ELSEWHERE;
  return Object.hasOwn(MOST_NAMES, profile) ? (MOST_NAMES[profile] as number) : MOST_ELSEWHERE;
}

/** What is sent of a profile that is wanted: only names that the CA offers, since it refuses any other. Pure.
 * `missing` is one that it does not offer. @source draft-ietf-acme-profiles 4 */
export function profileToSend(
  wanted: string | undefined,
  offered: readonly string[],
): { send?: string; missing?: string } {
  if (wanted === undefined) return {};
  return offered.includes(wanted) ? { send: wanted } : { missing: wanted };
}
