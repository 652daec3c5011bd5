// pure
import { createHash } from 'node:crypto';
import type { CertathonError } from '../lib/errors.ts';
import type { Hold } from './model.ts';

/** Waits after failures in a row that were the names' or the installation's own: 1 min, 10 min, 100 min
 * (1.9 h in all), half a day, then a day each: that stays far from every limit (5 failed authorizations an hour,
 * 1,152 in a row with one forgiven a day), and leaves dozens of tries in the last third of 90 days.
 * @source letsencrypt.org/docs/integration-guide, "Retrying failures" */
const WAITS_MS = [60_000, 600_000, 6_000_000, 43_200_000, 86_400_000];
/** The CA, Marathon or a volume is in trouble: not the names' fault, so it never grows. */
const TROUBLE_WAIT_MS = 5 * 60_000;
const SPREAD = 0.2;

/** A reload costs nobody anything, so a balancer that is behind is soon asked again. */
export const RELOAD_AGAIN_MS = 5 * 60_000;

/** When the next try is made after a failure. Pure. Never longer than a twentieth of the time that the
 * current certificate has left, so that a short-lived one gets its tries too, but a limit of the CA is kept. */
export function holdAfter(
  failure: CertathonError,
  before: Hold | undefined,
  now: Date,
  expiresAt: Date | undefined,
  mostMs = Number.POSITIVE_INFINITY,
): Hold {
  const trouble = [
    'ACME_UNREACHABLE',
    'ACME_ANSWER_INVALID',
    'MARATHON_UNREACHABLE',
    'APP_LOCKED',
    'CLOCK_WRONG',
    'DIRECTORY_UNUSABLE',
  ].includes(failure.code);
  const failures = (before?.failures ?? 0) + (trouble ? 0 : 1);
  const table = trouble
    ? TROUBLE_WAIT_MS
    : (WAITS_MS[Math.min(failures, WAITS_MS.length) - 1] ?? TROUBLE_WAIT_MS);
  const leftMs = expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt.getTime() - now.getTime();
  const boundMs = leftMs > 0 ? Math.max(60_000, leftMs / 20) : Number.POSITIVE_INFINITY;
  const spreadMs = table * SPREAD * share(`${failure.code} ${failures} ${now.getTime()}`);
  const waitMs = Math.min(table + spreadMs, boundMs, mostMs);
  const until = new Date(Math.round(Math.max(now.getTime() + waitMs, failure.retryAt?.getTime() ?? 0)));
  const byCa = failure.retryAt !== undefined && failure.code === 'ACME_RATE_LIMITED';
  const hold = { since: now, until, code: failure.code, reason: failure.message, failures, byCa };
  return failure.code === 'ACME_PAUSED' ? { ...hold, isPaused: true } : hold;
}

/** How far a clock may step back without holds being doubted. */
const CLOCK_STEP_MS = 5 * 60_000;

/** Does a hold still count? One that was decided in the future was decided by a wrong clock; a pause ends only when a
 * person asks for a try. Pure. */
export function isHeld(hold: Hold | undefined, now: Date): hold is Hold {
  if (hold === undefined || (hold.until <= now && hold.isPaused !== true)) return false;
  return hold.since.getTime() <= now.getTime() + CLOCK_STEP_MS;
}

function share(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0) / 2 ** 32;
}
