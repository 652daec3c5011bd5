// pure
const SECONDS = /^\d{1,12}$/;
/** IMF-fixdate and the older RFC 850 form; both end in GMT. */
const HTTP_DATE = /^[A-Z][a-z]{2,8}, \d{2}[ -][A-Z][a-z]{2}[ -](?:\d{4}|\d{2}) \d{2}:\d{2}:\d{2} GMT$/;
/** The form of C's asctime(), which names no zone and means GMT. */
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

/** When a Retry-After header allows the next try, within [now, now + maxMs]: a time in the past means now,
 * one beyond the bound is cut, so that a strange server can not silence us for years. Pure.
 *   ('120', now, …) → now + 2 min    ('Wed, 21 Oct 2026 07:28:00 GMT', now, …) → that time
 * @param header the value as received   @param nowMs epoch milliseconds   @param maxMs the longest wait believed
 * @returns undefined when there is no header or it is neither seconds nor a date
 * @source RFC 9110 10.2.3 Retry-After, 5.6.7 HTTP-date
 */
export function retryAfterDate(header: string | undefined, nowMs: number, maxMs: number): Date | undefined {
  const text = header?.trim() ?? '';
  const atMs = SECONDS.test(text) ? nowMs + Number(text) * 1000 : httpDateMs(text);
  return Number.isNaN(atMs) ? undefined : new Date(Math.min(Math.max(atMs, nowMs), nowMs + maxMs));
}

/** Epoch milliseconds of an HTTP-date, NaN when the text is none.
 * @source RFC 9110 5.6.7: all three forms must be understood */
export function httpDateMs(text: string): number {
  if (HTTP_DATE.test(text)) return Date.parse(text);
  return ASCTIME.test(text) ? Date.parse(`${text} GMT`) : Number.NaN;
}
