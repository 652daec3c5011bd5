// pure
import { used } from './bucket.ts';
import { LIMIT_NAMES, type LimitName } from './published.ts';
import { limitOf } from './state.ts';
import type { CaBudget } from './verdict.ts';

/** What is shown of a CA needs no registered domains. */
export type ShownBudget = Pick<CaBudget, 'published' | 'state'>;

/** How much of a CA's limits is used, in numbers only. */
export interface UsedBudget {
  /** The address of its directory. */
  ca: string;
  limits: {
    limit: LimitName;
    /** By the domain, set or name that used the most. */
    used: number;
    of: number;
    /** How many domains, sets or names used any. */
    keys: number;
  }[];
  /** The last time until which the CA asked to be left alone, be it about one domain or all. */
  heldUntil: Date | undefined;
}

/** Pure. */
export function usedOf(budgets: ReadonlyMap<string, ShownBudget>, now: Date): UsedBudget[] {
  const nowMs = now.getTime();
  return [...budgets].map(([ca, { published, state }]) => {
    const limits = LIMIT_NAMES.flatMap((limit) => {
      const known = published.limits[limit];
      if (known === undefined) return [];
      const counts = Object.entries(state.spent)
        .filter(([key, fullAt]) => fullAt > nowMs && limitOf(key) === limit)
        .map(([, fullAt]) => used(fullAt, known, nowMs));
      const most = counts.reduce((a, b) => Math.max(a, b), 0);
      return [{ limit, used: most, of: known.of, keys: counts.length }];
    });
    const heldMs = Object.values(state.held).reduce((last, { untilMs }) => Math.max(last, untilMs), nowMs);
    return { ca, limits, heldUntil: heldMs > nowMs ? new Date(heldMs) : undefined };
  });
}
