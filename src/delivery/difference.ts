// pure
import { createHash } from 'node:crypto';
import type { AppPatch } from '../marathon/client.ts';
import type { App, EnvValue } from '../marathon/schema.ts';
import { readVariable } from './variable.ts';

/** One value that a change replaces, in words that show no key and no other value of the environment. */
export interface Difference {
  /** `env.HAPROXY_SSL_CERT`, `upgradeStrategy.minimumHealthCapacity`, `args`. */
  field: string;
  from: string;
  to: string;
}

/** What a partial update would change in an app. Pure. Values of `env` are told by what they are and a
 * fingerprint, since any of them may be a key or a password. */
export function differenceOf(
  before: Pick<App, 'env' | 'upgradeStrategy' | 'readinessChecks' | 'args'>,
  patch: AppPatch,
): Difference[] {
  const differences: Difference[] = [];
  const add = (field: string, from: string, to: string) => {
    if (from !== to) differences.push({ field, from, to });
  };
  const { env, upgradeStrategy, readinessChecks, args } = patch;
  if (env !== undefined) {
    for (const name of [...new Set([...Object.keys(before.env), ...Object.keys(env)])].sort())
      add(`env.${name}`, shownValue(own(before.env, name)), shownValue(own(env, name)));
  }
  if (upgradeStrategy !== undefined) {
    const strategies = [before.upgradeStrategy, upgradeStrategy] as const;
    for (const name of ['minimumHealthCapacity', 'maximumOverCapacity'] as const) {
      const [from, to] = strategies.map((strategy) => String(strategy[name]));
      add(`upgradeStrategy.${name}`, from ?? '', to ?? '');
    }
  }
  if (readinessChecks !== undefined)
    add('readinessChecks', shownChecks(before.readinessChecks), shownChecks(readinessChecks));
  if (args !== undefined) add('args', shownText(before.args.join('\0')), shownText(args.join('\0')));
  return differences;
}

function shownChecks(checks: App['readinessChecks']): string {
  const words = checks.map((each) => `${each.path} at port ${each.portName} every ${each.intervalSeconds} s`);
  return words.join(', ') || 'none';
}

function own(env: App['env'], name: string): EnvValue | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined;
}

function shownValue(value: EnvValue | undefined): string {
  const content = readVariable(value);
  switch (content.kind) {
    case 'empty':
      return value === undefined ? 'unset' : 'empty';
    case 'secret':
      return `secret ${JSON.stringify(content.secret)}`;
    case 'certificate':
      return `certificate ${content.facts.fingerprint.slice(0, 16)} for ${content.facts.names.join(', ')}`;
    case 'unreadable':
      return shownText(String(value));
  }
}

/** So short that it tells equal from different, and lets nobody find the text by trying. */
function shownText(text: string): string {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 6);
  return `text of ${Buffer.byteLength(text)} bytes (${hash})`;
}
