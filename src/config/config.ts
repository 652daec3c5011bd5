// pure
import type { Kind, KindValue } from './kinds.ts';
import type { OPTIONS } from './options.ts';

type Entry = (typeof OPTIONS)[number];

/** What is never absent: a list may be empty, a boolean is false, a default or the machine fills the rest. */
type Always =
  | { default: string }
  | { computed: string }
  | { kind: 'list' | 'words' | 'urls' | 'cas' | 'servers' | 'windows' | 'boolean' };

type ValueOf<E> = E extends { kind: 'choice'; choices: readonly (infer C)[] }
  ? C
  : E extends { kind: 'words'; choices: readonly (infer C)[] }
    ? readonly C[]
    : E extends { kind: infer K extends Kind }
      ? KindValue<K>
      : never;

/** Units stand in names: `pollInterval` is written as 5s and read as `pollIntervalMs`. */
type KeyOf<E extends Entry> = E extends { kind: 'duration' } ? `${E['name']}Ms` : E['name'];

type ContentKey = Extract<Entry, { contentOf: string }>['contentOf'];

/** The loaded configuration: one key an option, inferred from the table, and one for the text of each file
 * that only a path names (`marathonCa`, `acmeCa`). */
export type Config = {
  readonly [E in Entry as KeyOf<E>]: E extends Always ? ValueOf<E> : ValueOf<E> | undefined;
} & { readonly [K in Exclude<ContentKey, Entry['name']>]: string | undefined };

export type OptionName = Entry['name'];

/** The key of `Config` that an option's value is under. */
export function configKey(entry: { name: string; kind: Kind }): string {
  return entry.kind === 'duration' ? `${entry.name}Ms` : entry.name;
}
