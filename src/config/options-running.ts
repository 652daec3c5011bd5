// pure
import {
  ACCOUNT_COMMANDS,
  CERTIFICATE_COMMANDS,
  forCommands,
  type OptionEntry,
  ROLLOUT_COMMANDS,
  STORE_COMMANDS,
} from './option.ts';

/** Store and schedule. */
const SCHEDULE_OPTIONS = forCommands([...CERTIFICATE_COMMANDS, ...STORE_COMMANDS], [
  {
    name: 'store',
    commands: [...CERTIFICATE_COMMANDS, ...STORE_COMMANDS, ...ACCOUNT_COMMANDS],
    kind: 'path',
    default: '/var/lib/certathon',
    doc: 'Directory of bundles, account and open orders; it should outlive the task.',
  },
  {
    name: 'keepVersions',
    kind: 'integer',
    range: ['1', '100'],
    default: '5',
    doc: 'How many versions of a certificate the store keeps.',
  },
  {
    name: 'renewAt',
    kind: 'share',
    range: ['0.05', '0.9'],
    default: 'auto',
    doc: 'Renew when this share of the lifetime is left, where the CA does not tell a time; auto is 1/3, and 1/2 of a lifetime under ten days.',
  },
  {
    name: 'ignoreRenewalInfo',
    kind: 'boolean',
    doc: 'Do not ask the CA when it wants a certificate to be renewed (RFC 9773).',
  },
  {
    name: 'schedule',
    kind: 'cron',
    default: '17 4,16 * * *',
    commands: ['serve'],
    doc: 'When passes begin, as a cron expression, beside those that events and due certificates cause.',
  },
  {
    name: 'timeZone',
    kind: 'timeZone',
    default: 'UTC',
    commands: CERTIFICATE_COMMANDS,
    doc: 'Time zone of the schedule and of the maintenance windows.',
  },
  {
    name: 'jitter',
    kind: 'duration',
    range: ['0s', '1d'],
    default: '30m',
    commands: ['serve'],
    doc: 'Up to how long after the schedule a pass begins, so that not everyone asks the CA at once.',
  },
] as const satisfies readonly OptionEntry[]);

const ROLLOUTS = ROLLOUT_COMMANDS.filter((name) => name !== 'zdd');

/** The part of the table that is about this program and the machine under it; options.ts has the whole. */
export const RUNNING_OPTIONS = [
  ...SCHEDULE_OPTIONS,
  {
    name: 'requestTimeout',
    kind: 'duration',
    range: ['100ms', '10m'],
    default: '30s',
    doc: 'How long one request to Marathon or to the CA may take.',
  },
  // This process
  {
    name: 'instance',
    kind: 'text',
    also: [{ name: 'MESOS_TASK_ID', deprecated: false }],
    computed: 'host name and process id',
    doc: 'Name of this instance in logs, locks and answers.',
  },
  {
    name: 'user',
    kind: 'user',
    example: '1000:1000',
    doc: 'User and group, in numbers, to become when started as root, before anything is opened; 0 stays root. The image sets 1000:1000, which does not count over the storage of a predecessor.',
  },
  {
    name: 'logLevel',
    kind: 'choice',
    choices: ['debug', 'info', 'warn', 'error'],
    default: 'info',
    doc: 'The least important lines that are still logged.',
  },
  {
    name: 'logFormat',
    kind: 'choice',
    choices: ['json', 'text'],
    computed: 'json, or text on a terminal',
    doc: 'How log lines are written.',
  },
  {
    name: 'config',
    kind: 'path',
    example: '/etc/certathon.json',
    doc: 'JSON file with options by their names.',
  },
  // What this run does
  {
    name: 'dryRun',
    kind: 'boolean',
    commands: ['renew', 'plan', 'adopt', 'rollout start', 'zdd'],
    strict: true,
    doc: 'Print what would be done, and change nothing.',
  },
  {
    name: 'now',
    kind: 'boolean',
    commands: ['renew'],
    strict: true,
    doc: 'Renew before it is due, and whatever earlier failures say.',
  },
  {
    name: 'json',
    kind: 'boolean',
    // zdd.py gives the app by a flag of this name.
    commands: [
      ...CERTIFICATE_COMMANDS.filter((name) => name !== 'serve'),
      'certificates list',
      'certificates show',
      ...ACCOUNT_COMMANDS,
      ...ROLLOUTS,
    ],
    doc: 'Print the result as JSON; of a rollout each step too, one line of JSON each.',
  },
  {
    name: 'from',
    kind: 'path',
    commands: ['adopt'],
    strict: true,
    example: '/etc/letsencrypt',
    doc: 'Directory of letsencrypt-dcos, marathon-acme or letsencrypt-marathon-lb to take over from; their usual places unless set.',
  },
  {
    name: 'fix',
    kind: 'boolean',
    commands: ['doctor'],
    strict: true,
    doc: 'Print the change of the marathon-lb app that would help, as the body of a PUT.',
  },
  {
    name: 'apply',
    kind: 'boolean',
    commands: ['doctor'],
    strict: true,
    doc: 'Make that change after asking; it is verified, and taken back when it fails.',
  },
  {
    name: 'yes',
    kind: 'boolean',
    commands: [
      'doctor',
      'certificates rollback',
      'certificates forget',
      'certificates export',
      'revoke',
      'account deactivate',
      'rollout start',
      'rollout resume',
      'rollout abort',
      'zdd',
    ],
    strict: true,
    doc: 'Do not ask before anything is changed.',
  },
] as const satisfies readonly OptionEntry[];
