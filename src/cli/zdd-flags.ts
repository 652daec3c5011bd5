// pure
import type { OptionName } from '../config/config.ts';
import { helpOptions } from '../config/describe.ts';
import { flagName } from '../config/option.ts';
import { describeError } from '../lib/errors.ts';
import { quoted } from '../lib/printable.ts';

/** One flag of zdd.py as commander takes it, and what it is here. */
interface ZddFlag {
  flags: string;
  /** The option that it sets with its value as it is; it tells what the flag means, unless `doc` does. */
  option?: OptionName;
  doc?: string;
  /** How it is read, where that is not all. */
  read?: (value: string, readFile: ReadFile) => Reading;
}

/** Values by option; what is to be noted once; what is wrong with the value. */
interface Reading {
  set?: Partial<Record<OptionName, string>>;
  note?: string;
  problem?: string;
}

type ReadFile = (path: string) => string;

/** Flags of zdd.py by the names under which commander hands their values over, in the order of its help. */
export const ZDD_FLAGS: Readonly<Record<string, ZddFlag>> = {
  longhelp: { flags: '--longhelp', doc: 'Tell how it works, and end.' },
  marathon: {
    flags: '-m, --marathon <urls>',
    option: 'marathonUrl',
    doc: 'Addresses of Marathon, tried in turn. Needed, here or by CERTATHON_MARATHON_URL.',
  },
  marathonLb: {
    flags: '-l, --marathon-lb <urls>',
    option: 'marathonLb',
    doc: 'Addresses of the balancers (their port 9090); a host name stands for all its addresses. Needed, here or by CERTATHON_MARATHON_LB.',
  },
  json: {
    flags: '-j, --json <path>',
    option: 'app',
    doc: 'JSON file of the app, as one would send it to Marathon. Needed, here or by CERTATHON_APP.',
  },
  dryRun: { flags: '-d, --dry-run', option: 'dryRun' },
  // It never reaches Marathon, which has a force of its own.
  force: { flags: '-f, --force', option: 'yes' },
  stepDelay: { flags: '-s, --step-delay <seconds>', option: 'stepDelay' },
  initialInstances: { flags: '-i, --initial-instances <number>', option: 'initialInstances' },
  linearIncrease: { flags: '--linear-increase <number>', option: 'linearIncrease' },
  resume: { flags: '-r, --resume', option: 'resume' },
  maxWait: { flags: '-w, --max-wait <seconds>', option: 'maxWait' },
  newInstances: { flags: '-n, --new-instances <number>', option: 'newInstances' },
  completeCur: { flags: '-c, --complete-cur', option: 'complete' },
  completePrev: { flags: '-p, --complete-prev', option: 'completePrev' },
  preKillHook: { flags: '--pre-kill-hook <path>', option: 'preKillHook' },
  syslogSocket: {
    flags: '--syslog-socket <path>',
    doc: 'Taken, and means nothing: log lines go to standard error.',
    read: (path) => (path === '/dev/null' ? {} : { note: 'log lines go to standard error, not to a socket' }),
  },
  logFormat: {
    flags: '--log-format <word>',
    doc: 'How log lines are written: json or text. A format of Python means nothing.',
    read: (format) =>
      /^(json|text)$/.test(format)
        ? { set: { logFormat: format } }
        : { note: 'log lines are json or text, not in a format of Python' },
  },
  logLevel: {
    flags: '--log-level <word>',
    doc: 'The least important lines that are still logged: DEBUG, INFO, WARNING, ERROR, CRITICAL, or debug, info, warn, error.',
    read: (level) => ({ set: { logLevel: LEVELS[level.toUpperCase()] ?? level } }),
  },
  authCredentials: {
    flags: '--auth-credentials <user:password>',
    doc: 'User and password for Marathon, parted by the first colon.',
    read: (text) => credentialsOf(text, '--auth-credentials'),
  },
  marathonAuthCredentialFile: {
    flags: '--marathon-auth-credential-file <path>',
    doc: 'File with user and password for Marathon in its first line.',
    read: readCredentialFile,
  },
  dcosAuthCredentials: { flags: '--dcos-auth-credentials <json>', option: 'dcosServiceAccount' },
  marathonCaCert: { flags: '--marathon-ca-cert <path>', option: 'marathonCaFile' },
};

