import type { Clock } from '../lib/clock.ts';
import { CertathonError } from '../lib/errors.ts';

/** Bounds of one wait between two questions. */
const SHORTEST_HINT_MS = 1_000;
const LONGEST_HINT_MS = 30_000;
/** Without a hint: 1, 1.5, 2.25, 3.4, 5, 5 … seconds. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 5_000;
const GROWTH = 1.5;
/** A single lost answer must not end an order; a CA that is down must not be asked for ever. */
const MAX_FAILURES = 3;

export interface Poll<T> {
  /** For messages: `the order …`. */
  what: string;
  ask: () => Promise<T>;
  isDone: (seen: T) => boolean;
  /** Hint of the answer before the first question. */
  firstAt?: Date | undefined;
  /** Epoch milliseconds after which no more is asked. */
  deadlineMs: number;
  clock: Clock;
  signal?: AbortSignal | undefined;
}

/** Waits, asks, and repeats until it is done. Waits as long as the CA says by Retry-After, within 1 to 30 s.
 * Up to two failures in a row that are the CA's trouble are passed over, when the time it asks for is left.
 * @throws ACME_UNREACHABLE at the deadline, or the last failure   @throws the signal's reason
 * @source RFC 8555 7.5.1, 7.4 */
export async function pollUntil<T extends { status: string; retryAt?: Date }>(poll: Poll<T>): Promise<T> {
  const { clock, deadlineMs } = poll;
  let growingMs = FIRST_WAIT_MS;
  let hint = poll.firstAt;
  let failures = 0;
  let status = 'unknown';
  for (;;) {
    const nowMs = clock.nowMs();
    if (nowMs >= deadlineMs) throw undecided(poll.what, status);
    const waitMs = hint === undefined ? growingMs : clamp(hint.getTime() - nowMs);
    if (hint === undefined) growingMs = Math.min(growingMs * GROWTH, LONGEST_WAIT_MS);
    await clock.sleep(Math.min(waitMs, deadlineMs - nowMs), poll.signal);
    try {
      const seen = await poll.ask();
      if (poll.isDone(seen)) return seen;
      failures = 0;
      hint = seen.retryAt;
      status = seen.status;
    } catch (error) {
      failures += 1;
      if (failures >= MAX_FAILURES || !isTrouble(error, deadlineMs)) throw error;
      hint = error.retryAt;
    }
  }
}

/** CA trouble that may be over before the deadline: the time the CA asks for is never cut short. */
function isTrouble(error: unknown, deadlineMs: number): error is CertathonError {
  if (!(error instanceof CertathonError) || !['ACME_UNREACHABLE', 'ACME_RATE_LIMITED'].includes(error.code))
    return false;
  if (error.retryAt === undefined) return error.code === 'ACME_UNREACHABLE';
  return error.retryAt.getTime() < deadlineMs;
}

function clamp(ms: number): number {
  return Math.min(Math.max(ms, SHORTEST_HINT_MS), LONGEST_HINT_MS);
}

function undecided(what: string, status: string): CertathonError {
  return new CertathonError(
    'ACME_UNREACHABLE',
    `CA did not decide on ${what} in time, its status is ${status}`,
  );
}
