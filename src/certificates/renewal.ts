// pure
import type { CertificateFacts } from '../delivery/bundle.ts';
import type { CertificatePolicy, OrderReason } from './model.ts';
import { firstTrigger } from './renewal-triggers.ts';
import type { RenewalInfo } from './store-schema.ts';

export type RenewalVerdict =
  | { due: true; reason: OrderReason }
  | { due: false; dueAt: Date; clockWrong: boolean };

/** Boulder and most CAs set notBefore an hour back; a certificate from the future means a wrong clock here. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

export type RenewalPolicy = Pick<CertificatePolicy, 'renewAt' | 'asksRenewal' | 'nextRunAt'>;

/** Is a new certificate due, and if not, when? Pure.
 * @param wanted the names that must be covered; a certificate that covers more is kept
 * @param info what the CA said; that about another certificate does not count */
export function renewalVerdict(
  current: CertificateFacts | undefined,
  wanted: readonly string[],
  policy: RenewalPolicy & { forced: boolean },
  now: Date,
  info?: RenewalInfo | undefined,
): RenewalVerdict {
  if (current === undefined) return { due: true, reason: 'missing' };
  if (policy.forced) return { due: true, reason: 'forced' };
  if (!coversAll(current.names, wanted)) return { due: true, reason: 'names-missing' };
  if (now >= current.notAfter) return { due: true, reason: 'expired' };
  const { reason, dueMs } = dueTime(current, policy, now, info);
  const clockWrong = isTooEarly(current, now);
  if (!clockWrong && dueMs <= now.getTime()) return { due: true, reason };
  return { due: false, dueAt: new Date(dueMs), clockWrong };
}

/** It begins in the future, so a clock is wrong. */
export function isTooEarly({ notBefore }: Pick<CertificateFacts, 'notBefore'>, now: Date): boolean {
  return now.getTime() < notBefore.getTime() - CLOCK_TOLERANCE_MS;
}

/** The moment at which a certificate becomes due by the time alone, epoch milliseconds, and why. Pure. Nothing is ever
 * due by a share of 0: it ends. */
export function dueTime(
  certificate: CertificateFacts,
  policy: RenewalPolicy,
  now: Date,
  info?: RenewalInfo | undefined,
): { reason: OrderReason; dueMs: number } {
  const end = { reason: 'expired' as const, dueMs: certificate.notAfter.getTime() };
  if (policy.renewAt === 0) return end;
  const counts = policy.asksRenewal === true && info?.fingerprint === certificate.fingerprint;
  const own = counts ? info : undefined;
  return firstTrigger({ certificate, info: own, policy, nowMs: now.getTime() }) ?? end;
}

/** Whether only the time makes it due, so that a wrong clock would. */
export function isByClock(reason: OrderReason): boolean {
  return BY_CLOCK.has(reason);
}
const BY_CLOCK: ReadonlySet<OrderReason> = new Set([
  'renewal-info',
  'lifetime-share',
  'emergency',
  'expired',
]);

/** Does a certificate with these names serve every wanted one? A wildcard serves one label (RFC 6125 6.4.3). */
export function coversAll(names: readonly string[], wanted: readonly string[]): boolean {
  const have = new Set(names);
  return wanted.every((name) => have.has(name) || have.has(name.replace(/^[^.]+/, '*')));
}
