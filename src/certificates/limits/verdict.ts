// pure
import { nextSlot, queue } from './bucket.ts';
import { bucketsOf, isConcerned, type OrderUse } from './order-use.ts';
import type { Published } from './published.ts';
import type { LimitsState } from './state.ts';
import { limitWords, slotWords } from './words.ts';

/** What is known of the limits of one CA. */
export interface CaBudget {
  published: Published;
  state: LimitsState;
  /** The registered domain of a name; only asked where the CA has a limit for those. */
  domainOf: (name: string) => string;
}

export type LimitVerdict =
  | { fits: true }
  | {
      fits: false;
      /** What is used up (state.ts). */
      key: string;
      until: Date;
      /** `5th of 5 certificates for exactly these names in 7 days; next slot 14:20 UTC` */
      words: string;
    };

/** Whether an order would stay within the limits now; of several that it would exceed, the one that opens last. Pure. */
export function verdictOf(use: OrderUse, budget: CaBudget, nowMs: number): LimitVerdict {
  if (use.isBegun) return { fits: true };
  const { state, published, domainOf } = budget;
  let found: { key: string; untilMs: number; words: () => string } | undefined;
  const take = (key: string, untilMs: number, words: () => string): void => {
    if (untilMs > (found?.untilMs ?? nowMs)) found = { key, untilMs, words };
  };
  for (const { key, limit: name, of } of bucketsOf(use, published, domainOf)) {
    const [limit, fullAt] = [published.limits[name], state.spent[key]];
    if (limit === undefined || fullAt === undefined) continue;
    take(key, nextSlot(fullAt, limit, nowMs), () => limitWords(name, of, limit, fullAt, nowMs));
  }
  for (const [key, { untilMs, words }] of Object.entries(state.held))
    if (isConcerned(use, key)) take(key, untilMs, () => `the CA said: ${words}`);
  if (found === undefined) return { fits: true };
  const { key, untilMs, words } = found;
  const slot = slotWords(untilMs, nowMs);
  return { fits: false, key, until: new Date(untilMs), words: `${words()}; next slot ${slot}` };
}

/** Takes for one order after the other, most urgent first, what it would use, so that those behind it get what is left.
 * One that has to wait takes the next slot of what it waits for, and nothing else: another one that needs no such thing
 * goes before it. Pure: the budgets that are given stay as they are. */
export function reserving(nowMs: number): (use: OrderUse, budget: CaBudget) => LimitVerdict {
  const drafts = new Map<CaBudget, CaBudget>();
  return (use, budget) => {
    const { state } = budget;
    const draft = drafts.get(budget) ?? { ...budget, state: { ...state, spent: { ...state.spent } } };
    drafts.set(budget, draft);
    const verdict = verdictOf(use, draft, nowMs);
    const { spent } = draft.state;
    for (const { key, limit: name, spends } of bucketsOf(use, draft.published, draft.domainOf)) {
      const limit = draft.published.limits[name];
      const isTaken = verdict.fits
        ? spends === 'certificate' || (spends === 'order' && !use.isBegun)
        : spends !== undefined && key === verdict.key;
      if (isTaken && limit !== undefined) spent[key] = queue(spent[key], limit, nowMs);
    }
    return verdict;
  };
}
