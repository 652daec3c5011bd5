// pure
import type { OptionEntry } from './option.ts';
import { CERTIFICATE_OPTIONS } from './options-certificates.ts';
import { DELIVERY_OPTIONS } from './options-delivery.ts';
import { ROLLOUT_OPTIONS } from './options-rollout.ts';
import { RUNNING_OPTIONS } from './options-running.ts';

/** Every option, spelt out once: flag, variable, file key, help, reference and masking derive from here. */
export const OPTIONS = [
  // Marathon
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
    name: 'marathonCaFile',
    kind: 'path',
    contentOf: 'marathonCa',
    example: '/etc/ssl/dcos-ca.crt',
    doc: 'File of CA certificates (PEM) by which Marathon is trusted, instead of those of Node.',
  },
  // Balancers
  {
    name: 'marathonLbApp',
    kind: 'appIds',
    default: '/marathon-lb',
    also: [{ name: 'MARATHON_LB_ID', deprecated: true }],
    doc: 'Ids of the marathon-lb apps; several are told apart by their groups.',
  },
  {
    name: 'balancerAdminPort',
    kind: 'port',
    default: '9090',
    doc: 'Port of the balancers at which marathon-lb takes signals and HAProxy tells its statistics.',
  },
  ...DELIVERY_OPTIONS,
  ...CERTIFICATE_OPTIONS,
  ...ROLLOUT_OPTIONS,
  ...RUNNING_OPTIONS,
] as const satisfies readonly OptionEntry[];
