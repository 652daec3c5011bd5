// pure
import { z } from 'zod';
import { printable } from '../lib/printable.ts';
import { retryAfterDate } from '../lib/retry-after.ts';
import { type AcmeAnswer, invalidAnswer } from './refusal.ts';

/** When a CA wants a certificate to be renewed. */
export interface RenewalInfo {
  /** The start belongs to it, the end does not. */
  window: { start: Date; end: Date };
  /** Why, as a page for people; only an http(s) address that can be printed. */
  explanationUrl: string | undefined;
  /** When it wants to be asked again, between a minute and a day from now. */
  askAgainAt: Date;
}

const LEAST_MS = 60_000;
const MOST_MS = 24 * 60 * 60_000;
const LONGEST_URL = 500;

const time = z.iso.datetime({ offset: true }).max(100).pipe(z.coerce.date());
const SCHEMA = z.object({
  suggestedWindow: z.object({ start: time, end: time }),
  explanationURL: z.unknown().optional(),
});

/** Reads the answer of the CA. Pure. One without Retry-After, or with a window that ends before it begins, is none.
 * @throws ACME_ANSWER_INVALID   @source RFC 9773 4.2, 4.3.2 */
export function readRenewalInfo(answer: AcmeAnswer, url: string, nowMs: number): RenewalInfo {
  const invalid = (why: string) => invalidAnswer('the renewal information', url, answer, why);
  const read = SCHEMA.safeParse(answer.data);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw invalid(`${issue?.path.join('.') || 'the whole'}: ${issue?.message}`);
  }
  const { start, end } = read.data.suggestedWindow;
  if (end <= start) throw invalid('the window ends before it begins');
  const retryAt = retryAfterDate(answer.headers['retry-after'], nowMs, MOST_MS);
  if (retryAt === undefined) throw invalid('Retry-After is missing');
  return {
    window: { start, end },
    explanationUrl: shownUrl(read.data.explanationURL),
    askAgainAt: new Date(Math.max(nowMs + LEAST_MS, retryAt.getTime())),
  };
}

/** It goes into logs and pages: what is no plain address is left out. */
function shownUrl(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > LONGEST_URL || !URL.canParse(value)) return undefined;
  const { protocol, href } = new URL(value);
  const isWeb = protocol === 'https:' || protocol === 'http:';
  return isWeb && printable(value, LONGEST_URL) === value && href.length <= LONGEST_URL ? href : undefined;
}
