// pure
import type { RenewalInfo } from './store-schema.ts';
import type { ObservedCertificate } from './world.ts';

/** What a CA said about when a certificate should be renewed (RFC 9773), as it is kept in the store. */

/** Longer than the longest wait between two looks (a day) and a day of failed ones. */
const FRESH_MS = 2 * 86_400_000;
/** A time written by a clock that was further ahead than this counts for nothing. */
const CLOCK_STEP_MS = 5 * 60_000;

/** The CA that knows when to renew what is stored: the one that issued it, as far as that is written down. Pure. */
export function knowingCa({
  stored,
  directoryUrl,
}: Pick<ObservedCertificate, 'stored' | 'directoryUrl'>): string {
  return stored?.issuedBy?.directoryUrl ?? directoryUrl;
}

/** What is known of the stored certificate itself: not of one before it, nor from another CA. Pure. */
export function infoOf(
  certificate: Pick<ObservedCertificate, 'stored' | 'renewal' | 'directoryUrl'>,
): RenewalInfo | undefined {
  const { renewal, stored } = certificate;
  if (renewal === undefined || renewal.fingerprint !== stored?.fingerprint) return undefined;
  return renewal.directoryUrl === knowingCa(certificate) ? renewal : undefined;
}

/** Until when the word of the CA stands in the place of the share of the lifetime, epoch milliseconds. Pure. When no look
 * succeeds any more, that share counts again: a CA that fell silent must not let a certificate lapse. */
export function freshUntilMs({ window, seenAt }: RenewalInfo, nowMs: number): number | undefined {
  if (window === undefined || seenAt === undefined) return undefined;
  return seenAt.getTime() > nowMs + CLOCK_STEP_MS ? undefined : seenAt.getTime() + FRESH_MS;
}

/** The moment inside the window, epoch milliseconds. Pure. Derived from a hash of certificate and window: it stays while
 * the window stays, is drawn anew with a new one, and is never drawn by the clock, which could put it off for ever.
 * @source RFC 9773 4.2: "a uniform random time within the suggested window" */
export function momentMs({ fingerprint, window }: RenewalInfo): number | undefined {
  if (window === undefined) return undefined;
  const startMs = window.start.getTime();
  const lengthMs = window.end.getTime() - startMs;
  return startMs + Math.floor(lengthMs * share(fingerprint, startMs, lengthMs));
}

/** A number in [0, 1). The fingerprint is a hash already; it is mixed with the window (the last steps of MurmurHash3),
 * since a cryptographic hash of each of a hundred thousand would take as long as the rest of their plan. */
function share(fingerprint: string, startMs: number, lengthMs: number): number {
  let mixed = Number.parseInt(fingerprint.slice(8, 16), 16);
  for (const part of [startMs % 2 ** 32, Math.floor(startMs / 2 ** 32), lengthMs % 2 ** 32]) {
    mixed = Math.imul(mixed ^ part, 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    mixed ^= mixed >>> 16;
  }
  return (mixed >>> 0) / 2 ** 32;
}
