import { setTimeout as delay } from 'node:timers/promises';

/** Time as the program sees it. Tests pass a manual one (test/support/clock.ts), so that nothing sleeps. */
export interface Clock {
  /** Epoch milliseconds. */
  nowMs(): number;
  /** Milliseconds that only go forward, from some beginning: for how long something takes. The wall clock may be set
   * meanwhile, and a deadline by it would end at once, or never. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Node's timers overflow above 2^31-1 ms (24.8 days) and then fire at once, so long sleeps go in pieces;
 * the wall clock is read again after each, which also survives a suspended machine. One that was set back makes no
 * sleep longer. */
const LONGEST_TIMER_MS = 12 * 60 * 60 * 1000;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    const end = Date.now() + ms;
    for (let left = ms; left > 0; ) {
      const piece = Math.min(left, LONGEST_TIMER_MS);
      try {
        await delay(piece, undefined, signal === undefined ? {} : { signal });
      } catch (error) {
        throw signal?.aborted ? signal.reason : error;
      }
      left = Math.min(left - piece, end - Date.now());
    }
  },
};
