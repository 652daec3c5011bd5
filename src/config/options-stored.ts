// pure
import type { CommandName, OptionEntry } from './option.ts';

const OF_ONE = [
  'certificates show',
  'certificates rollback',
  'certificates reissue',
  'certificates forget',
  'certificates export',
  'revoke',
] as const satisfies readonly CommandName[];

/** The part of the table about certificates in the store; options.ts has the whole. */
export const STORED_OPTIONS = [
  {
    name: 'certificate',
    kind: 'list',
    commands: ['renew', ...OF_ONE],
    strict: true,
    example: 'shop.example.com',
    doc: 'The certificate, by its id or by a name that it covers; renew and reissue take several. With renew it limits --now to these.',
  },
  {
    name: 'to',
    kind: 'text',
    commands: ['certificates rollback'],
    strict: true,
    example: '3fa9c1',
    doc: 'Beginning of the fingerprint of the version to go back to; the one before that can be used unless set.',
  },
  {
    name: 'fingerprint',
    kind: 'text',
    commands: ['certificates export', 'revoke'],
    strict: true,
    example: '3fa9c1',
    doc: 'Beginning of the fingerprint of the version that is meant; the one in use unless set.',
  },
  {
    name: 'reason',
    kind: 'choice',
    choices: ['unspecified', 'keyCompromise', 'affiliationChanged', 'superseded', 'cessationOfOperation'],
    default: 'superseded',
    commands: ['revoke'],
    doc: 'Why the certificate is revoked. After keyCompromise its key is never used again.',
  },
  {
    name: 'by',
    kind: 'choice',
    choices: ['account', 'key'],
    default: 'account',
    commands: ['revoke'],
    doc: 'Who asks the CA: the account that ordered the certificate, or its own private key, which needs no account and counts as lost afterwards.',
  },
  {
    name: 'out',
    kind: 'path',
    commands: ['certificates export'],
    example: '/etc/ssl/shop/',
    doc: 'Where to: a directory (ending in / or there already) for fullchain.pem and privkey.pem, a file for all in one, or - for standard output.',
  },
  {
    name: 'format',
    kind: 'choice',
    choices: ['pem', 'pkcs12'],
    default: 'pem',
    commands: ['certificates export'],
    doc: 'PEM, or PKCS#12 (one file, RSA keys only, with --export-password).',
  },
  {
    name: 'exportPassword',
    kind: 'secret',
    secret: true,
    commands: ['certificates export'],
    doc: 'Password of the PKCS#12 file.',
  },
  {
    name: 'exportPasswordFile',
    kind: 'path',
    contentOf: 'exportPassword',
    commands: ['certificates export'],
    example: '/run/secrets/export',
    doc: 'File that holds the password of the PKCS#12 file.',
  },
  {
    name: 'overwrite',
    kind: 'boolean',
    commands: ['certificates export'],
    strict: true,
    doc: 'Write over files that are there.',
  },
] as const satisfies readonly OptionEntry[];
