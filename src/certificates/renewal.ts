// pure
import type { CertificateFacts } from '../delivery/bundle.ts';
import type { OrderReason } from './model.ts';

export type RenewalVerdict =
  | { due: true; reason: OrderReason }
  | { due: false; dueAt: Date; clockWrong: boolean };

/** Boulder and most CAs set notBefore an hour back; a certificate from the future means a wrong clock here. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;
/** Renewals of one day spread over this share of a lifetime, so that a fleet does not ask at one moment. */
const SPREAD = 0.02;

/** Is a new certificate due, and if not, when? Pure.
 * Due when `renewAt` of the lifetime is left, minus a spread derived from the certificate's own hash, so that
 * asking twice gives one answer. Never a number of days: lifetimes shrink from 90 to 45 days and to 160 hours.
 *
 *   lifetime 90 d, renewAt 1/3 → due between day 58.2 and day 60
 *   lifetime 160 h, renewAt 1/3 → due between hour 103.5 and hour 106.7
 *
 * @param wanted the names that must be covered; a certificate that covers more is kept */
export function renewalVerdict(
  current: CertificateFacts | undefined,
  wanted: readonly string[],
  policy: { renewAt: number; forced: boolean },
  now: Date,
): RenewalVerdict {
  if (current === undefined) return { due: true, reason: 'missing' };
  if (policy.forced) return { due: true, reason: 'forced' };
  if (!coversAll(current.names, wanted)) return { due: true, reason: 'names-missing' };
  if (now >= current.notAfter) return { due: true, reason: 'expired' };
  const dueAt = dueTime(current, policy.renewAt);
  const clockWrong = isTooEarly(current, now);
  if (!clockWrong && now >= dueAt) return { due: true, reason: 'lifetime-share' };
  return { due: false, dueAt, clockWrong };
}

/** It begins in the future, so a clock is wrong. */
export function isTooEarly({ notBefore }: Pick<CertificateFacts, 'notBefore'>, now: Date): boolean {
  return now.getTime() < notBefore.getTime() - CLOCK_TOLERANCE_MS;
}

/** The moment at which a certificate becomes due. Lifetime as RFC 5280 4.1.2.5 counts it, both ends included. */
export function dueTime(certificate: CertificateFacts, renewAt: number): Date {
  const lifetimeMs = certificate.notAfter.getTime() - certificate.notBefore.getTime() + 1000;
  const spreadMs = lifetimeMs * SPREAD * hashShare(certificate.fingerprint);
  return new Date(Math.round(certificate.notAfter.getTime() - lifetimeMs * renewAt - spreadMs));
}

/** Does a certificate with these names serve every wanted one? A wildcard serves one label (RFC 6125 6.4.3). */
export function coversAll(names: readonly string[], wanted: readonly string[]): boolean {
  const have = new Set(names);
  return wanted.every((name) => have.has(name) || have.has(name.replace(/^[^.]+/, '*')));
}

/** A number in [0, 1): a fingerprint is a hash already. @param fingerprint lower-case hex */
function hashShare(fingerprint: string): number {
  return Number.parseInt(fingerprint.slice(0, 8), 16) / 2 ** 32;
}
