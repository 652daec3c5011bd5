// pure

/** The most names of one certificate, by profile. @source letsencrypt.org/docs/profiles */
const MOST_NAMES: Readonly<Record<string, number>> = { classic: 100, tlsserver: 25, shortlived: 25 };
/** What a CA that has no such profiles takes: Let's Encrypt's classic limit is the lowest that is common. */
const MOST_ELSEWHERE = 100;

/** How many names a certificate of a profile may have. Pure. */
export function mostNamesOf(profile: string | undefined): number {
  return profile === undefined ? MOST_ELSEWHERE : (MOST_NAMES[profile] ?? MOST_ELSEWHERE);
}
