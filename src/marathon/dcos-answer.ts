import { z } from 'zod';
import { CertathonError, type ErrorCode } from '../lib/errors.ts';
import type { HttpAnswer } from '../lib/http.ts';
import { quoted } from '../lib/printable.ts';
import { httpDateMs } from '../lib/retry-after.ts';
import { jsonOf, wordsOf } from './answers.ts';

const answerSchema = z.object({
  token: z
    .string()
    .max(16_384)
    .regex(/^[!-~]+$/),
});
const NOTABLE_SKEW_MS = 30_000;

/** The token that an answer of the login of DC/OS holds.
 * @throws MARATHON_UNAUTHORIZED when there is none, in the words of DC/OS; MARATHON_UNREACHABLE for a 5xx. Both
 *   say not-sent about what waits for the token */
export function tokenOf(answer: HttpAnswer, uid: string, nowMs: number): string {
  const { status, from, headers } = answer;
  const where = `The login of DC/OS at ${from}`;
  if (status >= 500)
    throw notAsked('MARATHON_UNREACHABLE', `${where} could not answer: ${status} ${wordsOf(answer)}`);
  if (status >= 200 && status < 300) {
    const read = answerSchema.safeParse(jsonOf(answer));
    if (read.success) return read.data.token;
    // Without its words: what came in place of a token may hold one all the same.
    const type = headers['content-type'] ?? 'no content type';
    throw notAsked('MARATHON_UNAUTHORIZED', `${where} gave no token: ${status}, ${type}`);
  }
  const target = headers.location === undefined ? '' : `; it is at ${quoted(headers.location)}`;
  throw notAsked(
    'MARATHON_UNAUTHORIZED',
    `${where} does not accept the service account ${uid}: ${status} ${wordsOf(answer)}${target}${skewWords(headers.date, nowMs)}`,
  );
}

/** A failure before the request that needed the token: nothing of that one was sent, so it may be repeated. */
export function notAsked(code: ErrorCode, message: string, cause?: unknown): CertathonError {
  return new CertathonError(code, message, { cause, facts: { outcome: 'not-sent' } });
}

/** By a wrong clock the statement that we sign has ended before it arrives. */
function skewWords(date: string | undefined, nowMs: number): string {
  const skewMs = httpDateMs(date ?? '') - nowMs;
  if (!(Math.abs(skewMs) > NOTABLE_SKEW_MS)) return '';
  const seconds = Math.round(Math.abs(skewMs) / 1_000);
  return `; the clock of this machine is ${seconds} s ${skewMs > 0 ? 'behind' : 'ahead of'} that of DC/OS`;
}
