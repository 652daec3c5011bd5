import { hostname } from 'node:os';
import { CertathonError, describeError } from '../lib/errors.ts';
import type { EventName, Fields } from '../lib/log.ts';
import { maskSecrets, registerSecret, SHORTEST_SECRET } from '../lib/mask.ts';
import { quoted } from '../lib/printable.ts';
import { readCaFiles } from './ca-files.ts';
import type { CaSettings } from './ca-settings.ts';
import { combinationProblems } from './combinations.ts';
import { rolloutProblems } from './combinations-rollout.ts';
import { type Config, configKey } from './config.ts';
import { readConfigFile, readTextFile } from './file.ts';
import { isList, parseKind } from './kinds.ts';
import { type CommandName, envName, type OptionEntry, takesOption } from './option.ts';
import { OPTIONS } from './options.ts';
import { isCertificates } from './pem.ts';
import { type Given, gatherSources } from './sources.ts';
import { movePassword, registerPasswords } from './userinfo.ts';

export interface LoadRequest {
  /** Flags by camelCase name, as commander hands them over. */
  flags?: Readonly<Record<string, unknown>>;
  /** What messages call a flag that was not given by its own name; by name of option. */
  spelt?: Readonly<Record<string, string>>;
  /** What the reader of the flags found wrong already, to be said with the rest. */
  problems?: readonly string[];
  /** What stands for the defaults of the table, by name of option. */
  defaults?: Readonly<Record<string, Given>>;
  env?: Readonly<Record<string, string | undefined>>;
  /** Decides about options that belong to some commands only. */
  command?: CommandName;
  /** Reads a whole small file as text; throws what the system says. */
  readFile?: (path: string) => string;
  /** Whether log lines go to a terminal. */
  terminal?: boolean;
}

export interface LoadedConfig {
  /** Frozen, all the way down. */
  config: Config;
  /** Where each value came from: `--flag`, `env NAME`, `file: key`, `default`. */
  sources: Readonly<Record<string, string>>;
  /** To be logged once, as warnings. */
  warnings: readonly { event: EventName; fields: Fields }[];
}

/** Reads flags, variables, file and defaults, in this order of weight, into one frozen value; registers every
 * secret for masking on the way. What does not concern the command is passed over, however wrong it is: one
 * environment serves several commands.
 * @throws CONFIG_INVALID with all problems at once, one line each: option, source, value, what is wrong */
export function loadConfig(request: LoadRequest = {}): LoadedConfig {
  const { flags = {}, spelt, env = process.env, command, readFile = readTextFile } = request;
  const problems = [...(request.problems ?? [])];
  const path = [flags.config, env[envName('config')]].find((value) => value !== undefined && value !== '');
  const file = path === undefined ? undefined : readConfigFile(String(path), readFile, problems);
  const gathered = gatherSources(OPTIONS, { flags, spelt, env, file, command });
  problems.push(...gathered.problems);
  const { given } = gathered;
  movePassword(given, problems);

  const values: Record<string, unknown> = {};
  const sources: Record<string, string> = {};
  const warnings: { event: EventName; fields: Fields }[] = gathered.deprecated.map((fields) => ({
    event: 'config.deprecated',
    fields,
  }));
  for (const entry of OPTIONS as readonly OptionEntry[]) {
    const isTaken = command === undefined || takesOption(entry, command);
    const found = given.get(entry.name);
    if (!isTaken && entry.secret && found !== undefined) registerSecret(found.text);
    const own =
      (isTaken ? (found ?? request.defaults?.[entry.name]) : undefined) ??
      withoutSource(entry, request.terminal ?? process.stderr.isTTY);
    values[configKey(entry)] ??= entry.kind === 'boolean' ? false : isList(entry.kind) ? [] : undefined;
    if (own === undefined) continue;
    const note = readOption(entry, own, values, problems);
    sources[entry.name] = own.source;
    if (note !== undefined)
      warnings.push({ event: 'config.deprecated', fields: { option: entry.name, reason: note } });
    if (entry.contentOf !== undefined && values[entry.name] !== undefined)
      readContent(entry, own, { given, values, sources, readFile, problems });
  }
  if (values.caSettings !== undefined)
    values.caSettings = readCaFiles(values.caSettings as readonly CaSettings[], readFile, problems);
  problems.push(...combinationProblems(values, sources), ...rolloutProblems(values, sources, command));
  if (problems.length > 0) throw invalid(problems);
  for (const value of Object.values(values)) Object.freeze(value);
  return { config: Object.freeze(values) as Config, sources: Object.freeze(sources), warnings };
}

