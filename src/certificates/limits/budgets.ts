import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { LimitsStore } from '../store-limits.ts';
import type { ObservedCertificate } from '../world.ts';
import type { Budgets } from './hold-back.ts';
import { type KeptBudget, keptBudget } from './kept-budget.ts';
import { type OrderBudget, orderBudget } from './order-budget.ts';
import type { Published } from './published.ts';
import { type ShownBudget, type UsedBudget, usedOf } from './shown.ts';
import { NOTHING_USED, pruned } from './state.ts';
import type { CaBudget } from './verdict.ts';

/** The limits of all CAs of a store. */
export interface Limits {
  /** What is known now of the limits of these CAs, read anew. No order may be under way. */
  look(directoryUrls: Iterable<string>): Promise<Budgets>;
  /** For one order. */
  of(certificate: ObservedCertificate, names: readonly string[]): OrderBudget;
  /** How much is used, as last looked at. */
  used(directoryUrls: Iterable<string>): Promise<UsedBudget[]>;
}

export interface LimitsTools {
  storeOf: (directoryUrl: string) => LimitsStore;
  /** The registered domain of a name; loaded when it is needed. */
  domainOf: () => Promise<(name: string) => string>;
  publishedBy: (directoryUrl: string) => Published;
  clock: Clock;
  log: Log;
}

export function openLimits({ storeOf, domainOf, publishedBy, clock, log }: LimitsTools): Limits {
  const kept = new Map<string, Promise<KeptBudget>>();
  /** Of CAs that were never asked: only to be shown. */
  const shown = new Map<string, ShownBudget>();
  const read = async (directoryUrl: string): Promise<ShownBudget> => {
    const published = publishedBy(directoryUrl);
    const found = await storeOf(directoryUrl).read();
    return { published, state: found === undefined ? NOTHING_USED : pruned(found, published, clock.nowMs()) };
  };
  const readWhole = async (directoryUrl: string): Promise<KeptBudget> => {
    const found = await read(directoryUrl);
    const isAsked = found.published.limits.domain !== undefined;
    const budget = { ...found, domainOf: isAsked ? await domainOf() : (name: string) => name };
    return keptBudget(budget, storeOf(directoryUrl), log);
  };
  const readAnew = (directoryUrl: string): Promise<KeptBudget> => {
    const found = readWhole(directoryUrl);
    kept.set(directoryUrl, found);
    return found;
  };
  return {
    async look(directoryUrls) {
      const found = new Map<string, CaBudget>();
      for (const url of directoryUrls) found.set(url, (await readAnew(url)).now());
      return found;
    },
    of: (certificate, names) => {
      const { directoryUrl } = certificate;
      return orderBudget(certificate, names, () => kept.get(directoryUrl) ?? readAnew(directoryUrl), clock);
    },
    async used(directoryUrls) {
      for (const url of directoryUrls) {
        const found = (await kept.get(url))?.now() ?? shown.get(url) ?? (await read(url));
        shown.set(url, found);
      }
      return usedOf(shown, new Date(clock.nowMs()));
    },
  };
}
