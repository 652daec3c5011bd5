// pure
import { z } from 'zod';
import { printable } from '../lib/printable.ts';

const ACME_ERROR = 'urn:ietf:params:acme:error:';
const MAX_SUBPROBLEMS = 1000;
const MAX_WORDS = 1500;

/** Text that a sloppy server may leave out or send in another type: the rest of its words still count. */
const text = z.string().optional().catch(undefined);
const identifierSchema = z.object({ type: z.string(), value: z.string() });

const subproblemSchema = z.looseObject({
  type: z.string().catch('about:blank'),
  detail: z.string().catch(''),
  /** "The identifier the subproblem is about" (RFC 8555 6.7.1). */
  identifier: identifierSchema.optional().catch(undefined),
});

const problemSchema = z.looseObject({
  /** "A URI reference that identifies the problem type" (RFC 7807 3.1). */
  type: z.string().catch('about:blank'),
  title: text,
  /** "A human-readable explanation specific to this occurrence of the problem" (RFC 7807 3.1). */
  detail: z.string().catch(''),
  status: z.number().int().optional().catch(undefined),
  /** With userActionRequired: the address the operator has to visit (RFC 8555 7.3.3). */
  instance: text,
  subproblems: z.array(subproblemSchema).max(MAX_SUBPROBLEMS).catch([]),
  /** With badSignatureAlgorithm: what the server takes (RFC 8555 6.2). */
  algorithms: z.array(z.string()).optional().catch(undefined),
});

/** A problem document of the CA, whole: unknown fields are kept. */
export type AcmeProblem = z.infer<typeof problemSchema>;
export type AcmeSubproblem = z.infer<typeof subproblemSchema>;

/** Reads a problem document; anything without a type and without a detail is none. Pure.
 * @source RFC 7807 3.1, RFC 8555 6.7 */
export function parseProblem(body: unknown): AcmeProblem | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { type, detail } = body as Record<string, unknown>;
  if (typeof type !== 'string' && typeof detail !== 'string') return undefined;
  return problemSchema.safeParse(body).data;
}

/** The word of RFC 8555 for the problem, such as rateLimited; a foreign type stays whole. */
export function problemWord(problem: { type: string }): string {
  return problem.type.startsWith(ACME_ERROR) ? problem.type.slice(ACME_ERROR.length) : problem.type;
}

/** The problem in the CA's own words, one printable line of bounded length. Pure.
 *   rejectedIdentifier: Policy forbids (bad.example.com: rejectedIdentifier: blocked) */
export function describeProblem(problem: AcmeProblem): string {
  const parts = problem.subproblems.map(describeSubproblem);
  const own = `${problemWord(problem)}: ${problem.detail || problem.title || 'no detail given'}`;
  const link = problem.instance === undefined ? '' : ` see ${problem.instance}`;
  return printable(parts.length === 0 ? own + link : `${own}${link} (${parts.join('; ')})`, MAX_WORDS);
}

function describeSubproblem(sub: AcmeSubproblem): string {
  const about = sub.identifier === undefined ? '' : `${sub.identifier.value}: `;
  return `${about}${problemWord(sub)}: ${sub.detail}`;
}

/** What a problem asks of the client, mildest first:
 * - `done`       what was asked for is already so
 * - `resign`     sign again with a fresh nonce, at once
 * - `refetch`    the object moved on meanwhile: read it again and go on from there
 * - `register`   the CA lost the account: register the same key again
 * - `retry`      trouble of the CA: later, or at another CA; not the fault of the names
 * - `hold`       a budget is spent: not before the time given
 * - `unlinked`   newOrder once more, without `replaces`
 * - `new-key`    once more with a fresh certificate key
 * - `config`     the CA can not reach or may not certify the name: its route, DNS or CAA records
 * - `operator`   a person has to act: terms, account, profile, contact, paused name
 * - `permanent`  the same request will never be granted */
export type ProblemClass = (typeof SEVERITY)[number];

const SEVERITY = [
  'done',
  'resign',
  'refetch',
  'register',
  'retry',
  'hold',
  'unlinked',
  'new-key',
  'config',
  'operator',
  'permanent',
] as const;

const CLASSES: Record<string, ProblemClass> = {
  alreadyRevoked: 'done',
  badNonce: 'resign',
  orderNotReady: 'refetch',
  conflict: 'refetch',
  accountDoesNotExist: 'register',
  serverInternal: 'retry',
  rateLimited: 'hold',
  alreadyReplaced: 'unlinked',
  badCSR: 'new-key',
  badPublicKey: 'new-key',
  caa: 'config',
  connection: 'config',
  dns: 'config',
  incorrectResponse: 'config',
  tls: 'config',
  badRevocationReason: 'operator',
  badSignatureAlgorithm: 'operator',
  externalAccountRequired: 'operator',
  invalidContact: 'operator',
  invalidProfile: 'operator',
  unsupportedContact: 'operator',
  userActionRequired: 'operator',
  malformed: 'permanent',
  rejectedIdentifier: 'permanent',
  unsupportedIdentifier: 'permanent',
};

/** What to do about a problem. Pure.
 * `unauthorized` means the route of the name when a challenge says it, and the account when a request is refused;
 * `compound` is as bad as the worst of its parts; a rate limit that names no time but an address is a pause that
 * only a person can end.
 * @param from where the problem was found   @param retryAt the time the CA gave, when it gave one
 * @source RFC 8555 6.7; behaviour of Let's Encrypt's Boulder for rateLimited, conflict, alreadyReplaced */
export function classifyProblem(
  problem: AcmeProblem,
  from: 'request' | 'challenge',
  status?: number,
  retryAt?: Date,
): ProblemClass {
  const word = problemWord(problem);
  if (word === 'compound') return worst(problem.subproblems, from);
  if (word === 'unauthorized') return from === 'challenge' ? 'config' : 'operator';
  if (word === 'rateLimited' && retryAt === undefined && /https?:\/\//.test(problem.detail))
    return 'operator';
  const known = Object.hasOwn(CLASSES, word) ? CLASSES[word] : undefined;
  if (known !== undefined) return known;
  const code = problem.status ?? status ?? 400;
  if (code === 429) return 'hold';
  return code >= 500 ? 'retry' : 'permanent';
}

function worst(subproblems: AcmeSubproblem[], from: 'request' | 'challenge'): ProblemClass {
  const ranks = subproblems
    .filter((sub) => problemWord(sub) !== 'compound')
    .map((sub) => SEVERITY.indexOf(classifyProblem({ ...sub, subproblems: [] } as AcmeProblem, from)));
  return SEVERITY[Math.max(...ranks)] ?? 'permanent';
}
