import { shownAs, storesWith } from './adoption.ts';
import { type PassPolicy, runPass, withSignal } from './certificates/pass.ts';
import type { PassResult } from './certificates/pass-result.ts';
import { withStoreLock } from './certificates/store-lock.ts';
import type { StoreSet } from './certificates/store-set.ts';
import type { Config } from './config/config.ts';
import { policyOf } from './policy.ts';
import type { Wiring } from './wiring.ts';

/** What a person asks of a pass beside what is due. */
export interface Wish extends Pick<PassPolicy, 'forced' | 'restores' | 'forgets'> {
  /** A try now, whatever earlier failures say. */
  isAsked?: boolean;
  /** Written down before the world is looked at, in the same turn of the store. */
  before?: (stores: StoreSet) => Promise<void>;
  /** It was started to do what is due, as a cron does it again and again. */
  isRun?: boolean;
}

/** Passes of others may hold the store for as long as a delivery takes. */
export const LOCK_WAIT_MS = 30 * 60_000;

/** One pass, by the only writer of the store; a dry run needs no turn.
 * @throws STORE_LOCKED, STORE_UNUSABLE, the reason of an aborted signal */
export async function passOn(
  wiring: Wiring,
  config: Config,
  { dryRun, isAsked = false, isRun = false, before, ...asked }: Wish & { dryRun: boolean },
  reasons: readonly string[],
): Promise<PassResult> {
  const { tools } = wiring;
  const { clock, log, signal } = tools;
  const nextRunAt = isRun ? await nextRun(tools.stores, clock.nowMs()) : undefined;
  const policy = (): PassPolicy => ({
    ...policyOf(config),
    ...asked,
    ...(isAsked ? { askedAt: new Date(clock.nowMs()) } : {}),
    ...(nextRunAt === undefined ? {} : { nextRunAt }),
  });
  log.debug('pass.started', { reasons, forced: asked.forced, dryRun });
  if (dryRun) {
    const planned = await wiring.adoption.due();
    if (planned === undefined) return runPass(tools, policy(), true);
    const stores = storesWith(tools.stores, planned, new Date(clock.nowMs()));
    return { ...(await runPass({ ...tools, stores }, policy(), true)), adoption: shownAs(planned) };
  }
  return withStoreLock(config.store, { waitMs: LOCK_WAIT_MS, clock, log, signal }, async (lost) => {
    await wiring.challenges.sweep(clock.nowMs());
    await before?.(tools.stores);
    if (isRun) await tools.stores.looks.saveRun(new Date(clock.nowMs()));
    const stop = AbortSignal.any([signal, lost]);
    const planned = await wiring.adoption.due();
    if (planned !== undefined) await wiring.adoption.take(planned, stop);
    const result = await runPass(withSignal(tools, stop), policy(), false);
    return planned === undefined ? result : { ...result, adoption: shownAs(planned) };
  });
}

/** A cron comes at least once a day, or it is none. */
const LONGEST_INTERVAL_MS = 86_400_000;

/** When the program will be started again, if the time since the last start comes once more: what is due before that
 * is due now. Unknown at the first.   @source RFC 9773 4.2 */
async function nextRun({ looks }: Pick<StoreSet, 'looks'>, nowMs: number): Promise<Date | undefined> {
  const ranAt = await looks.ranAt();
  if (ranAt === undefined || ranAt.getTime() > nowMs) return undefined;
  return new Date(nowMs + Math.min(LONGEST_INTERVAL_MS, nowMs - ranAt.getTime()));
}
