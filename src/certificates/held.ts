// pure
import { isHeld } from './backoff.ts';
import type { CertificatePolicy, Hold, Problem } from './model.ts';

/** A hold that still counts. Pure. A person who asks for a try now ends our own back-off, never a limit of the
 * CA. */
export function activeHold(
  hold: Hold | undefined,
  now: Date,
  { askedAt, forced }: Pick<CertificatePolicy, 'askedAt' | 'forced'>,
): Hold | undefined {
  if (!isHeld(hold, now)) return undefined;
  if (hold.byCa) return hold;
  const isBefore = askedAt !== undefined && hold.since < askedAt;
  return forced || isBefore ? undefined : hold;
}

/** The code of the failure that is waited for, so that every pass in between says the same word. Pure. */
export function heldProblem(what: string, hold: Hold): Problem {
  if (hold.isPaused === true)
    return {
      code: hold.code,
      message: `${hold.reason}; the next ${what} waits for a person to ask by --now`,
    };
  const repeat = hold.byCa ? '' : ', or now with --now';
  return {
    code: hold.code,
    message: `${hold.reason}; the next ${what} is tried at ${hold.until.toISOString()}${repeat}`,
  };
}