function invalid(problems: readonly string[]): CertathonError {
  const lines = problems.map((problem) => maskSecrets(problem));
  const count = lines.length === 1 ? 'a problem' : `${lines.length} problems`;
  return new CertathonError('CONFIG_INVALID', `The configuration has ${count}:\n  ${lines.join('\n  ')}`, {
    facts: { problems: lines },
  });
}

/** What an option is when nobody gave it. */
function withoutSource(entry: OptionEntry, terminal: boolean): Given | undefined {
  if (entry.default !== undefined) return { text: entry.default, source: 'default' };
  if (entry.name === 'instance') return { text: `${hostname()}:${process.pid}`, source: 'default' };
  if (entry.name === 'logFormat') return { text: terminal ? 'text' : 'json', source: 'default' };
  return undefined;
}

/** Reads one option as its kind; says the problem, or returns the kind's remark. */
function readOption(
  entry: OptionEntry,
  { text, source }: Given,
  values: Record<string, unknown>,
  problems: string[],
): string | undefined {
  if (entry.secret) registerSecret(text);
  // A test parses every default; this one would load cron and luxon, 30 ms, before anything else can begin.
  const isKnownGood = entry.kind === 'cron' && source === 'default';
  const parsed: ReturnType<typeof parseKind> = isKnownGood
    ? { value: text }
    : parseKind(entry.kind, text, entry);
  if ('problem' in parsed) {
    problems.push(`${entry.name} (${source}) ${shown(entry, text)} ${parsed.problem}`);
    return undefined;
  }
  if (entry.secret && text.length < SHORTEST_SECRET)
    problems.push(
      `${entry.name} (${source}) ${shown(entry, text)} is shorter than ${SHORTEST_SECRET} characters`,
    );
  if (entry.secret && typeof parsed.value === 'string') registerSecret(parsed.value);
  if (entry.credentials) registerPasswords(parsed.value as readonly string[]);
  values[configKey(entry)] = parsed.value;
  return parsed.note;
}

/** The value as a message may show it: quoted, cut, without secrets and without what stands before an @. */
function shown(entry: OptionEntry, text: string): string {
  if (entry.secret || text.includes('PRIVATE KEY-----')) return '[masked]';
  const isAddress = entry.kind === 'url' || entry.kind === 'urls';
  return quoted(maskSecrets(isAddress ? text.replace(/\S*@/g, '[masked]@') : text));
}

interface ContentRequest {
  given: ReadonlyMap<string, Given>;
  values: Record<string, unknown>;
  sources: Record<string, string>;
  readFile: (path: string) => string;
  problems: string[];
}

/** Reads the file that an option names into the option, or the key, that it stands for. */
function readContent(entry: OptionEntry, path: Given, request: ContentRequest): void {
  const { given, values, sources, readFile, problems } = request;
  const target = entry.contentOf as string;
  const place = `${entry.name} (${path.source}) ${shown(entry, path.text)}`;
  const rival = given.get(target);
  if (rival !== undefined) {
    problems.push(
      `${entry.name} (${path.source}) and ${target} (${rival.source}) are both set; give one of them`,
    );
    return;
  }
  try {
    const text = readFile(path.text).trim();
    const option = (OPTIONS as readonly OptionEntry[]).find(({ name }) => name === target);
    if (text === '') problems.push(`${place} is an empty file`);
    else if (option !== undefined) {
      readOption(option, { text, source: `${path.source}, file ${quoted(path.text)}` }, values, problems);
      sources[target] = `file ${path.text}`;
    } else {
      if (!isCertificates(text)) problems.push(`${place} holds no certificate in PEM`);
      values[target] = text;
    }
  } catch (error) {
    problems.push(`${place} cannot be read: ${describeError(error)}`);
  }
}
