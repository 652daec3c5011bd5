// pure

/** Below this a difference may come from the network and the whole seconds of the Date header. */
const NOTICED_MS = 60_000;
/** Above this, certificates look expired or not yet valid to others. */
export const WRONG_MS = 5 * 60_000;

/** The most trusted time there is: the CA's, when its Date header differs from our clock by more than a minute.
 * @returns skewMs how far the CA is ahead, 0 when it agrees */
export function trustedNow(skewMs: number | undefined, nowMs: number): { now: Date; skewMs: number } {
  const noticed = skewMs !== undefined && Math.abs(skewMs) > NOTICED_MS ? skewMs : 0;
  return { now: new Date(nowMs + noticed), skewMs: noticed };
}
