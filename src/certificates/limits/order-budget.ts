import type { Clock } from '../../lib/clock.ts';
import { CertathonError } from '../../lib/errors.ts';
import type { ObservedCertificate } from '../world.ts';
import { issued, notOrdered, notValidated, ordered, refused } from './changes.ts';
import { failedNames, refusalOf } from './failures.ts';
import { WAITS } from './hold-back.ts';
import type { KeptBudget } from './kept-budget.ts';
import { type OrderUse, useOf } from './order-use.ts';
import type { LimitsState } from './state.ts';
import { type CaBudget, verdictOf } from './verdict.ts';

/** What one order tells the model of its CA's limits. */
export interface OrderBudget {
  /** Makes the order, unless the CA said meanwhile that it would refuse it.
   * @throws ACME_BUDGET_SPENT when it was not sent */
  ask<T>(newOrder: () => Promise<T>): Promise<T>;
  issued(): Promise<void>;
  /** @param error why the order came to nothing   @throws that error, once it is noted */
  failed(error: unknown): Promise<never>;
}

/** A CA that does not answer its first order must not keep the others waiting. */
const FIRST_WITHIN_MS = 5_000;

/** The orders side by side ask one CA: the first goes alone, so that what is refused to all is refused once. */
export function orderBudget(
  certificate: ObservedCertificate,
  names: readonly string[],
  keptOf: () => Promise<KeptBudget>,
  clock: Clock,
): OrderBudget {
  const useIn = ({ published }: CaBudget): OrderUse =>
    useOf(certificate, names, false, published, new Date(clock.nowMs()));
  const note = (ca: KeptBudget, change: typeof ordered): Promise<void> =>
    ca.change(change(useIn(ca.now()), ca.now(), clock.nowMs()));
  const learn = async (ca: KeptBudget, error: unknown): Promise<void> => {
    const said = refusalOf(error);
    if (said === undefined) return;
    await note(ca, (use, budget, nowMs): LimitsState => refused(said.words, said.until, use, budget, nowMs));
  };
  const send = async <T>(ca: KeptBudget, newOrder: () => Promise<T>): Promise<T> => {
    await note(ca, ordered);
    try {
      return await newOrder();
    } catch (error) {
      const isMade = error instanceof CertathonError && error.facts.outcome === 'unknown';
      if (!isMade) await note(ca, notOrdered);
      await learn(ca, error);
      throw error;
    }
  };
  return {
    async ask(newOrder) {
      const ca = await keptOf();
      if (ca.first !== undefined) await within(ca.first, FIRST_WITHIN_MS, clock);
      const verdict = verdictOf(useIn(ca.now()), ca.now(), clock.nowMs());
      if (!verdict.fits)
        throw new CertathonError(WAITS, `No order for ${names.join(', ')} was sent: ${verdict.words}`, {
          retryAt: verdict.until,
        });
      const answer = send(ca, newOrder);
      ca.first ??= answer;
      return answer;
    },
    issued: async () => note(await keptOf(), issued),
    async failed(error) {
      // The test CA counts for itself.
      if (error instanceof CertathonError && error.facts.atTestCa === true) throw error;
      const ca = await keptOf();
      await learn(ca, error);
      const failed = failedNames(error);
      if (failed.length > 0) await note(ca, (_use, budget, nowMs) => notValidated(failed, budget, nowMs));
      throw error;
    },
  };
}

/** Until the work ends, well or badly, or so much time has gone. */
async function within(work: Promise<unknown>, mostMs: number, clock: Clock): Promise<void> {
  const done = new AbortController();
  const ended = work.then(
    () => undefined,
    () => undefined,
  );
  await Promise.race([ended, clock.sleep(mostMs, done.signal).catch(() => undefined)]);
  done.abort();
}
