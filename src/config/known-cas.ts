// pure

/** CAs by the names that options take. @source letsencrypt.org/docs/client-options; zerossl.com/documentation/acme;
 * pki.goog/acme; the ACME guide of Actalis */
export const KNOWN_CAS = {
  letsencrypt: 'https://acme-v02.api.letsencrypt.org/directory',
  'letsencrypt-staging': 'https://acme-staging-v02.api.letsencrypt.org/directory',
  zerossl: 'https://acme.zerossl.com/v2/DV90',
  google: 'https://dv.acme-v02.api.pki.goog/directory',
  'google-staging': 'https://dv.acme-v02.test-api.pki.goog/directory',
  actalis: 'https://acme-api.actalis.com/acme/directory',
} as const;

/** The test CA of each CA that has a public one. The others have none, or it is another account at the same address. */
const STAGINGS: Readonly<Record<string, string>> = {
  [KNOWN_CAS.letsencrypt]: KNOWN_CAS['letsencrypt-staging'],
  [KNOWN_CAS.google]: KNOWN_CAS['google-staging'],
};

/** Where a CA lets orders be tried without cost; undefined when there is no such place, or it is that place itself. Pure.
 * @param given what options say, directory of the test CA by that of the CA; it weighs more than the table */
export function stagingOf(
  directoryUrl: string,
  given: Readonly<Record<string, string>> = {},
): string | undefined {
  return [given, STAGINGS].flatMap((table) =>
    Object.hasOwn(table, directoryUrl) ? (table[directoryUrl] ?? []) : [],
  )[0];
}

/** Is it the directory of a test CA, whose certificates nobody trusts? Pure.
 * @param given as for stagingOf() */
export function isTestDirectory(directoryUrl: string, given: Readonly<Record<string, string>> = {}): boolean {
  return [given, STAGINGS].some((table) => Object.values(table).includes(directoryUrl));
}

/** The name under which options know a directory, else its address. Pure. */
export function caName(directoryUrl: string): string {
  return Object.entries(KNOWN_CAS).find(([, url]) => url === directoryUrl)?.[0] ?? directoryUrl;
}
