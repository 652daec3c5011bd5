// pure
import { DEFAULT_KEY_TYPE, KEY_TYPES } from '../lib/key-types.ts';
import { CERTIFICATE_COMMANDS, forCommands, type OptionEntry } from './option.ts';

/** The part of the table about names, challenges and keys; options.ts has the whole. */
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
    doc: 'Whether the public route of each name, and its CAA records, are tried before the CA is asked.',
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
    name: 'caLimits',
    kind: 'choice',
    choices: ['published', 'learned'],
    default: 'published',
    doc: 'Which limits of the CA orders keep to: the published ones and what it says, or (learned) only what it says when it refuses.',
  },
] as const satisfies readonly OptionEntry[]);
