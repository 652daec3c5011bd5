// pure
import type { OptionEntry } from './option.ts';

/** The part of the table about Marathon and who we are to it; options.ts has the whole. At most one of password,
 * token and service account may be given. */
export const MARATHON_OPTIONS = [
  {
    name: 'marathonUrl',
    kind: 'urls',
    credentials: true,
    default: 'http://marathon.mesos:8080',
    also: [{ name: 'MARATHON_URL', deprecated: true }],
    doc: 'Addresses of Marathon, tried in turn; the base path of a proxy belongs to them.',
  },
  {
    name: 'marathonUser',
    kind: 'text',
    example: 'certathon',
    doc: 'User for the basic authentication of Marathon.',
  },
  { name: 'marathonPassword', kind: 'secret', secret: true, doc: 'Password of that user.' },
  {
    name: 'marathonPasswordFile',
    kind: 'path',
    contentOf: 'marathonPassword',
    example: '/run/secrets/marathon',
    doc: 'File that holds the password.',
  },
  {
    name: 'marathonToken',
    kind: 'token',
    secret: true,
    also: [{ name: 'MARATHON_AUTH_TOKEN', deprecated: true }],
    doc: 'Token that is sent to Marathon as `Authorization: token=…`, where it is not to be renewed.',
  },
  {
    name: 'marathonTokenFile',
    kind: 'path',
    contentOf: 'marathonToken',
    example: '/run/secrets/marathon-token',
    doc: 'File that holds the token.',
  },
  {
    name: 'dcosServiceAccount',
    kind: 'serviceAccount',
    secret: true,
    also: [{ name: 'DCOS_SERVICE_ACCOUNT_CREDENTIAL', deprecated: false }],
    doc: 'Service account of DC/OS, as the JSON of its secret (uid, private_key, login_endpoint); its tokens are fetched and renewed.',
  },
  {
    name: 'dcosServiceAccountFile',
    kind: 'path',
    contentOf: 'dcosServiceAccount',
    example: '/run/secrets/service-account.json',
    doc: 'File that holds that JSON.',
  },
  {
    name: 'marathonCaFile',
    kind: 'path',
    contentOf: 'marathonCa',
    example: '/etc/ssl/dcos-ca.crt',
    doc: 'File of CA certificates (PEM) by which Marathon and the login of DC/OS are trusted, instead of those of Node.',
  },
] as const satisfies readonly OptionEntry[];
