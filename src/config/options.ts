// pure
import type { OptionEntry } from './option.ts';
import { CA_OPTIONS } from './options-cas.ts';
import { CERTIFICATE_OPTIONS } from './options-certificates.ts';
import { DELIVERY_OPTIONS } from './options-delivery.ts';
import { MARATHON_OPTIONS } from './options-marathon.ts';
import { NAME_OPTIONS } from './options-names.ts';
import { ROLLOUT_OPTIONS } from './options-rollout.ts';
import { RUNNING_OPTIONS } from './options-running.ts';
import { SIMULATION_OPTIONS } from './options-simulation.ts';
import { STORED_OPTIONS } from './options-stored.ts';

/** Every option, spelt out once: flag, variable, file key, help, reference and masking derive from here. */
export const OPTIONS = [
  ...MARATHON_OPTIONS,
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
  {
    name: 'dnsServers',
    kind: 'servers',
    example: '10.0.0.2:53',
    doc: 'DNS servers for the route check and for the hosts of a rollout, instead of those of this machine.',
  },
  {
    name: 'lockWait',
    kind: 'duration',
    range: ['0s', '1d'],
    default: '10m',
    doc: 'How long to wait for an app that another deployment holds.',
  },
  ...DELIVERY_OPTIONS,
  ...CERTIFICATE_OPTIONS,
  ...CA_OPTIONS,
  ...NAME_OPTIONS,
  ...STORED_OPTIONS,
  ...ROLLOUT_OPTIONS,
  ...RUNNING_OPTIONS,
  ...SIMULATION_OPTIONS,
] as const satisfies readonly OptionEntry[];
