import type { Clock } from './clock.ts';

/** Passes on request, one at a time: at a time that the last pass named, on a schedule, and when something
 * happened. Requests that come while a pass runs, or shortly after one another, become one. */
export interface LoopOptions {
  clock: Clock;
  signal: AbortSignal;
  /** One pass. @returns when another one makes sense by itself */
  pass: (reasons: readonly string[]) => Promise<{ checkAgainAt: Date | undefined }>;
  /** The next time of the schedule after a moment, jitter included. */
  nextScheduled: (after: Date) => Date;
  /** A request waits this long for others before its pass begins. */
  quietMs: number;
}

export interface Loop {
  /** Resolves when the signal is aborted and the running pass has ended. */
  finished: Promise<void>;
  /** Asks for a pass soon. Never throws, never waits. */
  request(reason: string): void;
}

/** The wall clock is looked at this often, so that a jump of the clock or a suspended machine is noticed. */
const LOOK_EVERY_MS = 60_000;
/** Never pass after pass without a breath, whatever asks for them. */
const LEAST_PAUSE_MS = 1_000;

/** A step back of the wall clock by more than this is a correction of it. */
const CLOCK_STEP_MS = 60_000;

export function startLoop(options: LoopOptions): Loop {
  const { clock, signal } = options;
  const reasons = new Set<string>();
  let wake = new AbortController();

  async function sleep(ms: number, ...early: AbortSignal[]): Promise<void> {
    await clock.sleep(ms, AbortSignal.any([signal, ...early])).catch(() => undefined);
  }

  async function waitForReason(nextAt: Date, scheduledAt: Date): Promise<void> {
    for (let lookedMs = clock.nowMs(); !signal.aborted; ) {
      if (reasons.size > 0) return sleep(options.quietMs);
      const nowMs = clock.nowMs();
      // Times that were named by a clock far ahead would come months too late.
      if (nowMs < lookedMs - CLOCK_STEP_MS) return void reasons.add('clock');
      lookedMs = nowMs;
      if (nowMs >= scheduledAt.getTime()) return void reasons.add('schedule');
      if (nowMs >= nextAt.getTime()) return void reasons.add('due');
      if (wake.signal.aborted) wake = new AbortController();
      const leftMs = Math.min(nextAt.getTime(), scheduledAt.getTime()) - nowMs;
      await sleep(Math.min(LOOK_EVERY_MS, leftMs), wake.signal);
    }
  }

  async function run(): Promise<void> {
    reasons.add('start');
    for (let first = true; !signal.aborted; first = false) {
      if (!first) await sleep(LEAST_PAUSE_MS);
      const now = [...reasons];
      reasons.clear();
      const scheduledAt = options.nextScheduled(new Date(clock.nowMs()));
      const { checkAgainAt } = await options.pass(now);
      await waitForReason(checkAgainAt ?? scheduledAt, scheduledAt);
    }
  }

  return {
    finished: run(),
    request(reason) {
      reasons.add(reason);
      wake.abort();
    },
  };
}
