// pure
import type { z } from 'zod';
import { CertathonError } from '../lib/errors.ts';

/** Below these the values are other people's secrets (certificates, tokens, password hashes). */
const HIDDEN = new Set(['env', 'labels', 'secrets']);
const MOST_ISSUES = 5;

/** A value from Marathon, accepted by its schema.
 * @param what the thing, as the error calls it: `app /marathon-lb`
 * @throws MARATHON_ANSWER_INVALID naming thing, field and value; never a value of env or labels */
export function accept<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.slice(0, MOST_ISSUES).map(({ path, message }) => {
    const field = path.map(String).join('.') || 'the whole answer';
    return `${field}: ${message}${shown(value, path)}`;
  });
  throw new CertathonError(
    'MARATHON_ANSWER_INVALID',
    `Marathon describes ${what} unusably: ${issues.join('; ')}`,
  );
}

function shown(value: unknown, path: readonly PropertyKey[]): string {
  if (path.some((part) => HIDDEN.has(String(part)))) return '';
  let current = value;
  for (const part of path) current = (current as Record<PropertyKey, unknown> | null | undefined)?.[part];
  if (current === null || typeof current === 'object' || current === undefined) return '';
  return ` (${JSON.stringify(current).slice(0, 80)})`;
}
