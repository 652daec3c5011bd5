// pure

/** CAs by the names that options take. @source letsencrypt.org/docs/client-options */
export const KNOWN_CAS = {
  letsencrypt: 'https://acme-v02.api.letsencrypt.org/directory',
  'letsencrypt-staging': 'https://acme-staging-v02.api.letsencrypt.org/directory',
} as const;
