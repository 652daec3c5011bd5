// pure

/** So many at once, and so many again in each such time: a token comes back every `inMs / of`. */
export interface Limit {
  of: number;
  inMs: number;
}

/** A bucket of tokens by GCRA, as Boulder keeps it: one time is enough for each. It is when the bucket will be full
 * again, epoch milliseconds; one in the past, or none, is a full bucket. Pure.
 *   5 in 7 days, all 5 taken now → full in 7 days, next slot in 33.6 hours
 * @source letsencrypt/boulder ratelimits/gcra.go */
export type FullAt = number | undefined;

/** When one token can be taken: now, or later. @returns epoch milliseconds */
export function nextSlot(fullAt: FullAt, limit: Limit, nowMs: number): number {
  return Math.max(nowMs, (fullAt ?? nowMs) + eachMs(limit) - limit.inMs);
}

/** One token is taken. What the CA granted although the bucket seemed empty costs no further wait. */
export function spend(fullAt: FullAt, limit: Limit, nowMs: number): number {
  return Math.min(queue(fullAt, limit, nowMs), nowMs + limit.inMs);
}

/** One token is taken as soon as there is one: the next comes after it. */
export function queue(fullAt: FullAt, limit: Limit, nowMs: number): number {
  return Math.max(fullAt ?? nowMs, nowMs) + eachMs(limit);
}

/** One token is put back. */
export function refund(fullAt: FullAt, limit: Limit, nowMs: number): number {
  return (fullAt ?? nowMs) - eachMs(limit);
}

/** No token until then, and one at that time. */
export function emptyUntil(untilMs: number, limit: Limit): number {
  return untilMs + limit.inMs - eachMs(limit);
}

/** How many tokens are gone. A part of one that has come back is not one yet. */
export function used(fullAt: FullAt, limit: Limit, nowMs: number): number {
  const gone = Math.ceil(((fullAt ?? nowMs) - nowMs) / eachMs(limit));
  return Math.min(Math.max(gone, 0), limit.of);
}

/** How long one token takes to come back. */
export function eachMs({ of, inMs }: Limit): number {
  return inMs / of;
}
