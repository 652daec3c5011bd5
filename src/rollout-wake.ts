import type { Clock } from './lib/clock.ts';

/** Waits that end early when something happens. */
export interface AlertWait {
  /** Something happened. */
  stir(): void;
  wait(ms: number): Promise<void>;
}

/** Events come in swarms: of ten tasks that start, each tells of six things. */
const SHORTEST_MS = 100;
/** What belongs together comes together: a task is healthy, and so a deployment is over. */
const TOGETHER_MS = 15;

/** Waits between looks. What happened since the last wait ended counts as well: a look takes long enough for Marathon
 * to be done with a step meanwhile, and then nothing more would come to end the wait.
 * @param until waits, and ends early with an event */
export function newAlertWait(
  { clock, signal }: { clock: Pick<Clock, 'sleep'>; signal: AbortSignal },
  until: (ms: number) => Promise<void>,
): AlertWait {
  let isStirred = false;
  return {
    stir: () => {
      isStirred = true;
    },
    wait: async (ms) => {
      const shortestMs = Math.min(ms, SHORTEST_MS);
      await clock.sleep(shortestMs, signal);
      if (!isStirred && ms > shortestMs) {
        await until(ms - shortestMs);
        if (isStirred) await clock.sleep(TOGETHER_MS, signal);
      }
      isStirred = false;
    },
  };
}
