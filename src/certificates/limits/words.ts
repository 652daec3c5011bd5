// pure
import { type Limit, used } from './bucket.ts';
import type { LimitName } from './published.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** `5th of 5 certificates for exactly these names in 7 days`. Pure. */
export function limitWords(
  name: LimitName,
  of: string,
  limit: Limit,
  fullAt: number | undefined,
  nowMs: number,
): string {
  const count = `${ordinal(used(fullAt, limit, nowMs))} of ${limit.of}`;
  const time = spanWords(limit.inMs);
  if (name === 'orders') return `${count} orders of this account in ${time}`;
  if (name === 'domain') return `${count} certificates for ${of} in ${time}`;
  if (name === 'set') return `${count} certificates for exactly these names in ${time}`;
  if (name === 'failures') return `${count} failed validations of ${of} in ${time}`;
  return `${count} failed validations of ${of} in a row`;
}

/** `14:20 UTC`, with the date when it is not today's; to the next full minute. Pure. */
export function slotWords(untilMs: number, nowMs: number): string {
  const at = new Date(Math.ceil(untilMs / MINUTE_MS) * MINUTE_MS).toISOString();
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const time = `${at.slice(11, 16)} UTC`;
  return at.startsWith(today) ? time : `${at.slice(0, 10)} ${time}`;
}

function spanWords(ms: number): string {
  const hours = ms / HOUR_MS;
  const [count, unit] = hours < 48 ? [hours, 'hour'] : [hours / 24, 'day'];
  return count === 1 ? `an ${unit}` : `${count} ${unit}s`;
}

/** 1st, 2nd, 3rd, 4th, 11th, 112th, 1152nd. */
export function ordinal(count: number): string {
  const isTeen = Math.floor(count / 10) % 10 === 1;
  const ending = isTeen ? 'th' : (['th', 'st', 'nd', 'rd'][count % 10] ?? 'th');
  return `${count}${ending}`;
}
