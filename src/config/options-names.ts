// pure
import { KNOWN_CAS } from './known-cas.ts';
import {
  ACCOUNT_COMMANDS,
  CERTIFICATE_COMMANDS,
  forCommands,
  type OptionEntry,
  STORE_COMMANDS,
} from './option.ts';

/** The part of the table about which names get a certificate, and which; options.ts has the whole. */
export const NAME_OPTIONS = forCommands(CERTIFICATE_COMMANDS, [
  {
    name: 'discover',
    kind: 'choice',
    choices: ['labels', 'vhosts', 'off'],
    default: 'labels',
    doc: 'Which labels of other apps ask for certificates: CERTATHON_{n}_DOMAIN and MARATHON_ACME_{n}_DOMAIN, every HAPROXY_{n}_VHOST as well, or none.',
  },
  {
    name: 'groups',
    kind: 'list',
    example: 'external',
    doc: 'Groups (HAPROXY_GROUP) whose apps may ask for certificates; those of the marathon-lb apps unless set, * for all.',
  },
  {
    name: 'allowedDomains',
    kind: 'list',
    example: 'example.com, example.org',
    doc: 'Domains under which labels of other apps may ask for names; any unless set.',
  },
  {
    name: 'namesPerApp',
    kind: 'integer',
    range: ['1', '10000'],
    default: '100',
    doc: 'How many names the labels of one app may ask for.',
  },
  {
    name: 'labelKeyTypes',
    kind: 'words',
    choices: ['ec256', 'ec384', 'rsa2048', 'rsa3072', 'rsa4096'],
    example: 'rsa2048',
    doc: 'Key types that CERTATHON_{n}_KEY_TYPE may choose.',
  },
  {
    name: 'labelProfiles',
    kind: 'list',
    example: 'shortlived',
    doc: 'Certificate profiles that CERTATHON_{n}_PROFILE may choose.',
  },
  {
    name: 'labelCas',
    kind: 'cas',
    named: KNOWN_CAS,
    commands: [...CERTIFICATE_COMMANDS, ...ACCOUNT_COMMANDS],
    example: 'letsencrypt-staging',
    doc: 'CAs that CERTATHON_{n}_CA may choose, each as --acme-directory takes it.',
  },
  {
    name: 'pack',
    kind: 'choice',
    choices: ['name', 'app', 'registered-domain', 'all'],
    default: 'app',
    doc: 'Which names share a certificate: none, those of one app, those under one registered domain, or all; never more than the profile allows.',
  },
  {
    name: 'grace',
    kind: 'duration',
    range: ['0s', '365d'],
    default: '7d',
    commands: [...CERTIFICATE_COMMANDS, ...STORE_COMMANDS],
    doc: 'How long a certificate whose names nobody asks for any more is still renewed; afterwards it is served until it expires.',
  },
  {
    name: 'defaultCertificate',
    kind: 'host',
    example: 'www.example.com',
    doc: 'A name whose certificate stands in HAPROXY_SSL_CERT, which clients without SNI are shown; the first one that came there unless set.',
  },
  {
    name: 'largestVariable',
    kind: 'integer',
    range: ['8192', '131071'],
    default: '122880',
    doc: 'The most bytes of one variable (NAME=value) that holds a certificate: Linux starts no process with one of 128 KiB.',
  },
  {
    name: 'largestTotal',
    kind: 'integer',
    range: ['8192', '2097152'],
    default: '409600',
    doc: 'The most bytes of all variables together that hold certificates: Marathon keeps an app in a node of ZooKeeper of 1 MB, with its versions beside it.',
  },
] as const satisfies readonly OptionEntry[]);
