// pure

/** CAs by the names that options take. @source letsencrypt.org/docs/client-options */
export const KNOWN_CAS = {
  letsencrypt: 'https://acme-v02.api.letsencrypt.org/directory',
  'letsencrypt-staging': 'https://acme-staging-v02.api.letsencrypt.org/directory',
} as const;

/** The test CA of a CA, where one is known: names that failed are tried there first. Pure. */
export function stagingOf(directoryUrl: string): string | undefined {
  return directoryUrl === KNOWN_CAS.letsencrypt ? KNOWN_CAS['letsencrypt-staging'] : undefined;
}
