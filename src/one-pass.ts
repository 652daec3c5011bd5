import { shownAs, storesWith } from './adoption.ts';
import { type PassPolicy, runPass, withSignal } from './certificates/pass.ts';
import type { PassResult } from './certificates/pass-result.ts';
import { withStoreLock } from './certificates/store-lock.ts';
import type { StoreSet } from './certificates/store-set.ts';
import type { Config } from './config/config.ts';
import { policyOf, type Wiring } from './wiring.ts';

/** What a person asks of a pass beside what is due. */
export interface Wish extends Pick<PassPolicy, 'forced' | 'restores' | 'forgets'> {
  /** A try now, whatever earlier failures say. */
  isAsked?: boolean;
  /** Written down before the world is looked at, in the same turn of the store. */
  before?: (stores: StoreSet) => Promise<void>;
}

/** Passes of others may hold the store for as long as a delivery takes. */
export const LOCK_WAIT_MS = 30 * 60_000;

/** One pass, by the only writer of the store; a dry run needs no turn.
 * @throws STORE_LOCKED, STORE_UNUSABLE, the reason of an aborted signal */
export async function passOn(
  wiring: Wiring,
  config: Config,
  { dryRun, isAsked = false, before, ...asked }: Wish & { dryRun: boolean },
  reasons: readonly string[],
): Promise<PassResult> {
  const { tools } = wiring;
  const { clock, log, signal } = tools;
  const policy = (): PassPolicy => ({
    ...policyOf(config),
    ...asked,
    ...(isAsked ? { askedAt: new Date(clock.nowMs()) } : {}),
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
    const stop = AbortSignal.any([signal, lost]);
    const planned = await wiring.adoption.due();
    if (planned !== undefined) await wiring.adoption.take(planned, stop);
    const result = await runPass(withSignal(tools, stop), policy(), false);
    return planned === undefined ? result : { ...result, adoption: shownAs(planned) };
  });
}
