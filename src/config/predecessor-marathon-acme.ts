// pure
import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import { quoted } from '../lib/printable.ts';
import { flagName, type OptionEntry, takesOption } from './option.ts';
import { OPTIONS } from './options.ts';
import type { Translation } from './predecessor.ts';

/** What one flag of marathon-acme is here. */
interface Flag {
  short?: string;
  isSwitch?: boolean;
  read: (value: string) => Reading;
}

/** Values by name of option; what it means where that is no option; why it can not be taken. */
interface Reading {
  set?: Readonly<Record<string, string>>;
  reason?: string;
  refusal?: string;
}

const option =
  (name: string): Flag['read'] =>
  (value) => ({ set: { [name]: value } });

/** The flags of marathon-acme 0.6.1 and of its last commit.
 * @source praekeltfoundation/marathon-acme, marathon_acme/cli.py */
export const MARATHON_ACME_FLAGS: Readonly<Record<string, Flag>> = {
  acme: { short: 'a', read: option('acmeDirectory') },
  email: { short: 'e', read: option('acmeEmail') },
  marathon: { short: 'm', read: option('marathonUrl') },
  lb: { short: 'l', read: option('balancerUrls') },
  group: {
    short: 'g',
    read: (group) => ({ reason: `names come from apps of the group ${quoted(group)}` }),
  },
  'allow-multiple-certs': {
    isSwitch: true,
    read: () => ({ reason: 'every name of a label counts, and they share certificates' }),
  },
  listen: { read: readListen },
  'marathon-timeout': { read: readTimeout },
  'sse-timeout': { read: () => ({ reason: 'a silent event stream is noticed after 30 s' }) },
  'log-level': { read: (level) => ({ set: { logLevel: level === 'critical' ? 'error' : level } }) },
  vault: {
    isSwitch: true,
    read: () => ({
      refusal:
        '--vault is not supported: certificates are kept in a directory, which the word after the flags names',
    }),
  },
};

/** `[address]:port`, an IPv6 address in brackets. */
function readListen(value: string): Reading {
  const [, host = '', port = ''] = /^(.*):(\d{1,5})$/.exec(value) ?? [];
  const address = host.replace(/^\[(.*)\]$/, '$1');
  if (port === '' || (host !== '' && isIP(address) === 0))
    return { refusal: `--listen ${quoted(value)} is not an address and a port such as :8000` };
  return { set: { challengePort: port, ...(host === '' ? {} : { bind: address }) } };
}

/** Seconds, 0 for none; ours have bounds. */
function readTimeout(value: string): Reading {
  const seconds = Number(value);
  if (value.trim() === '' || !(seconds >= 0))
    return { refusal: `--marathon-timeout ${quoted(value)} is not a number of seconds` };
  const ms = seconds === 0 ? 600_000 : Math.min(600_000, Math.max(100, Math.round(seconds * 1000)));
  return { set: { requestTimeout: `${ms}ms` } };
}

/** A command line of marathon-acme in our words. */
export interface MarathonAcmeArguments extends Translation {
  argv: string[];
  /** What messages call an option; by name of option. */
  spelt: Record<string, string>;
  storage: string | undefined;
  group: string | undefined;
  everyName: boolean;
}

/** Options of `serve` that may stand among those of marathon-acme. */
const OURS = (OPTIONS as readonly OptionEntry[]).filter((entry) => takesOption(entry, 'serve'));

/** Reads what stands after the word `marathon-acme`. Pure.
 * @param words its flags and the storage path, in any order; flags of `certathon serve` may stand among them */
export function marathonAcmeArguments(words: readonly string[]): MarathonAcmeArguments {
  const ours = OURS.map(({ name, kind }) => [flagName(name).slice(2), kindOf(kind === 'boolean')] as const);
  const theirs = Object.entries(MARATHON_ACME_FLAGS).map(
    ([name, { short, isSwitch }]) =>
      [name, { ...kindOf(isSwitch === true), ...(short === undefined ? {} : { short }) }] as const,
  );
  const help = ['help', { type: 'boolean', short: 'h' }] as const;
  const options = Object.fromEntries([...ours, ...theirs, help, ['version', kindOf(true)] as const]);
  const { tokens } = parseArgs({ args: [...words], options, strict: false, tokens: true });
  const result: MarathonAcmeArguments = {
    ...{ argv: ['serve'], spelt: {}, storage: undefined, group: undefined, everyName: false },
    ...{ notices: [], refusals: [] },
  };
  for (const token of tokens) {
    if (token.kind === 'positional') takeStorage(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName } = token;
    if (name === 'version') return { ...result, argv: ['--version'], refusals: [], notices: [] };
    if (name === 'help') return { ...result, argv: ['serve', '--help'], refusals: [], notices: [] };
    const known = Object.hasOwn(options, name) ? options[name] : undefined;
    // argparse lets `-e=x` stand for `-e x`.
    const value = rawName.startsWith('--') ? token.value : token.value?.replace(/^=/, '');
    if (known === undefined)
      result.refusals.push(`${quoted(rawName)} is a flag of neither marathon-acme nor certathon serve`);
    else if (known.type === 'string' && value === undefined)
      result.refusals.push(`${rawName} has no value after it`);
    else take(name, rawName, value);
  }
  if (result.storage === undefined)
    result.refusals.push('marathon-acme takes the path of its storage after its flags, and there is none');
  return result;

  function take(name: string, rawName: string, value: string | undefined): void {
    const flag = Object.hasOwn(MARATHON_ACME_FLAGS, name) ? MARATHON_ACME_FLAGS[name] : undefined;
    if (flag === undefined) {
      result.argv.push(value === undefined ? rawName : `${rawName}=${value}`);
      return;
    }
    if (name === 'group') result.group = value;
    if (name === 'allow-multiple-certs') result.everyName = true;
    const { set = {}, reason, refusal } = flag.read(value ?? '');
    if (refusal !== undefined) result.refusals.push(refusal);
    if (reason !== undefined) result.notices.push({ option: rawName, reason });
    const uses = Object.keys(set).map((target) => flagName(target));
    for (const [target, text] of Object.entries(set)) {
      result.argv.push(`${flagName(target)}=${text}`);
      result.spelt[target] = rawName;
    }
    const isSame = uses.length === 1 && uses[0] === rawName;
    if (uses.length > 0 && !isSame)
      result.notices.push({ option: rawName, given: rawName, use: uses.join(' and '), used: true });
  }

  function takeStorage(path: string): void {
    if (result.storage !== undefined)
      result.refusals.push(
        `marathon-acme takes one storage path, not ${quoted(result.storage)} and ${quoted(path)}`,
      );
    else result.notices.push({ option: 'storage path', given: path, use: '--directory', used: true });
    result.storage ??= path;
  }
}

function kindOf(isSwitch: boolean): { type: 'boolean' | 'string' } {
  return { type: isSwitch ? 'boolean' : 'string' };
}
