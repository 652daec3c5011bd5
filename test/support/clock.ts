import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/lib/clock.ts';

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Moves time by `ms`, waking sleepers in the order of their due times; what they do next (also further
   * sleeps that end inside the span) happens at the time they were due, not at the end of the span. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock forward, or back; nothing wakes by it. */
  set(ms: number): void;
  /** How many sleeps are waiting now. */
  sleeping(): number;
  /** Milliseconds until the next sleeper is due; undefined when nobody sleeps. */
  nextDueMs(): number | undefined;
  /** Waits (in real time, for real I/O to end) until at least `count` sleeps are waiting. */
  untilSleeping(count?: number, deadlineMs?: number): Promise<void>;
}

interface Sleeper {
  dueMs: number;
  wake: () => void;
}

/** @param startMs epoch milliseconds at which the clock stands */
export function manualClock(startMs: number = Date.UTC(2026, 0, 1)): ManualClock {
  let nowMs = startMs;
  let setMs = 0;
  const sleepers = new Set<Sleeper>();
  const next = () => [...sleepers].sort((a, b) => a.dueMs - b.dueMs)[0];
  return {
    nowMs: () => nowMs + setMs,
    monotonicMs: () => nowMs,
    set: (ms) => {
      setMs += ms;
    },
    sleep(ms, signal) {
      if (signal?.aborted) return Promise.reject(signal.reason);
      if (ms <= 0) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const sleeper: Sleeper = {
          dueMs: nowMs + ms,
          wake: () => {
            sleepers.delete(sleeper);
            signal?.removeEventListener('abort', onAbort);
            resolve();
          },
        };
        const onAbort = () => {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        sleepers.add(sleeper);
      });
    },
    async advance(ms) {
      const endMs = nowMs + ms;
      await setImmediate();
      for (let due = next(); due !== undefined && due.dueMs <= endMs; due = next()) {
        nowMs = Math.max(nowMs, due.dueMs);
        due.wake();
        await setImmediate();
      }
      nowMs = endMs;
      await setImmediate();
    },
    sleeping: () => sleepers.size,
    nextDueMs: () => {
      const due = next();
      return due === undefined ? undefined : due.dueMs - nowMs;
    },
    async untilSleeping(count = 1, deadlineMs = 10_000) {
      const end = Date.now() + deadlineMs;
      while (sleepers.size < count) {
        if (Date.now() > end) throw new Error(`Only ${sleepers.size} of ${count} sleeps began`);
        await setImmediate();
      }
    },
  };
}
