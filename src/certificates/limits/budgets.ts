import type { Clock } from '../../lib/clock.ts';
import { CertathonError, describeError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { LimitsStore } from '../store-limits.ts';
import type { ObservedCertificate } from '../world.ts';
import { issued, notOrdered, notValidated, ordered, refused } from './changes.ts';
import { failedNames, refusalOf } from './failures.ts';
import { type Budgets, WAITS } from './hold-back.ts';
import { useOf } from './order-use.ts';
import { publishedBy, unpublished } from './published.ts';
import { type ShownBudget, type UsedBudget, usedOf } from './shown.ts';
import { type LimitsState, NOTHING_USED, pruned } from './state.ts';
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

/** The limits of all CAs of a store. */
export interface Limits {
  /** What is known now of the limits of these CAs, read anew. No order may be under way. */
  look(directoryUrls: Iterable<string>): Promise<Budgets>;
  of(certificate: ObservedCertificate, names: readonly string[]): OrderBudget;
  /** How much is used, as last looked at. */
  used(directoryUrls: Iterable<string>): Promise<UsedBudget[]>;
}

export interface LimitsTools {
  storeOf: (directoryUrl: string) => LimitsStore;
  /** The registered domain of a name; loaded when it is needed. */
  domainOf: () => Promise<(name: string) => string>;
  /** Whether the published numbers count, or only what each CA says when it refuses. */
  isPublished: boolean;
  clock: Clock;
  log: Log;
}

/** A CA that does not answer its first order must not keep the others waiting. */
const FIRST_WITHIN_MS = 5_000;

interface Known {
  budget: CaBudget;
  /** The first order since the last look: what the CA says to it, the others need not be told one by one. */
  first: Promise<unknown> | undefined;
  /** The write that is to begin, of what is known then. */
  saving: Promise<void> | undefined;
  last: Promise<void>;
}

export function openLimits({ storeOf, domainOf, isPublished, clock, log }: LimitsTools): Limits {
  const known = new Map<string, Known>();
  /** Of CAs that were never asked: only to be shown. */
  const shown = new Map<string, ShownBudget>();
  const stateOf = async (directoryUrl: string): Promise<ShownBudget> => {
    const all = publishedBy(directoryUrl);
    const published = isPublished ? all : unpublished(all);
    const found = await storeOf(directoryUrl).read();
    return { published, state: found === undefined ? NOTHING_USED : pruned(found, published, clock.nowMs()) };
  };
  const read = async (directoryUrl: string): Promise<Known> => {
    const { published, state } = await stateOf(directoryUrl);
    const domains = published.limits.domain === undefined ? (name: string) => name : await domainOf();
    const budget = { published, state, domainOf: domains };
    const ca: Known = { budget, first: undefined, saving: undefined, last: Promise.resolve() };
    known.set(directoryUrl, ca);
    return ca;
  };
  /** Changes that come while one is written are written together. It may be lost, so failing at it is no failure. */
  const change = (directoryUrl: string, ca: Known, state: LimitsState): Promise<void> => {
    if (state === ca.budget.state) return ca.saving ?? ca.last;
    ca.budget = { ...ca.budget, state };
    ca.saving ??= ca.last.then(async () => {
      ca.saving = undefined;
      ca.last = storeOf(directoryUrl)
        .write(ca.budget.state)
        .catch((error: unknown) => log.warn('store.written', { problem: describeError(error) }));
      await ca.last;
    });
    return ca.saving;
  };
  return {
    async look(directoryUrls) {
      const found = new Map<string, CaBudget>();
      for (const url of directoryUrls) found.set(url, (await read(url)).budget);
      return found;
    },
    async used(directoryUrls) {
      const all = new Map<string, ShownBudget>();
      for (const url of directoryUrls) {
        const found = known.get(url)?.budget ?? shown.get(url) ?? (await stateOf(url));
        shown.set(url, found);
        all.set(url, found);
      }
      return usedOf(all, new Date(clock.nowMs()));
    },
    of(certificate, names) {
      const { directoryUrl } = certificate;
      const caOf = async (): Promise<Known> => known.get(directoryUrl) ?? (await read(directoryUrl));
      const useIn = ({ budget }: Known) =>
        useOf(certificate, names, false, budget.published, new Date(clock.nowMs()));
      const learn = (ca: Known, error: unknown): Promise<void> => {
        const said = refusalOf(error);
        if (said === undefined) return Promise.resolve();
        const state = refused(said.words, said.until, useIn(ca), ca.budget, clock.nowMs());
        return change(directoryUrl, ca, state);
      };
      const send = async <T>(ca: Known, newOrder: () => Promise<T>): Promise<T> => {
        await change(directoryUrl, ca, ordered(useIn(ca), ca.budget, clock.nowMs()));
        try {
          return await newOrder();
        } catch (error) {
          const isMade = error instanceof CertathonError && error.facts.outcome === 'unknown';
          if (!isMade) await change(directoryUrl, ca, notOrdered(useIn(ca), ca.budget, clock.nowMs()));
          await learn(ca, error);
          throw error;
        }
      };
      return {
        async ask(newOrder) {
          const ca = await caOf();
          if (ca.first !== undefined) await within(ca.first, FIRST_WITHIN_MS, clock);
          const verdict = verdictOf(useIn(ca), ca.budget, clock.nowMs());
          if (!verdict.fits)
            throw new CertathonError(WAITS, `No order for ${names.join(', ')} was sent: ${verdict.words}`, {
              retryAt: verdict.until,
            });
          const answer = send(ca, newOrder);
          ca.first ??= answer;
          return answer;
        },
        async issued() {
          const ca = await caOf();
          await change(directoryUrl, ca, issued(useIn(ca), ca.budget, clock.nowMs()));
        },
        async failed(error) {
          // The test CA counts for itself.
          if (error instanceof CertathonError && error.facts.atTestCa === true) throw error;
          const ca = await caOf();
          await learn(ca, error);
          const failed = failedNames(error);
          if (failed.length > 0)
            await change(directoryUrl, ca, notValidated(failed, ca.budget, clock.nowMs()));
          throw error;
        },
      };
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
