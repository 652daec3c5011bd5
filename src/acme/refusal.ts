// pure
import { CertathonError, type ErrorCode } from '../lib/errors.ts';
import { printable } from '../lib/printable.ts';
import { retryAfterDate } from '../lib/retry-after.ts';
import {
  type AcmeProblem,
  classifyProblem,
  describeProblem,
  type ProblemClass,
  parseProblem,
  problemWord,
} from './problem.ts';

/** An answer of the CA, whatever its status. `data` is the parsed value for JSON types, else the text. */
export interface AcmeAnswer {
  status: number;
  headers: Record<string, string>;
  data: unknown;
}

/** Longest Retry-After that is believed: the longest bucket of Let's Encrypt refills in a week. */
export const LONGEST_HOLD_MS = 7 * 24 * 60 * 60 * 1000;
const MAX_EXCERPT = 200;
const RETRY_AFTER_IN_DETAIL =
  /retry after (\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:\.\d+)?(?: ?UTC| ?Z)/i;

/** Facts kept on every error that a refusal of the CA became. */
export interface RefusalFacts {
  url: string;
  status: number;
  class: ProblemClass;
  problem?: AcmeProblem;
}

/** The error for an answer with a status of 400 or more, in the CA's own words. Pure.
 * - rateLimited, 429           → ACME_RATE_LIMITED, retryAt from Retry-After, else from the words of the problem
 * - rateLimited with an address instead of a time → ACME_PAUSED
 * - serverInternal, 5xx        → ACME_UNREACHABLE, retryAt from Retry-After
 * - any other problem document → ACME_REFUSED
 * - 3xx, or 4xx without problem document → ACME_ANSWER_INVALID: that is no ACME server
 * @param what the thing that was asked for, such as `the order for shop.example.com` */
export function refusalError(what: string, url: string, answer: AcmeAnswer, nowMs: number): CertathonError {
  const { status } = answer;
  const problem = parseProblem(answer.data);
  const told = retryAfterDate(answer.headers['retry-after'], nowMs, LONGEST_HOLD_MS);
  const retryAt = told ?? (problem === undefined ? undefined : timeInDetail(problem, nowMs));
  const kind =
    problem === undefined ? classOfStatus(status) : classifyProblem(problem, 'request', status, retryAt);
  const facts: RefusalFacts = { url, status, class: kind, ...(problem === undefined ? {} : { problem }) };
  const words = problem === undefined ? describeBody(answer) : describeProblem(problem);
  // A limit that names no time but an address: only a person can end it there.
  const isPause = problem !== undefined && problemWord(problem) === 'rateLimited' && kind === 'operator';
  return new CertathonError(
    codeOf(status, problem, isPause),
    `CA refused ${what} with status ${status}: ${words}`,
    {
      ...(retryAt === undefined ? {} : { retryAt }),
      facts: { ...facts },
    },
  );
}

/** The problem document behind an error of this folder, undefined when the CA gave none. */
export function problemOf(error: unknown): AcmeProblem | undefined {
  return error instanceof CertathonError ? (error.facts.problem as AcmeProblem | undefined) : undefined;
}

/** What the refusal behind an error asks of the client, undefined when the error is no refusal. */
export function refusalClass(error: unknown): ProblemClass | undefined {
  return error instanceof CertathonError ? (error.facts.class as ProblemClass | undefined) : undefined;
}

/** The error for an answer that is not what the protocol promises. */
export function invalidAnswer(what: string, url: string, answer: AcmeAnswer, why: string): CertathonError {
  return new CertathonError(
    'ACME_ANSWER_INVALID',
    `CA answered ${what} with something else: ${why} (status ${answer.status}, ${describeBody(answer)})`,
    { facts: { url, status: answer.status } },
  );
}

/** The error for a validation that failed, in the CA's words. The order of this name is lost with it.
 * @source RFC 8555 7.1.6, 8: the reason is in the challenge */
export function challengeFailed(
  name: string,
  status: string,
  url: string,
  problem: AcmeProblem | undefined,
): CertathonError {
  const words =
    problem === undefined ? `authorization is ${printable(status, 40)}` : describeProblem(problem);
  return new CertathonError(
    'ACME_CHALLENGE_FAILED',
    `CA did not validate ${printable(name, 300)}: ${words}`,
    {
      facts: {
        url,
        name,
        status,
        ...(problem === undefined ? {} : { problem, class: classifyProblem(problem, 'challenge') }),
      },
    },
  );
}

/** The error for an order that can not be completed any more, in the CA's words. */
export function orderInvalid(
  names: readonly string[],
  url: string,
  problem: AcmeProblem | undefined,
): CertathonError {
  const words = problem === undefined ? 'no reason given' : describeProblem(problem);
  return new CertathonError('ACME_ORDER_INVALID', `CA gave up the order for ${listed(names)}: ${words}`, {
    facts: {
      url,
      names,
      ...(problem === undefined ? {} : { problem, class: classifyProblem(problem, 'challenge') }),
    },
  });
}

/** Names for a message: the first three and how many more. */
export function listed(names: readonly string[]): string {
  const shown = printable(names.slice(0, 3).join(', '), 300);
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

/** Whether a request may have been carried out although no answer came: look before repeating it. */
export function wasLost(error: unknown): boolean {
  return error instanceof CertathonError && error.facts.outcome === 'unknown';
}

/** Whether the other side closed the connection instead of answering. */
export function wasClosed(error: unknown): boolean {
  return wasLost(error) && (error as CertathonError).facts.closed === true;
}

function codeOf(status: number, problem: AcmeProblem | undefined, isPause: boolean): ErrorCode {
  if (isPause) return 'ACME_PAUSED';
  const word = problem === undefined ? undefined : classifyProblem(problem, 'request', status, new Date(0));
  if (word === 'hold' || status === 429) return 'ACME_RATE_LIMITED';
  if (word === 'retry' || status >= 500) return 'ACME_UNREACHABLE';
  return problem === undefined ? 'ACME_ANSWER_INVALID' : 'ACME_REFUSED';
}

function classOfStatus(status: number): ProblemClass {
  if (status === 429) return 'hold';
  return status >= 500 ? 'retry' : 'permanent';
}

/** Let's Encrypt ends the words of a rate limit with "retry after 2026-08-05 12:00:00 UTC". */
function timeInDetail(problem: AcmeProblem, nowMs: number): Date | undefined {
  const found = RETRY_AFTER_IN_DETAIL.exec(problem.detail);
  const atMs = found === null ? Number.NaN : Date.parse(`${found[1]}T${found[2]}Z`);
  if (Number.isNaN(atMs)) return undefined;
  return new Date(Math.min(Math.max(atMs, nowMs), nowMs + LONGEST_HOLD_MS));
}

function describeBody({ headers, data }: AcmeAnswer): string {
  const type = headers['content-type'] ?? 'no content type';
  const location = headers.location === undefined ? '' : `sends to ${headers.location}, `;
  const body = typeof data === 'string' ? data.trim() : JSON.stringify(data);
  return printable(`${location}${type}: ${body || 'empty'}`, MAX_EXCERPT);
}
