import type { Config, OptionName } from '../config/config.ts';
import type { CommandName } from '../config/option.ts';
import type { RunCommand } from './run-command.ts';

export interface CommandEntry {
  summary: string;
  example: string;
  /** The word after the command, and the option that it stands for. */
  positional?: { option: OptionName; placeholder: string; doc: string };
  /** The level of the log where nobody chose one: a command that tells what it does needs no log beside it. */
  logLevel?: Config['logLevel'];
  load: () => Promise<RunCommand>;
}

/** Commands of two words, by the first one. */
export const GROUPS: Readonly<Record<string, string>> = {
  account: 'Look at the accounts at the CAs, change their keys, end them.',
  certificates: 'Look at the certificates in the store, put an earlier one back, order anew, export.',
  rollout: 'Replace an app behind marathon-lb by its next version, without a lost request: blue/green.',
};

const GROUP = {
  option: 'group',
  placeholder: '[GROUP]',
  doc: 'deployment group, as HAPROXY_DEPLOYMENT_GROUP names it',
} as const;

const ONE = {
  option: 'certificate',
  placeholder: '[CERTIFICATE]',
  doc: 'id of a certificate, or a name that it covers',
} as const;

const CA = {
  option: 'ca',
  placeholder: '[CA]',
  doc: 'the CA, by its name or address; the one of --acme-directory unless given',
} as const;

