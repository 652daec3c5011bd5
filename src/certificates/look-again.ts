// pure
import type { CertathonError } from '../lib/errors.ts';
import type { RenewalInfo } from './store-schema.ts';

/** When a CA is asked again about a renewal after it did not say. */

/** A CA that does not speak of renewals. */
export const WITHOUT_INFO_MS = 86_400_000;
/** What is no passing trouble. @source RFC 9773 4.3.3: "the client MUST retry after six hours" */
const LONG_MS = 6 * 3_600_000;
/** Passing trouble: 5, 10, 20, 40 min, then as above. */
const SHORT_MS = 5 * 60_000;
const TRIES = 4;
const LEAST_MS = 60_000;
const MOST_MS = 86_400_000;

/** How long until the next look, milliseconds. Pure. What the CA says of the time counts, between a minute and a day.
 * @param failures in a row, this one included
 * @source RFC 9773 4.3.3: timeouts and 5xx are tried again with exponential backoff, a few times */
export function lookAgainMs(
  { code, retryAt, facts }: Pick<CertathonError, 'code' | 'retryAt' | 'facts'>,
  failures: number,
  nowMs: number,
): number {
  if (retryAt !== undefined) return Math.min(MOST_MS, Math.max(LEAST_MS, retryAt.getTime() - nowMs));
  const isPassing = code === 'ACME_UNREACHABLE' && facts.outcome !== 'not-sent';
  return isPassing && failures <= TRIES ? SHORT_MS * 2 ** (failures - 1) : LONG_MS;
}

/** What is written down after a look that failed: what was known stays. Pure. */
export function afterFailure(
  subject: Pick<RenewalInfo, 'fingerprint' | 'directoryUrl'>,
  before: RenewalInfo | undefined,
  failure: Pick<CertathonError, 'code' | 'retryAt' | 'facts'>,
  nowMs: number,
): RenewalInfo {
  const failures = (before?.failures ?? 0) + 1;
  const askAt = new Date(nowMs + lookAgainMs(failure, failures, nowMs));
  return { ...before, ...subject, askAt, failures };
}

/** Is it another window than before? Pure. */
export function isMoved(
  before: RenewalInfo | undefined,
  { start, end }: NonNullable<RenewalInfo['window']>,
): boolean {
  if (before?.window === undefined) return false;
  return before.window.start.getTime() !== start.getTime() || before.window.end.getTime() !== end.getTime();
}
