// pure
import type { EnvValue } from '../marathon/schema.ts';
import type { Bundle } from './bundle.ts';
import { contentMark, readVariable, toVariable } from './variable.ts';

/** Linux refuses to start a process with a variable (`NAME=value`) of 128 KiB or more; a margin is left for
 * what Mesos adds around it. All of them together share the stack with the arguments. */
export const LARGEST_VARIABLE = 120 * 1024;
export const LARGEST_TOTAL = 400 * 1024;

/** The variable without which marathon-lb reads none of the numbered ones. @source marathon-lb `run` */
const BASE = 'HAPROXY_SSL_CERT';

export type EnvChange =
  | { kind: 'none' }
  | { kind: 'write'; env: Record<string, EnvValue>; changed: string[] }
  | { kind: 'too-large'; message: string };

/** The whole env of the marathon-lb app with our bundle in its variable. Pure. Marathon replaces `env`
 * wholesale, so everything that was read is sent back; compared by content, so that another spelling of the
 * same bundle restarts nothing.
 * @param placeholderPem goes into HAPROXY_SSL_CERT when that is empty and our variable is a numbered one, which
 *   marathon-lb would ignore otherwise */
export function envChange(
  env: Record<string, EnvValue>,
  variable: string,
  bundle: Bundle,
  placeholderPem: string | undefined,
): EnvChange {
  const changes: Record<string, string> = {};
  if (!holdsBundle(env[variable], bundle)) changes[variable] = toVariable(bundle.pem);
  if (variable !== BASE && placeholderPem !== undefined && readVariable(env[BASE]).kind === 'empty') {
    changes[BASE] = toVariable(placeholderPem);
  }
  const changed = Object.keys(changes);
  if (changed.length === 0) return { kind: 'none' };
  const next = { ...env, ...changes };
  const message = excess(next, changed);
  return message === undefined ? { kind: 'write', env: next, changed } : { kind: 'too-large', message };
}

/** Does the variable hold this certificate and its key, whatever stands around them and however it is spelt? */
export function holdsBundle(value: EnvValue | undefined, bundle: Bundle): boolean {
  return contentMark(readVariable(value)) === bundle.facts.fingerprint;
}

function excess(env: Record<string, EnvValue>, changed: readonly string[]): string | undefined {
  const sizeOf = (name: string): number => {
    const value = env[name];
    return typeof value === 'string' ? Buffer.byteLength(`${name}=${value}`) : 0;
  };
  for (const name of changed) {
    const size = sizeOf(name);
    if (size > LARGEST_VARIABLE) return `${name} would have ${size} bytes; ${LARGEST_VARIABLE} are allowed`;
  }
  const total = Object.keys(env)
    .filter((name) => name.startsWith(BASE))
    .reduce((sum, name) => sum + sizeOf(name), 0);
  return total > LARGEST_TOTAL
    ? `All certificates together would have ${total} bytes; ${LARGEST_TOTAL} are allowed`
    : undefined;
}
