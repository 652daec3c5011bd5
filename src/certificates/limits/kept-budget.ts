import { describeError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { LimitsStore } from '../store-limits.ts';
import type { LimitsState } from './state.ts';
import type { CaBudget } from './verdict.ts';

/** What is known of one CA, and how it comes to the disk. */
export interface KeptBudget {
  readonly now: () => CaBudget;
  /** Resolves when it is written. It may be lost, so failing at that is no failure. */
  change: (state: LimitsState) => Promise<void>;
  /** The first order since the last look: what the CA says to it, the others need not be told one by one. */
  first: Promise<unknown> | undefined;
}

/** Changes are written one after the other; those that come while one is written are written together. */
export function keptBudget(begin: CaBudget, store: LimitsStore, log: Log): KeptBudget {
  let budget = begin;
  let last: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    next = undefined;
    last = store
      .write(budget.state)
      .catch((error: unknown) => log.warn('store.written', { problem: describeError(error) }));
    await last;
  };
  return {
    now: () => budget,
    change(state) {
      if (state === budget.state) return next ?? last;
      budget = { ...budget, state };
      next ??= last.then(write);
      return next;
    },
    first: undefined,
  };
}
