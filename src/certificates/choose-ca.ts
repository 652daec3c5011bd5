// pure
import { isHeld } from './backoff.ts';
import type { Hold } from './model.ts';

/** From which of several CAs a certificate is ordered. The first one, at every renewal anew; another one only while those
 * before it fail for reasons of their own and the certificate can wait no longer, or while CAA records forbid them. What
 * is wrong with a name is wrong at every CA, so a failed validation never leads to another one. */

/** Failures that are no fault of the names, so that another CA may do better. */
const OWN_REASONS: ReadonlySet<string> = new Set([
  'ACME_UNREACHABLE',
  'ACME_ANSWER_INVALID',
  'ACME_RATE_LIMITED',
  'ACCOUNT_DEACTIVATED',
  'EXTERNAL_ACCOUNT_MISSING',
  'PROFILE_UNAVAILABLE',
]);
/** So often in a row: once is an accident. */
const KEEPS_FAILING = 3;
/** Half of what is left when a renewal begins: a third of the lifetime, or half of one under ten days. */
const SHORT_LIFETIME_MS = 10 * 86_400_000;
const SHARE_TO_WAIT = 1 / 6;
const SHORT_SHARE_TO_WAIT = 1 / 4;
/** A limit that ends sooner is waited for, even without any certificate. */
const COMFORTABLE_MS = 60 * 60_000;

export interface CaQuestion {
  /** Directories, the first one first. */
  cas: readonly string[];
  /** Why orders of this certificate failed, by CA. */
  holds: readonly Hold[];
  stored: { notBefore: Date; notAfter: Date } | undefined;
  now: Date;
}

export interface CaChoice {
  directoryUrl: string;
  /** Why not the first one, in the words of its failure. */
  insteadOf?: { directoryUrl: string; reason: string };
}

/** @param question `cas` has at least one */
export function chooseCa({ cas, holds, stored, now }: CaQuestion): CaChoice {
  const [first = ''] = cas;
  const seen = cas.map((directoryUrl) => {
    const hold = holdAt(holds, directoryUrl, first);
    return { directoryUrl, hold, isHeld: isHeld(hold, now), isPassed: isPassedOver(hold, stored, now) };
  });
  const open = seen.find(({ isPassed }) => !isPassed);
  // Where the next one is held as well, one before it is tried again once its own time is over.
  const again = open === undefined || open.isHeld ? seen.filter((each) => each.isPassed && !each.isHeld) : [];
  const soonest = seen.toSorted((a, b) => (a.hold?.until.getTime() ?? 0) - (b.hold?.until.getTime() ?? 0))[0];
  const chosen = (open?.directoryUrl === first ? open : (again[0] ?? open)) ?? soonest;
  if (chosen === undefined || chosen.directoryUrl === first) return { directoryUrl: first };
  const reason = seen[0]?.hold?.reason ?? '';
  return { directoryUrl: chosen.directoryUrl, insteadOf: { directoryUrl: first, reason } };
}

function isPassedOver(hold: Hold | undefined, stored: CaQuestion['stored'], now: Date): boolean {
  if (hold === undefined) return false;
  if (hold.code === 'CAA_FORBIDS') return isHeld(hold, now);
  if (!OWN_REASONS.has(hold.code)) return false;
  const lastMs = waitUntil(stored, now);
  if (hold.code === 'ACME_RATE_LIMITED' && isHeld(hold, now)) {
    const comfortableMs = lastMs ?? hold.since.getTime() + COMFORTABLE_MS;
    if (hold.until.getTime() > comfortableMs) return true;
  }
  return (hold.troubles ?? 0) >= KEEPS_FAILING && now.getTime() >= (lastMs ?? 0);
}

/** Until when a certificate that is in use can wait for the CA; undefined without one. */
function waitUntil(stored: CaQuestion['stored'], now: Date): number | undefined {
  if (stored === undefined || stored.notAfter <= now) return undefined;
  const lifetimeMs = stored.notAfter.getTime() - stored.notBefore.getTime();
  const share = lifetimeMs < SHORT_LIFETIME_MS ? SHORT_SHARE_TO_WAIT : SHARE_TO_WAIT;
  return stored.notAfter.getTime() - lifetimeMs * share;
}

/** The hold at one CA. Pure.
 * @param configured the CA that a hold without one is about */
export function holdAt(holds: readonly Hold[], directoryUrl: string, configured: string): Hold | undefined {
  return holds.find((hold) => (hold.directoryUrl ?? configured) === directoryUrl);
}

/** A hold with the CA that it is about, and how often in a row that one failed for reasons of its own. Pure.
 * @param before the hold at the same CA */
export function holdOf(hold: Hold, before: Hold | undefined, directoryUrl: string): Hold {
  const troubles = OWN_REASONS.has(hold.code) ? (before?.troubles ?? 0) + 1 : 0;
  return { ...hold, directoryUrl, ...(troubles === 0 ? {} : { troubles }) };
}

/** What still holds after a certificate was issued: limits of CAs, which end by the time alone. Pure. */
export function holdsAfterSuccess(holds: readonly Hold[], now: Date): Hold[] {
  return holds.filter((hold) => hold.byCa && isHeld(hold, now));
}
