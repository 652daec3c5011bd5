// pure
import type { CertificateFacts } from '../delivery/bundle.ts';
import type { CertificatePolicy, OrderReason } from './model.ts';
import { freshUntilMs, momentMs } from './renewal-info.ts';
import type { RenewalInfo } from './store-schema.ts';

/** What makes a certificate due by the time alone. Three answers that know nothing of one another, so that one fault,
 * ours or the CA's, can not let a certificate lapse. */

export interface TriggerInput {
  certificate: CertificateFacts;
  /** What the CA said about this very certificate. */
  info: RenewalInfo | undefined;
  policy: Pick<CertificatePolicy, 'renewAt' | 'nextRunAt'>;
  nowMs: number;
}

export interface Trigger {
  reason: Extract<OrderReason, 'renewal-info' | 'lifetime-share' | 'emergency'>;
  /** When it makes the certificate due, epoch milliseconds; undefined where it says nothing. */
  dueMs: (input: TriggerInput) => number | undefined;
}

/** Under this a lifetime counts as short. @source letsencrypt.org/docs/integration-guide, "When to Renew" */
const SHORT_MS = 10 * 86_400_000;
/** Renewals of one day spread over this share of a lifetime, so that a fleet does not ask at one moment. */
const SPREAD = 0.02;
/** Whatever the CA says, no less than this share of the lifetime is left. */
const EMERGENCY = 1 / 20;

/** The most telling first. */
export const TRIGGERS: readonly Trigger[] = [
  { reason: 'emergency', dueMs: emergencyMs },
  { reason: 'renewal-info', dueMs: infoMs },
  { reason: 'lifetime-share', dueMs: shareMs },
];

/** The one that has come, or the one that comes first. Pure. One that fails, or says no time, says nothing. */
export function firstTrigger(
  input: TriggerInput,
  triggers: readonly Trigger[] = TRIGGERS,
): { reason: Trigger['reason']; dueMs: number } | undefined {
  let reason: Trigger['reason'] | undefined;
  let firstMs = Number.POSITIVE_INFINITY;
  for (const trigger of triggers) {
    const atMs = quietly(trigger.dueMs, input);
    if (atMs <= input.nowMs) return { reason: trigger.reason, dueMs: atMs };
    if (atMs < firstMs) {
      firstMs = atMs;
      reason = trigger.reason;
    }
  }
  return reason === undefined ? undefined : { reason, dueMs: firstMs };
}

/** Infinity where it says nothing. */
function quietly(dueMs: Trigger['dueMs'], input: TriggerInput): number {
  try {
    const atMs = dueMs(input) ?? Number.POSITIVE_INFINITY;
    return Number.isFinite(atMs) ? atMs : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** The moment inside the CA's window; one in the past is now. */
function infoMs({ info, policy, nowMs }: TriggerInput): number | undefined {
  const atMs = info === undefined ? undefined : momentMs(info);
  if (atMs === undefined) return undefined;
  return unlessAsleep(Math.max(atMs, info?.restUntil?.getTime() ?? atMs), policy, nowMs);
}

/** A share of the lifetime, for as long as the CA says nothing else. */
function shareMs({ certificate, info, policy, nowMs }: TriggerInput): number {
  const atMs = shareTimeMs(certificate, policy.renewAt);
  const freshMs = info === undefined ? Number.NaN : (freshUntilMs(info, nowMs) ?? Number.NaN);
  // What is no time leaves the share as it is.
  return freshMs > atMs ? freshMs : atMs;
}

function emergencyMs({ certificate, policy, nowMs }: TriggerInput): number | undefined {
  const atMs = certificate.notAfter.getTime() - lifetimeMs(certificate) * EMERGENCY;
  return unlessAsleep(Math.round(atMs), policy, nowMs);
}

/** A program that is started by a cron can not wake at the moment: the last run before it acts.
 * @source RFC 9773 4.2: "if the selected time is before the next time that the client would wake up normally, attempt
 *   renewal immediately" */
function unlessAsleep(
  atMs: number | undefined,
  { nextRunAt }: TriggerInput['policy'],
  nowMs: number,
): number | undefined {
  if (atMs === undefined || nextRunAt === undefined || atMs >= nextRunAt.getTime()) return atMs;
  return Math.min(atMs, nowMs);
}

/** When the given share of the lifetime is left, less a spread derived from the certificate's own hash, so that asking
 * twice gives one answer. Pure. Never a number of days: lifetimes shrink from 90 to 45 days and to 160 hours.
 *
 *   lifetime 90 d, auto → between day 58.2 and day 60
 *   lifetime 160 h, auto → between hour 76.8 and hour 80
 *   lifetime 90 d, 1/2 → between day 43.2 and day 45
 *
 * @param renewAt the operator's share, or auto
 * @returns epoch milliseconds */
export function shareTimeMs(certificate: CertificateFacts, renewAt: number | 'auto'): number {
  const wholeMs = lifetimeMs(certificate);
  const share = renewAt === 'auto' ? (wholeMs < SHORT_MS ? 1 / 2 : 1 / 3) : renewAt;
  const spreadMs = wholeMs * SPREAD * hashShare(certificate.fingerprint);
  return Math.round(certificate.notAfter.getTime() - wholeMs * share - spreadMs);
}

/** As RFC 5280 4.1.2.5 counts it, both ends included. */
function lifetimeMs({ notBefore, notAfter }: CertificateFacts): number {
  return notAfter.getTime() - notBefore.getTime() + 1000;
}

/** A number in [0, 1): a fingerprint is a hash already. @param fingerprint lower-case hex */
function hashShare(fingerprint: string): number {
  return Number.parseInt(fingerprint.slice(0, 8), 16) / 2 ** 32;
}
