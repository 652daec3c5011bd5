// pure
import type { CertificateFacts } from '../delivery/bundle.ts';
import type { CertathonError } from '../lib/errors.ts';
import { momentMs } from './renewal-info.ts';
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

/** About which certificate something is written down. */
export type Subject = Pick<RenewalInfo, 'fingerprint' | 'directoryUrl' | 'since' | 'restUntil'>;

/** What is written down after a look that failed: what was known stays. Pure. */
export function afterFailure(
  subject: Subject,
  before: RenewalInfo | undefined,
  failure: Pick<CertathonError, 'code' | 'retryAt' | 'facts'>,
  nowMs: number,
): RenewalInfo {
  const failures = (before?.failures ?? 0) + 1;
  const askAt = new Date(nowMs + lookAgainMs(failure, failures, nowMs));
  return { ...before, ...subject, askAt, failures };
}

/** A certificate that the CA wants renewed as soon as it is there, after one of which it wanted the same, is not renewed on
 * its word alone for a day, or an eighth of the lifetime: else a CA that says "now" of every certificate would be asked for
 * one after the other without an end. Pure.
 * @param previous what is known of the certificate before it
 * @returns until when, where that is so */
export function restAfter(
  previous: RenewalInfo | undefined,
  { notBefore, notAfter }: Pick<CertificateFacts, 'notBefore' | 'notAfter'>,
  nowMs: number,
): Date | undefined {
  const wantedMs = previous === undefined ? undefined : momentMs(previous);
  if (previous === undefined || wantedMs === undefined) return undefined;
  const restMs = Math.min(MOST_MS, (notAfter.getTime() - notBefore.getTime()) / 8);
  return wantedMs < previous.since.getTime() + restMs ? new Date(Math.round(nowMs + restMs)) : undefined;
}

/** Is it another window than before? Pure. */
export function isMoved(
  before: RenewalInfo | undefined,
  { start, end }: NonNullable<RenewalInfo['window']>,
): boolean {
  if (before?.window === undefined) return false;
  return before.window.start.getTime() !== start.getTime() || before.window.end.getTime() !== end.getTime();
}
