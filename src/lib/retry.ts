import type { Clock } from './clock.ts';
import { CertathonError, ERRORS } from './errors.ts';

export interface RetryPolicy {
  name: string;
  /** Waits between the tries, in milliseconds; one try more than waits. */
  delaysMs: readonly number[];
  /** The longest Retry-After that is waited for; a longer one ends the tries at once. */
  longestWaitMs: number;
}

/** Every policy of the program. Waits only; the time that the tries themselves take comes on top. */
export const RETRIES = {
  /** Requests that change nothing. Running total: 0.5 s, 2 s, 5 s, 10 s, 20 s: an election of Marathon's
   * leader usually ends inside it, and each answer without a leader is held for 2.75 s besides. */
  read: { name: 'read', delaysMs: [500, 1_500, 3_000, 5_000, 10_000], longestWaitMs: 30_000 },
  /** Requests that change something: repeated only where nothing was sent. Running total: 1 s, 4 s. */
  write: { name: 'write', delaysMs: [1_000, 3_000], longestWaitMs: 10_000 },
} as const satisfies Record<string, RetryPolicy>;

export interface RetryHooks {
  /** Is another try worth it? Default: a CertathonError whose code says `retry` in the table. */
  when?: (error: unknown) => boolean;
  /** Told before each wait; `attempt` is the number of the try that failed, from 1. */
  onRetry?: (failed: { attempt: number; waitMs: number; error: unknown }) => void;
}

/** Tries until it works, the policy is used up, or the error says that a repeat is pointless.
 * @param attempt gets the number of the try, from 1
 * @throws the error itself when it is not repeated; after giving up an error of the same code with the last
 *   one as cause; the signal's reason when aborted */
export async function withRetry<T>(
  policy: RetryPolicy,
  clock: Clock,
  signal: AbortSignal | undefined,
  attempt: (number: number) => Promise<T>,
  hooks: RetryHooks = {},
): Promise<T> {
  const { when = saysRetry, onRetry } = hooks;
  const startMs = clock.nowMs();
  for (let number = 1; ; number++) {
    signal?.throwIfAborted();
    try {
      return await attempt(number);
    } catch (error) {
      if (signal?.aborted || !when(error)) throw error;
      const waitMs = nextWaitMs(policy, number, error, clock.nowMs());
      if (waitMs === undefined) throw number === 1 ? error : givenUp(error, number, clock.nowMs() - startMs);
      onRetry?.({ attempt: number, waitMs, error });
      await clock.sleep(waitMs, signal);
    }
  }
}

function saysRetry(error: unknown): boolean {
  return error instanceof CertathonError && ERRORS[error.code].retry;
}

function nextWaitMs(policy: RetryPolicy, number: number, error: unknown, nowMs: number): number | undefined {
  const delayMs = policy.delaysMs[number - 1];
  if (delayMs === undefined) return undefined;
  const askedMs = error instanceof CertathonError && error.retryAt ? error.retryAt.getTime() - nowMs : 0;
  return askedMs > policy.longestWaitMs ? undefined : Math.max(delayMs, askedMs);
}

function givenUp(error: unknown, tries: number, elapsedMs: number): unknown {
  if (!(error instanceof CertathonError)) return error;
  const { retryAt, facts } = error;
  return new CertathonError(error.code, `Gave up after ${tries} tries in ${Math.round(elapsedMs / 1000)} s`, {
    cause: error,
    ...(retryAt === undefined ? {} : { retryAt }),
    facts: { ...facts, tries },
  });
}
