import { namesOf } from './certificates/find-certificate.ts';
import { type Limits, openLimits } from './certificates/limits/budgets.ts';
import { useOf } from './certificates/limits/order-use.ts';
import { nothingPublished, publishedBy } from './certificates/limits/published.ts';
import { type LimitVerdict, verdictOf } from './certificates/limits/verdict.ts';
import type { StoredEntry } from './certificates/store-catalogue.ts';
import { openLimitsStore } from './certificates/store-limits.ts';
import type { Config } from './config/config.ts';
import type { Clock } from './lib/clock.ts';
import type { Log } from './lib/log.ts';

interface LimitsOf {
  config: Config;
  clock: Clock;
  log: Log;
}

/** The registered domain of a name. The list of public suffixes is loaded by whoever asks first. */
export async function domainOf(): Promise<(name: string) => string> {
  return (await import('./certificates/registered-domain.ts')).registeredDomainOf;
}

/** The model of the limits of every CA, kept in the store beside the account at each. */
export function openCaLimits({ config, clock, log }: LimitsOf): Limits {
  return openLimits({
    storeOf: (directoryUrl) => openLimitsStore(config.store, directoryUrl, log),
    domainOf,
    publishedBy: config.caLimits === 'published' ? publishedBy : nothingPublished,
    clock,
    log,
  });
}

/** Whether an order for a certificate of the store would stay within the limits now. */
export async function limitNow(running: LimitsOf, entry: StoredEntry): Promise<LimitVerdict> {
  const { config, clock } = running;
  const now = new Date(clock.nowMs());
  const directoryUrl = entry.record?.choice.directoryUrl ?? config.acmeDirectory;
  const budget = (await openCaLimits(running).look([directoryUrl])).get(directoryUrl);
  if (budget === undefined) return { fits: true };
  const use = useOf(
    { ...entry, directoryUrl },
    namesOf(entry),
    entry.order?.url !== undefined,
    budget.published,
    now,
  );
  return verdictOf(use, budget, now.getTime());
}