/** zdd.py writes them in capitals. */
const LEVELS: Readonly<Record<string, string>> = {
  ...{ NOTSET: 'debug', DEBUG: 'debug', INFO: 'info', WARNING: 'warn', WARN: 'warn' },
  ...{ ERROR: 'error', CRITICAL: 'error' },
};

function credentialsOf(text: string, source: string): Reading {
  const colon = text.indexOf(':');
  if (colon < 1) return { problem: `${source} is not user and password with a colon between them` };
  return { set: { marathonUser: text.slice(0, colon), marathonPassword: text.slice(colon + 1) } };
}

function readCredentialFile(path: string, readFile: ReadFile): Reading {
  const place = `--marathon-auth-credential-file ${quoted(path)}`;
  try {
    const line = readFile(path).split(/\r?\n/)[0] ?? '';
    // As zdd.py has it: an empty file is no login.
    return line === '' ? {} : credentialsOf(line, `the first line of ${place}`);
  } catch (error) {
    return { problem: `${place} cannot be read: ${describeError(error)}` };
  }
}

/** The options of zdd as commander takes them: those of zdd.py first, then what rollouts know beside them. */
export function zddOptions(): { flags: string; description: string }[] {
  const known = helpOptions('zdd');
  const own = Object.values(ZDD_FLAGS).map(({ flags, option, doc }) => ({
    flags,
    description: doc ?? known.find(({ name }) => name === option)?.description ?? '',
  }));
  const long = (flags: string) => /--[a-z-]+/.exec(flags)?.[0];
  const taken = new Set(own.map(({ flags }) => long(flags)));
  return [...own, ...known.filter(({ flags }) => !taken.has(long(flags)))];
}

/** What loadConfig() takes, from what was typed for zdd. */
export interface ZddReading {
  flags: Record<string, unknown>;
  /** What messages call an option that was given by a name of zdd.py. */
  spelt: Record<string, string>;
  notes: { option: string; reason: string }[];
  problems: string[];
}

/** Flags of zdd.py in ours; those of the other options of rollouts pass through. Pure but for `readFile`.
 * @param typed values as commander hands them over */
export function readZddFlags(typed: Readonly<Record<string, unknown>>, readFile: ReadFile): ZddReading {
  const result: ZddReading = { flags: {}, spelt: {}, notes: [], problems: [] };
  for (const [name, value] of Object.entries(typed)) {
    if (!Object.hasOwn(ZDD_FLAGS, name)) put(name, value, flagName(name));
  }
  for (const [name, { option, read }] of Object.entries(ZDD_FLAGS)) {
    if (!Object.hasOwn(typed, name)) continue;
    // `-n=2` is how argparse lets it be written too.
    const value = typeof typed[name] === 'string' ? typed[name].replace(/^=/, '') : typed[name];
    if (option !== undefined) put(option, value, flagName(name));
    const { set = {}, note, problem } = read?.(String(value), readFile) ?? {};
    for (const [target, text] of Object.entries(set)) put(target, text, flagName(name));
    if (note !== undefined) result.notes.push({ option: flagName(name), reason: note });
    if (problem !== undefined) result.problems.push(problem);
  }
  return result;

  function put(option: string, value: unknown, flag: string): void {
    const before = result.spelt[option];
    if (before !== undefined && result.flags[option] !== value)
      result.problems.push(`${before} and ${flag} disagree about ${option}; give one of them`);
    result.flags[option] = value;
    result.spelt[option] = flag;
  }
}
