// pure
import { type Config, configKey } from './config.ts';
import type { Kind } from './kinds.ts';
import {
  ACCOUNT_COMMANDS,
  CERTIFICATE_COMMANDS,
  type CommandName,
  envName,
  flagName,
  type OptionEntry,
  ROLLOUT_COMMANDS,
  STORE_COMMANDS,
  takesOption,
} from './option.ts';
import { OPTIONS } from './options.ts';

const ENTRIES: readonly OptionEntry[] = OPTIONS;

/** What stands for the value in help and reference. */
const PLACEHOLDERS: Record<Kind, string> = {
  text: '<text>',
  secret: '<secret>',
  path: '<path>',
  email: '<address>',
  list: '<names>',
  words: '<word,...>',
  boolean: '',
  integer: '<number>',
  port: '<port>',
  share: '<share>',
  percentage: '<percentage>',
  duration: '<duration>',
  choice: '<word>',
  url: '<url>',
  urls: '<urls>',
  cas: '<cas>',
  caSettings: '<json>',
  host: '<host>',
  address: '<address>',
  servers: '<addresses>',
  appId: '<id>',
  appIds: '<id,...>',
  variable: '<variable>',
  cron: '<cron>',
  windows: '<windows>',
  timeZone: '<zone>',
  privateKey: '<pem>',
  token: '<token>',
  hmacKey: '<key>',
  serviceAccount: '<json>',
  user: '<uid:gid>',
};

/** The options of one command as commander takes them: `--renew-at <share>` and its line of help. */
export function helpOptions(command: CommandName): { name: string; flags: string; description: string }[] {
  return ENTRIES.filter((entry) => takesOption(entry, command)).map((entry) => ({
    name: entry.name,
    flags: `${flagName(entry.name)} ${PLACEHOLDERS[entry.kind]}`.trim(),
    description: [
      entry.doc,
      entry.choices === undefined ? '' : `One of ${entry.choices.join(', ')}.`,
      defaultOf(entry) === '' ? '' : `Default: ${defaultOf(entry)}.`,
      `[${envName(entry.name)}]`,
    ]
      .filter((part) => part !== '')
      .join(' '),
  }));
}

/** The configuration as it may be shown and logged: secrets masked, what is unset left out. */
export function maskedView(config: Config): Record<string, unknown> {
  const secrets = new Set(ENTRIES.filter(({ secret }) => secret).map(configKey));
  const addresses = new Set(ENTRIES.filter(({ credentials }) => credentials).map(configKey));
  const certificates = new Set(ENTRIES.map(({ contentOf }) => contentOf));
  return Object.fromEntries(
    Object.entries(config)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => {
        if (secrets.has(key)) return [key, '[masked]'];
        if (addresses.has(key)) return [key, (value as readonly string[]).map(withoutUser)];
        return [key, certificates.has(key) ? '[certificates]' : value];
      }),
  );
}

function withoutUser(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//[masked]@');
}

/** One row of the reference. */
export interface ReferenceRow {
  name: string;
  flag: string;
  env: string;
  /** Further variables; deprecated ones cost a line in the log. */
  also: readonly { name: string; deprecated: boolean }[];
  default: string;
  /** The commands that take the flag, in words: `all`, `certificates`, `store`, `rollouts` or their names. */
  commands: string;
  doc: string;
}

/** The whole table, for docs/reference.md. */
export function referenceRows(): ReferenceRow[] {
  return ENTRIES.map((entry) => ({
    name: entry.name,
    flag: `${flagName(entry.name)} ${PLACEHOLDERS[entry.kind]}`.trim(),
    env: envName(entry.name),
    also: entry.also ?? [],
    default: defaultOf(entry),
    commands: commandsOf(entry),
    doc: [
      entry.doc,
      entry.choices === undefined ? '' : `One of ${entry.choices.join(', ')}.`,
      entry.range === undefined ? '' : `From ${entry.range.join(' to ')}.`,
      entry.example === undefined ? '' : `Example: \`${entry.example}\`.`,
      entry.secret ? 'Masked everywhere.' : '',
    ]
      .filter((part) => part !== '')
      .join(' '),
  }));
}

/** All commands about certificates are called by one word, as are all about rollouts. */
function commandsOf(entry: OptionEntry): string {
  const groups = {
    certificates: CERTIFICATE_COMMANDS,
    store: STORE_COMMANDS,
    accounts: ACCOUNT_COMMANDS,
    rollouts: ROLLOUT_COMMANDS,
  };
  const words = Object.entries(groups).flatMap(([word, commands]: [string, readonly CommandName[]]) => {
    const taking = commands.filter((command) => takesOption(entry, command));
    return taking.length === commands.length ? [word] : taking;
  });
  return words.length === Object.keys(groups).length && words.every((word) => word in groups)
    ? 'all'
    : words.join(', ');
}

function defaultOf(entry: OptionEntry): string {
  return entry.default ?? entry.computed ?? '';
}
