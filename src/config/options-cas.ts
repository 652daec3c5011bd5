// pure
import { KNOWN_CAS } from './known-cas.ts';
import { ACCOUNT_COMMANDS, CERTIFICATE_COMMANDS, forCommands, type OptionEntry } from './option.ts';

/** The part of the table about the CAs and the accounts there; options.ts has the whole. */
export const CA_OPTIONS = forCommands([...CERTIFICATE_COMMANDS, ...ACCOUNT_COMMANDS], [
  {
    name: 'acmeDirectory',
    kind: 'url',
    named: KNOWN_CAS,
    default: 'letsencrypt',
    also: [
      { name: 'LETSENCRYPT_SERVER_URL', deprecated: true },
      { name: 'LETSENCRYPT_URL', deprecated: true },
    ],
    doc: 'Directory of the CA: letsencrypt, letsencrypt-staging, zerossl, google, google-staging, actalis or an address.',
  },
  {
    name: 'acmeEmail',
    kind: 'email',
    also: [{ name: 'LETSENCRYPT_EMAIL', deprecated: true }],
    example: 'ops@example.com',
    doc: 'Address that the CA may write to about the account.',
  },
  {
    name: 'acmeCaFile',
    kind: 'path',
    contentOf: 'acmeCa',
    example: '/etc/ssl/pebble.pem',
    doc: 'File of CA certificates (PEM) by which the ACME server is trusted, instead of those of Node.',
  },
  {
    name: 'acmeAccountKey',
    kind: 'privateKey',
    secret: true,
    doc: 'Private key (PEM) of an ACME account to use instead of one made and kept in the store.',
  },
  {
    name: 'acmeAccountKeyFile',
    kind: 'path',
    contentOf: 'acmeAccountKey',
    example: '/run/secrets/acme.pem',
    doc: 'File that holds the private key of the account.',
  },
  {
    name: 'acmeEabKid',
    kind: 'text',
    example: 'kid-1',
    doc: 'Key id of the external account to which an account at the CA is bound when it is made; ZeroSSL, Google and Actalis need one.',
  },
  {
    name: 'acmeEabHmacKey',
    kind: 'hmacKey',
    secret: true,
    doc: 'HMAC key of the external account, in base64url as the CA hands it out.',
  },
  {
    name: 'acmeEabHmacKeyFile',
    kind: 'path',
    contentOf: 'acmeEabHmacKey',
    example: '/run/secrets/eab',
    doc: 'File that holds the HMAC key of the external account.',
  },
  {
    name: 'issuerCaFile',
    kind: 'path',
    contentOf: 'issuerCa',
    example: '/etc/ssl/company-root.pem',
    doc: 'File of root certificates (PEM) to which the certificates of the CA must lead, instead of the public ones for public CAs and of none for others.',
  },
  { name: 'acmeProfile', kind: 'text', example: 'tlsserver', doc: 'Certificate profile to ask the CA for.' },
  {
    name: 'acmeProfileMode',
    kind: 'choice',
    choices: ['wanted', 'required'],
    default: 'wanted',
    doc: 'Where the CA does not offer the profile: wanted orders without one, required orders nothing.',
  },
  {
    name: 'acmeStaging',
    kind: 'url',
    named: KNOWN_CAS,
    example: 'https://acme-test.example.com/directory',
    doc: 'Directory of the test CA that belongs to the CA, or of the CA itself where it is one; those of letsencrypt and google are known.',
  },
  {
    name: 'stagingOverReal',
    kind: 'boolean',
    doc: 'Let a certificate of a test CA take the place of a real one that is still valid.',
  },
  {
    name: 'furtherCas',
    kind: 'cas',
    named: KNOWN_CAS,
    example: 'zerossl, google',
    doc: 'CAs to order from, in this order, when the ones before keep failing for reasons of their own and the time left is short; each as --acme-directory takes it.',
  },
  {
    name: 'caSettings',
    kind: 'caSettings',
    named: KNOWN_CAS,
    secret: true,
    doc: 'What differs at further, test and label CAs, as JSON by CA: eabKid, eabHmacKey or eabHmacKeyFile, profile, profileMode, caFile, issuerCaFile, email, staging.',
  },
  {
    name: 'caSettingsFile',
    kind: 'path',
    contentOf: 'caSettings',
    example: '/run/secrets/cas.json',
    doc: 'File that holds that JSON.',
  },
  {
    name: 'ca',
    kind: 'url',
    named: KNOWN_CAS,
    commands: ACCOUNT_COMMANDS,
    strict: true,
    example: 'zerossl',
    doc: 'The CA whose account is meant; that of --acme-directory unless set, and with show all.',
  },
] as const satisfies readonly OptionEntry[]);
