// pure
import { DEFAULT_KEY_TYPE, KEY_TYPES } from '../lib/key-types.ts';
import { KNOWN_CAS } from './known-cas.ts';
import { CERTIFICATE_COMMANDS, forCommands, type OptionEntry } from './option.ts';

/** The part of the table about names, challenges and the CA; options.ts has the whole. */
export const CERTIFICATE_OPTIONS = forCommands(CERTIFICATE_COMMANDS, [
  {
    name: 'appId',
    kind: 'appId',
    also: [{ name: 'MARATHON_APP_ID', deprecated: false }],
    example: '/certathon',
    doc: 'Id of the app that this is, whose labels are read; Marathon tells it to its tasks.',
  },
  // Names and challenges
  {
    name: 'domains',
    kind: 'list',
    also: [{ name: 'HAPROXY_0_VHOST', deprecated: true }],
    example: 'shop.example.com, www.example.com',
    doc: 'Names that the certificate covers, beside those in the HAPROXY_0_VHOST label of this app.',
  },
  {
    name: 'routingHost',
    kind: 'host',
    default: 'acme.internal',
    doc: 'Host in the HAPROXY_0_VHOST label that only routes challenges and never gets a certificate.',
  },
  {
    name: 'challengePort',
    kind: 'port',
    default: '8080',
    also: [{ name: 'PORT0', deprecated: false }],
    doc: 'Port at which challenges are answered; marathon-lb routes to it.',
  },
  {
    name: 'adminPort',
    kind: 'port',
    default: '8081',
    also: [{ name: 'PORT1', deprecated: false }],
    commands: ['serve'],
    doc: 'Port of status, health and control; marathon-lb does not route to it.',
  },
  {
    name: 'bind',
    kind: 'address',
    default: '0.0.0.0',
    doc: 'Address at which both ports listen.',
  },
  {
    name: 'adminToken',
    kind: 'secret',
    secret: true,
    commands: ['serve'],
    doc: 'Token that requests must carry to change anything; without one nothing can be changed there.',
  },
  {
    name: 'stateless',
    kind: 'boolean',
    doc: 'Answer any challenge from the thumbprint of the account, so that instances need not share a store.',
  },
  {
    name: 'routeCheck',
    kind: 'choice',
    choices: ['off', 'warn', 'require'],
    default: 'warn',
    doc: 'Whether the public route of each name is tried before the CA is asked.',
  },
  {
    name: 'routeWait',
    kind: 'duration',
    range: ['0s', '10m'],
    default: '60s',
    doc: 'How long the route may take to come up before the CA is asked all the same: balancers route to a task only once it is healthy.',
  },
  { name: 'httpPort', kind: 'port', default: '80', doc: 'Port that the CA connects to for challenges.' },
  { name: 'httpsPort', kind: 'port', default: '443', doc: 'Port to which a route may redirect for HTTPS.' },
  // CA
  {
    name: 'acmeDirectory',
    kind: 'url',
    named: KNOWN_CAS,
    default: 'letsencrypt',
    also: [
      { name: 'LETSENCRYPT_SERVER_URL', deprecated: true },
      { name: 'LETSENCRYPT_URL', deprecated: true },
    ],
    doc: 'Directory of the CA: letsencrypt, letsencrypt-staging or an address.',
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
  // Keys and chains
  {
    name: 'keyType',
    kind: 'choice',
    choices: KEY_TYPES,
    default: DEFAULT_KEY_TYPE,
    doc: 'Type of the private keys of certificates: ec for ECDSA, rsa for RSA, with their bits.',
  },
  {
    name: 'reuseKey',
    kind: 'boolean',
    doc: 'Keep the private key when a certificate is renewed, as pinning of keys needs it; else each has a new one.',
  },
  {
    name: 'preferredChain',
    kind: 'text',
    example: 'ISRG Root X2',
    doc: 'Common name or organization of the issuer at the top of the chain to take, where the CA offers several.',
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
    name: 'caLimits',
    kind: 'choice',
    choices: ['published', 'learned'],
    default: 'published',
    doc: 'Which limits of the CA orders keep to: the published ones and what it says, or (learned) only what it says when it refuses.',
  },
] as const satisfies readonly OptionEntry[]);
