// pure
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { LONGEST_HOLD_MS } from '../../acme/refusal.ts';
import type { Limit } from './bucket.ts';
import type { LimitName, Published } from './published.ts';

const key = z
  .string()
  .max(300)
  .regex(/^(?:all|orders|(?:domain|set|failures|row):.+)$/);

/** What was used at one CA, and until when it wants to be left alone: plain JSON. Keys are `orders`, `domain:NAME`,
 * `set:HASH`, `failures:NAME`, `row:NAME`, and `all` for the whole account. Times are epoch milliseconds. */
export const LIMITS_STATE = z.object({
  /** When each bucket is full again (bucket.ts). */
  spent: z.record(key, z.number().nonnegative()),
  /** What the CA said, where no bucket of its published limits tells it. */
  held: z.record(key, z.object({ untilMs: z.number().nonnegative(), words: z.string().max(2000) })),
});
export type LimitsState = z.infer<typeof LIMITS_STATE>;

export const NOTHING_USED: LimitsState = { spent: {}, held: {} };

/** The whole account. */
export const ALL = 'all';
/** More than any published limit lets come together in its time. */
const MOST_KEYS = 20_000;

/** Case and order of names are no matter. Pure. */
export function setKey(names: readonly string[]): string {
  const sorted = names.map((name) => name.toLowerCase()).sort();
  return `set:${createHash('sha256').update(sorted.join()).digest('hex').slice(0, 32)}`;
}

/** Which limit a key is of. Pure. */
export function limitOf(name: string): LimitName | undefined {
  const [kind] = name.split(':', 1);
  return kind === ALL ? undefined : (kind as LimitName);
}

/** Without what is full again, what is over, what the CA has no such limit for, and what only a clock that was wrong
 * can have written: nothing waits longer than its limit. Pure. */
export function pruned(state: LimitsState, { limits }: Published, nowMs: number): LimitsState {
  const spent: [string, number][] = [];
  for (const [name, fullAt] of Object.entries(state.spent)) {
    const limit: Limit | undefined = limits[limitOf(name) ?? 'orders'];
    if (limit !== undefined && fullAt > nowMs) spent.push([name, Math.min(fullAt, nowMs + limit.inMs)]);
  }
  const held = Object.entries(state.held).filter(
    ([, { untilMs }]) => untilMs > nowMs && untilMs <= nowMs + LONGEST_HOLD_MS,
  );
  return {
    spent: Object.fromEntries(latest(spent, ([, fullAt]) => fullAt)),
    held: Object.fromEntries(latest(held, ([, { untilMs }]) => untilMs)),
  };
}

function latest<T>(entries: T[], at: (entry: T) => number): T[] {
  if (entries.length <= MOST_KEYS) return entries;
  return entries.toSorted((a, b) => at(b) - at(a)).slice(0, MOST_KEYS);
}
