import type { Clock } from '../lib/clock.ts';

/** Waiting for Marathon: an event ends the wait at once, the poll interval ends it in any case. Events are a
 * hint only (no ids, no replay), so callers read everything again after each wait. */
export interface Wake {
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** Opens the event stream while somebody waits; `serve` holds it open for good. */
  hold(): () => void;
}

/** @param open opens the stream, calls back on each event, and returns how to close it */
export function createWake(clock: Clock, open: (onEvent: () => void) => () => void): Wake {
  const waiting = new Set<() => void>();
  let holders = 0;
  let close: (() => void) | undefined;
  return {
    async wait(ms, signal) {
      const woken = new AbortController();
      const wake = (): void => woken.abort();
      waiting.add(wake);
      try {
        await clock.sleep(ms, AbortSignal.any([signal, woken.signal]));
      } catch (error) {
        if (signal.aborted || !woken.signal.aborted) throw error;
      } finally {
        waiting.delete(wake);
      }
    },
    hold() {
      holders += 1;
      close ??= open(() => {
        for (const wake of waiting) wake();
      });
      let released = false;
      return () => {
        if (released) return;
        released = true;
        holders -= 1;
        if (holders > 0) return;
        close?.();
        close = undefined;
      };
    },
  };
}
