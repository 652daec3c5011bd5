// pure
import { LONGEST_HOLD_MS } from '../../acme/refusal.ts';
import { printable } from '../../lib/printable.ts';
import { eachMs, emptyUntil, refund, spend } from './bucket.ts';
import { type BucketUse, bucketsOf, type OrderUse } from './order-use.ts';
import { keysInRefusal } from './refusal-keys.ts';
import { type LimitsState, limitOf, pruned } from './state.ts';
import type { CaBudget } from './verdict.ts';

/** How what is used changes. Pure: each returns what is used then, the same value where nothing changed. */

/** An order is about to be made. */
export function ordered(use: OrderUse, budget: CaBudget, nowMs: number): LimitsState {
  return taken(budget, nowMs, ({ spends }) => spends === 'order', use, spend);
}

/** It was not made after all. */
export function notOrdered(use: OrderUse, budget: CaBudget, nowMs: number): LimitsState {
  return taken(budget, nowMs, ({ spends }) => spends === 'order', use, refund);
}

/** The certificate was issued, so every name was validated. */
export function issued(use: OrderUse, budget: CaBudget, nowMs: number): LimitsState {
  const state = taken(budget, nowMs, ({ spends }) => spends === 'certificate', use, spend);
  const ended = use.names.map((name) => `row:${name}`).filter((key) => state.spent[key] !== undefined);
  if (ended.length === 0) return state;
  const spent = { ...state.spent };
  for (const key of ended) delete spent[key];
  return { ...state, spent };
}

/** The CA did not validate these names; of that no order is exempt. */
export function notValidated(names: readonly string[], budget: CaBudget, nowMs: number): LimitsState {
  const use: OrderUse = { names, isBegun: true, exempt: undefined };
  return taken(budget, nowMs, ({ spends }) => spends === undefined, use, spend);
}

/** The CA refused and said until when. The bucket that its words tell of is empty until then; where there is none,
 * what they tell of waits, and the whole account where they tell nothing that is understood.
 * @param words the problem's detail */
export function refused(
  words: string,
  until: Date,
  use: OrderUse,
  budget: CaBudget,
  nowMs: number,
): LimitsState {
  const untilMs = Math.min(until.getTime(), nowMs + LONGEST_HOLD_MS);
  if (untilMs <= nowMs) return budget.state;
  const { limits } = budget.published;
  const { spent, held } = pruned(budget.state, budget.published, nowMs);
  for (const key of keysInRefusal(words, use.names)) {
    const limit = limits[limitOf(key) ?? 'orders'];
    const isBucket = limit !== undefined && limitOf(key) !== undefined;
    // The CA knows better what is left there, be it more or less.
    if (isBucket) spent[key] = Math.min(emptyUntil(untilMs, limit), nowMs + limit.inMs);
    if (!isBucket || untilMs > nowMs + eachMs(limit)) held[key] = { untilMs, words: printable(words, 500) };
  }
  return { spent, held };
}

function taken(
  { state, published, domainOf }: CaBudget,
  nowMs: number,
  isMeant: (use: BucketUse) => boolean,
  use: OrderUse,
  change: typeof spend,
): LimitsState {
  const meant = bucketsOf(use, published, domainOf).filter(isMeant);
  if (meant.length === 0) return state;
  const { spent, held } = pruned(state, published, nowMs);
  for (const { key, limit: name } of meant) {
    const limit = published.limits[name];
    if (limit !== undefined) spent[key] = change(spent[key], limit, nowMs);
  }
  return { spent, held };
}
