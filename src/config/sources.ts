// pure
import { quoted } from '../lib/printable.ts';
import { type CommandName, envName, flagName, type OptionEntry, PREFIX, takesOption } from './option.ts';
import { nearest } from './suggest.ts';

/** One option's text and where it was found: `--flag`, `env NAME`, `/path/file.json: key`. */
export interface Given {
  text: string;
  source: string;
}

/** What was found, before anything is read as its kind. */
export interface Gathered {
  given: Map<string, Given>;
  problems: string[];
  /** Deprecated names that are set, with the name to use. */
  deprecated: { option: string; given: string; use: string; used: boolean }[];
}

export interface RawSources {
  /** As the argument parser hands them over: camelCase names, `true` for a flag without a value. */
  flags: Readonly<Record<string, unknown>>;
  /** What a flag is called in messages, where that is not its own name; by name of option. */
  spelt?: Readonly<Record<string, string>> | undefined;
  env: Readonly<Record<string, string | undefined>>;
  /** The parsed file, with its path for messages. */
  file?: { path: string; values: Readonly<Record<string, unknown>> } | undefined;
  command?: CommandName | undefined;
}

/** Picks for every option the first of flag, variable, variable of another name, file key. An empty text
 * counts as unset everywhere: definitions pass on variables that nobody filled. */
export function gatherSources(options: readonly OptionEntry[], raw: RawSources): Gathered {
  const found: Gathered = { given: new Map(), problems: unknownNames(options, raw), deprecated: [] };
  for (const entry of options) {
    const candidates = candidatesOf(entry, raw, found.problems);
    const first = candidates.find(({ text }) => text !== '');
    if (first !== undefined) found.given.set(entry.name, first);
    const isTaken = raw.command === undefined || takesOption(entry, raw.command);
    for (const { name, deprecated } of entry.also ?? []) {
      if (!isTaken || !deprecated || (raw.env[name] ?? '').trim() === '') continue;
      const used = first?.source === `env ${name}`;
      found.deprecated.push({ option: entry.name, given: name, use: envName(entry.name), used });
    }
    if (entry.strict && !isTaken && first !== undefined && !/^(false|no|off|0)$/i.test(first.text))
      found.problems.push(`${entry.name} (${first.source}) means nothing to ${raw.command}`);
  }
  return found;
}

function candidatesOf(entry: OptionEntry, raw: RawSources, problems: string[]): Given[] {
  const names = [envName(entry.name), ...(entry.also ?? []).map(({ name }) => name)];
  const flag = { value: raw.flags[entry.name], source: raw.spelt?.[entry.name] ?? flagName(entry.name) };
  const variables = names.map((name) => ({ value: raw.env[name], source: `env ${name}` }));
  const key = { value: fileValue(entry.name, raw), source: `${raw.file?.path}: ${entry.name}` };
  return [flag, ...variables, key].flatMap(({ value, source }) => {
    if (value === undefined) return [];
    const text = asText(value);
    if (text !== undefined) return [{ text: text.trim(), source }];
    problems.push(`${entry.name} (${source}) is not a text, number, boolean or list of texts`);
    return [];
  });
}

function fileValue(name: string, { file }: RawSources): unknown {
  return file !== undefined && name !== 'config' && Object.hasOwn(file.values, name)
    ? file.values[name]
    : undefined;
}

function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || typeof value === 'number') return String(value);
  const isList = Array.isArray(value) && value.every((item) => typeof item === 'string');
  return isList ? value.join(' ') : undefined;
}

/** Names with our prefix, and keys of the file, that no option has. Their values stay unsaid: a misspelt
 * password is a password. */
function unknownNames(options: readonly OptionEntry[], { env, file }: RawSources): string[] {
  const variables = options.map(({ name }) => envName(name));
  const keys = options.map(({ name }) => name).filter((name) => name !== 'config');
  const strange = Object.keys(env).filter((name) => name.startsWith(PREFIX) && !variables.includes(name));
  const strangeKeys = Object.keys(file?.values ?? {}).filter((key) => !keys.includes(key));
  return [
    ...strange.map((name) => `env ${name} is not an option${suggestion(name, variables)}`),
    ...strangeKeys.map((key) => `${file?.path}: ${quoted(key)} is not an option${suggestion(key, keys)}`),
  ];
}

function suggestion(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === undefined ? '' : `; did you mean ${near}?`;
}