/** The commands that take the options of the table, each with a file of its own that is loaded when it runs. */
export const COMMANDS: Record<CommandName, CommandEntry> = {
  serve: {
    summary:
      'Keep the certificate valid: answer challenges, renew when due, deliver, prove; until it is told to stop.',
    example: 'certathon serve --domains shop.example.com --acme-email ops@example.com',
    load: async () => (await import('./serve.ts')).runServe,
  },
  renew: {
    summary: 'Make one pass and end: 0 when every name has a valid certificate that every balancer serves.',
    example: 'certathon renew --store /var/lib/certathon --dry-run',
    load: async () => (await import('./renew.ts')).runRenew,
  },
  plan: {
    summary: 'Print what a pass would do, and why; changes nothing.',
    example: 'certathon plan --json',
    load: async () => (await import('./renew.ts')).runPlan,
  },
  adopt: {
    summary:
      'Take over accounts and valid certificates from the directory of a predecessor, which is only read; --dry-run shows what.',
    example: 'certathon adopt /etc/letsencrypt --dry-run',
    positional: { option: 'from', placeholder: '[PATH]', doc: 'directory of the predecessor' },
    load: async () => (await import('./adopt.ts')).runAdopt,
  },
  doctor: {
    summary:
      'Look at what a delivery depends on and say what to do; --fix prints a change that helps, --apply makes it.',
    example: 'certathon doctor --fix',
    load: async () => (await import('./doctor.ts')).runDoctor,
  },
  'certificates list': {
    summary: 'List the certificates in the store, those that end first at the top; changes nothing.',
    example: 'certathon certificates list --json',
    logLevel: 'warn',
    load: async () => (await import('./certificates.ts')).runList,
  },
  'certificates show': {
    summary: 'Tell all about one certificate: facts, versions, order, what holds it back; never a key.',
    example: 'certathon certificates show shop.example.com',
    positional: ONE,
    logLevel: 'warn',
    load: async () => (await import('./certificates.ts')).runShow,
  },
  'certificates rollback': {
    summary: 'Take an earlier version into use again, and deliver it.',
    example: 'certathon certificates rollback shop.example.com --to 3fa9c1 --yes',
    positional: ONE,
    logLevel: 'warn',
    load: async () => (await import('./certificates-change.ts')).runRollback,
  },
  'certificates reissue': {
    summary: 'Order certificates anew before they are due, and deliver them.',
    example: 'certathon certificates reissue shop.example.com',
    positional: {
      ...ONE,
      placeholder: '[CERTIFICATE...]',
      doc: 'ids of certificates, or names that they cover',
    },
    logLevel: 'warn',
    load: async () => (await import('./certificates-change.ts')).runReissue,
  },
  'certificates forget': {
    summary: 'Take a certificate that nobody asks for any more out of the balancers and the store.',
    example: 'certathon certificates forget old.example.com --yes',
    positional: ONE,
    logLevel: 'warn',
    load: async () => (await import('./certificates-change.ts')).runForget,
  },
  'certificates export': {
    summary: 'Write certificate, chain and private key to files of mode 0600.',
    example: 'certathon certificates export shop.example.com --out /etc/ssl/shop/',
    positional: ONE,
    logLevel: 'warn',
    load: async () => (await import('./certificates-export.ts')).runExport,
  },
  revoke: {
    summary: 'Have the CA revoke a certificate, order another one and deliver it, all at once.',
    example: 'certathon revoke shop.example.com --reason keyCompromise --yes',
    positional: ONE,
    logLevel: 'warn',
    load: async () => (await import('./revoke.ts')).runRevoke,
  },
  'account show': {
    summary:
      'Tell of the accounts at all CAs what the CAs say: address, status, contact, terms; changes nothing.',
    example: 'certathon account show --json',
    positional: { ...CA, doc: 'one CA, by its name or address; all unless given' },
    logLevel: 'warn',
    load: async () => (await import('./account.ts')).runAccountShow,
  },
  'account register': {
    summary: 'Make the account before the first order does, or another one after it was deactivated.',
    example: 'certathon account register zerossl',
    positional: CA,
    logLevel: 'warn',
    load: async () => (await import('./account.ts')).runAccountRegister,
  },
  'account rollover': {
    summary: 'Give the account a new key; its address stays, and with it what CAA records say of it.',
    example: 'certathon account rollover',
    positional: CA,
    logLevel: 'warn',
    load: async () => (await import('./account.ts')).runAccountRollover,
  },
  'account deactivate': {
    summary: 'End the account for good; certificates that it ordered stay valid.',
    example: 'certathon account deactivate letsencrypt-staging --yes',
    positional: CA,
    logLevel: 'warn',
    load: async () => (await import('./account.ts')).runAccountDeactivate,
  },
  'rollout start': {
    summary:
      'Create the next colour of an app, make it serve, and remove the old one; or keep both, as a split.',
    example: 'certathon rollout start shop.json --marathon-url http://marathon.mesos:8080',
    positional: { option: 'app', placeholder: '[APP.json]', doc: 'JSON file of the app' },
    logLevel: 'warn',
    load: async () => (await import('./rollout.ts')).runStart,
  },
  'rollout status': {
    summary: 'Tell where a group stands: both colours, what serves, what holds connections; changes nothing.',
    example: 'certathon rollout status shop --json',
    positional: GROUP,
    logLevel: 'warn',
    load: async () => (await import('./rollout.ts')).runStatus,
  },
  'rollout resume': {
    summary:
      'Carry on a rollout from what is there, whoever began it; --complete ends a split, --new-instances makes it grow.',
    example: 'certathon rollout resume shop --complete',
    positional: GROUP,
    logLevel: 'warn',
    load: async () => (await import('./rollout.ts')).runResume,
  },
  'rollout abort': {
    summary: 'Go back: full capacity of the old colour first, then the new one is drained and removed.',
    example: 'certathon rollout abort shop --yes',
    positional: GROUP,
    logLevel: 'warn',
    load: async () => (await import('./rollout.ts')).runAbort,
  },
  'rollout history': {
    summary: 'Tell what served in a group before.',
    example: 'certathon rollout history shop',
    positional: GROUP,
    logLevel: 'warn',
    load: async () => (await import('./rollout.ts')).runHistory,
  },
  zdd: {
    summary: "A rollout by zdd.py's own flags, for scripts that call it.",
    example:
      'certathon zdd -j shop.json -m http://marathon.mesos:8080 -l http://marathon-lb.marathon.mesos:9090 -f --syslog-socket /dev/null',
    logLevel: 'warn',
    load: async () => (await import('./zdd.ts')).runZdd,
  },
};
