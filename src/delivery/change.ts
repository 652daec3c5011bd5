// pure
import type { EnvValue } from '../marathon/schema.ts';
import type { Bundle } from './bundle.ts';
import { DEFAULT_SLOT, SLOTS, type SlotLimits } from './slot-model.ts';
import { contentMark, readVariable, toVariable } from './variable.ts';

/** Linux refuses to start a process with a variable (`NAME=value`) of 128 KiB or more; a margin is left for
 * what Mesos adds around it. All of them together share the stack with the arguments. */
export const LARGEST_VARIABLE = 120 * 1024;
export const LARGEST_TOTAL = 400 * 1024;

export interface EnvRequest {
  put: readonly { variable: string; bundle: Bundle }[];
  /** Variables to take out; one that is put as well is put. */
  clear: readonly string[];
  /** Goes into HAPROXY_SSL_CERT when that would be empty and a numbered one is set, which marathon-lb would
   * ignore otherwise. Without one, what stands there is not taken out. */
  placeholderPem: string | undefined;
  limits: SlotLimits;
}

export type EnvChange =
  | { kind: 'none' }
  /** `changed`: the variables that were put, then those that were taken out. */
  | { kind: 'write'; env: Record<string, EnvValue>; changed: string[] }
  | { kind: 'too-large'; message: string };

/** The whole env of the marathon-lb app with our bundles in their variables. Pure. Marathon replaces `env`
 * wholesale, so everything that was read is sent back, and what is left out is gone; compared by content, so
 * that another spelling of the same bundle restarts nothing. */
export function envChange(env: Record<string, EnvValue>, request: EnvRequest): EnvChange {
  const { put, clear, placeholderPem, limits } = request;
  const kept = new Set(put.map(({ variable }) => variable));
  const changes: Record<string, string> = {};
  for (const { variable, bundle } of put)
    if (!holdsBundle(env[variable], bundle)) changes[variable] = toVariable(bundle.pem);
  const gone = new Set(clear.filter((variable) => Object.hasOwn(env, variable) && !kept.has(variable)));
  const isSet = (variable: string): boolean =>
    kept.has(variable) || (!gone.has(variable) && readVariable(env[variable]).kind !== 'empty');
  if (!isSet(DEFAULT_SLOT) && SLOTS.some(isSet)) {
    gone.delete(DEFAULT_SLOT);
    if (placeholderPem !== undefined) changes[DEFAULT_SLOT] = toVariable(placeholderPem);
  }

  const changed = [...Object.keys(changes), ...gone];
  if (changed.length === 0) return { kind: 'none' };
  const next = Object.fromEntries(
    Object.entries({ ...env, ...changes }).filter(([variable]) => !gone.has(variable)),
  );
  const message = excess(env, next, changed, limits);
  return message === undefined ? { kind: 'write', env: next, changed } : { kind: 'too-large', message };
}

/** Does the variable hold this certificate and its key, whatever stands around them and however it is spelt? */
export function holdsBundle(value: EnvValue | undefined, bundle: Bundle): boolean {
  return contentMark(readVariable(value)) === bundle.facts.fingerprint;
}

/** A write that makes nothing larger is let through: the limit may have been passed by somebody else. */
function excess(
  before: Record<string, EnvValue>,
  next: Record<string, EnvValue>,
  changed: readonly string[],
  { variableBytes, totalBytes }: SlotLimits,
): string | undefined {
  for (const name of changed) {
    const size = sizeOf(next, name);
    if (size > variableBytes) return `${name} would have ${size} bytes; ${variableBytes} are allowed`;
  }
  const total = totalOf(next);
  return total > totalBytes && total > totalOf(before)
    ? `All certificates together would have ${total} bytes; ${totalBytes} are allowed`
    : undefined;
}

function totalOf(env: Record<string, EnvValue>): number {
  return Object.keys(env)
    .filter((name) => name.startsWith(DEFAULT_SLOT))
    .reduce((sum, name) => sum + sizeOf(env, name), 0);
}

function sizeOf(env: Record<string, EnvValue>, name: string): number {
  const value = env[name];
  return typeof value === 'string' ? Buffer.byteLength(`${name}=${value}`) : 0;
}
