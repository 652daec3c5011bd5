// pure
import { ALL, setKey } from './state.ts';

/** What the words of a refusal tell of, as keys (state.ts); the whole account where they are not understood. Pure.
 *   too many new orders (300) from this account in the last 3h0m0s, retry after …           → orders
 *   too many certificates (50) already issued for "example.com" in the last 168h0m0s, …     → domain:example.com
 *   too many certificates (5) already issued for this exact set of identifiers in the last … → set:…
 *   too many failed authorizations (5) for "a.example.com" in the last 1h0m0s, …            → failures:a.example.com
 * A domain or name counts only when the order has to do with it: the words are a stranger's.
 * @param names of the order
 * @source letsencrypt/boulder ratelimits/limiter.go, and ra/ra.go of the years before */
export function keysInRefusal(words: string, names: readonly string[]): string[] {
  if (/exact set/i.test(words)) return [setKey(names)];
  if (/too many new orders/i.test(words)) return ['orders'];
  const failed = /failed authorizations/i.test(words);
  const named = /\bfor:? "?([a-z0-9.-]+[a-z0-9])"?/i.exec(words)?.[1]?.toLowerCase();
  if (failed && named === undefined) return names.map((name) => `failures:${name}`);
  if (named !== undefined && failed && names.includes(named)) return [`failures:${named}`];
  const isBelow = names.some((name) => name === named || name.endsWith(`.${named}`));
  if (named !== undefined && isBelow && /already issued for/i.test(words)) return [`domain:${named}`];
  return [ALL];
}
