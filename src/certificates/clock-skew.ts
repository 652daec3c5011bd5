// pure
import type { Problem } from './model.ts';

/** Below this a difference may come from the network and the whole seconds of the Date header. */
const NOTICED_MS = 60_000;
/** Above this, certificates look expired or not yet valid here while they are good elsewhere. */
const WRONG_MS = 5 * 60_000;

/** The most trusted time there is: the CA's, when its Date header differs from our clock by more than a minute.
 * @returns skewMs how far the CA is ahead, 0 when it agrees */
export function trustedNow(skewMs: number | undefined, nowMs: number): { now: Date; skewMs: number } {
  const noticed = skewMs !== undefined && Math.abs(skewMs) > NOTICED_MS ? skewMs : 0;
  return { now: new Date(nowMs + noticed), skewMs: noticed };
}

/** What a person has to see after the CA did its work although our clock is wrong. Pure. */
export function clockFinding(skewMs: number | undefined): Problem[] {
  if (skewMs === undefined || Math.abs(skewMs) <= WRONG_MS) return [];
  const message = `${differenceInWords(skewMs)}; the certificate was obtained all the same`;
  return [{ code: 'CLOCK_WRONG', message }];
}

/** @param skewMs how far the CA is ahead */
export function differenceInWords(skewMs: number): string {
  const seconds = Math.abs(Math.round(skewMs / 1000));
  return `The clock of this machine is ${seconds} s ${skewMs > 0 ? 'behind' : 'ahead of'} the CA's`;
}
