// pure
import type { Kind, KindRules } from './kinds.ts';

/** The commands that take options of the table, by what they are about. */
export const CERTIFICATE_COMMANDS = [
  'serve',
  'renew',
  'plan',
  'adopt',
  'doctor',
  'certificates rollback',
  'certificates reissue',
  'certificates forget',
  'revoke',
] as const;
/** Those that only read the store. */
export const STORE_COMMANDS = ['certificates list', 'certificates show', 'certificates export'] as const;
/** Those about the accounts at the CAs. */
export const ACCOUNT_COMMANDS = [
  'account show',
  'account register',
  'account rollover',
  'account deactivate',
] as const;
export const ROLLOUT_COMMANDS = [
  'rollout start',
  'rollout status',
  'rollout resume',
  'rollout abort',
  'rollout history',
  'zdd',
] as const;
export type CommandName =
  | (typeof CERTIFICATE_COMMANDS)[number]
  | (typeof STORE_COMMANDS)[number]
  | (typeof ACCOUNT_COMMANDS)[number]
  | (typeof ROLLOUT_COMMANDS)[number];

/** One line of the table in options.ts. Everything else about an option follows from it. */
export interface OptionEntry extends KindRules {
  /** camelCase: the key in the file and in `Config`; the flag and the variable derive from it. */
  name: string;
  kind: Kind;
  /** As one would write it. Without one the option is unset (a list is empty, a boolean false). */
  default?: string;
  /** What the default is when only the machine can tell it. */
  computed?: string;
  /** One sentence. */
  doc: string;
  /** Erased from every message, log line and page. */
  secret?: boolean;
  /** What else carries the value in the environment; `deprecated` ones cost a line in the log. */
  also?: readonly { name: string; deprecated: boolean }[];
  /** Which commands take the flag; all of them when absent. */
  commands?: readonly CommandName[];
  /** Refused, not passed over, for a command that does not take it, since it would change what happens. */
  strict?: boolean;
  /** The value is a file; its text is read into this key of `Config`. */
  contentOf?: string;
}

/** `renewAt` → `--renew-at` */
export function flagName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `renewAt` → `CERTATHON_RENEW_AT` */
export function envName(name: string): string {
  return `${PREFIX}${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
export const PREFIX = 'CERTATHON_';

/** Entries that belong to these commands, where they do not say themselves to which. */
export function forCommands<const E extends readonly OptionEntry[]>(
  commands: readonly CommandName[],
  entries: E,
): E {
  // The types of the entries stay, since `Config` follows from them; `commands` plays no part in that.
  return entries.map((entry) => ({ commands, ...entry })) as unknown as E;
}

/** Whether a command takes the option. */
export function takesOption(entry: OptionEntry, command: CommandName): boolean {
  return entry.commands === undefined || entry.commands.includes(command);
}
