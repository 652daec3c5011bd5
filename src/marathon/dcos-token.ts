// pure

/** The life that a token is asked for, and taken to have when it does not say. A short one: whoever steals it has
 * little of it. */
export const TOKEN_LIFE_S = 3_600;
/** Long enough for the request before which the next one is fetched. */
const MARGIN_MS = 30_000;

/** For how long a token is used, from now on, before another one is fetched: until 30 s before its end, of a short
 * life nine tenths. An end that is past by our clock says more about the clocks than about the token. Pure.
 *   (now + 1 h) → 59 min 30 s    (now + 100 s) → 90 s    (nothing, or the past) → 59 min 30 s
 * @param exp end of the token as it says itself, in seconds of the epoch; unreadable is undefined
 * @source RFC 7519 4.1.4 */
export function usableMs(exp: unknown, nowMs: number): number {
  const saysMs = typeof exp === 'number' ? exp * 1_000 - nowMs : Number.NaN;
  const lifeMs = saysMs > 0 ? saysMs : TOKEN_LIFE_S * 1_000;
  return lifeMs - Math.min(MARGIN_MS, lifeMs / 10);
}
