// pure
import { z } from 'zod';
import { httpDateMs, retryAfterDate } from '../lib/retry-after.ts';
import { type AcmeProblem, parseProblem } from './problem.ts';
import { type AcmeAnswer, invalidAnswer } from './refusal.ts';

/** Longest Retry-After of a 200 answer that is believed; polling cuts it further. */
const LONGEST_POLL_HINT_MS = 60 * 60 * 1000;
const MAX_ITEMS = 1000;

const url = z.url({ protocol: /^https?$/ }).max(2048);
/** Times that can not be read are left out: nothing depends on them. */
const time = z.coerce.date().optional().catch(undefined);
const problem = z
  .unknown()
  .transform((value): AcmeProblem | undefined => parseProblem(value))
  .optional();

const directorySchema = z.object({
  newNonce: url,
  newAccount: url,
  newOrder: url,
  revokeCert: url.optional(),
  keyChange: url.optional(),
  /** Present exactly when the CA speaks ARI (RFC 9773 4.1). */
  renewalInfo: url.optional(),
  meta: z
    .object({
      termsOfService: z.string().optional().catch(undefined),
      website: z.string().optional().catch(undefined),
      /** "hostnames that the ACME server recognizes as referring to itself" for CAA (RFC 8555 7.1.1). */
      caaIdentities: z.array(z.string()).optional().catch(undefined),
      externalAccountRequired: z.boolean().optional().catch(undefined),
      /** Profile name to description (draft-ietf-acme-profiles 3). */
      profiles: z.record(z.string(), z.string()).optional().catch(undefined),
    })
    .default({}),
});

const orderSchema = z.object({
  status: z.string().max(100),
  expires: time,
  identifiers: z.array(z.object({ type: z.string(), value: z.string().max(300) })).max(MAX_ITEMS),
  authorizations: z.array(url).max(MAX_ITEMS),
  finalize: url,
  certificate: url.optional(),
  error: problem,
  profile: z.string().optional().catch(undefined),
  replaces: z.string().optional().catch(undefined),
});

const accountSchema = z.object({
  status: z.string().max(100).default('valid'),
  contact: z.array(z.string().max(500)).max(100).optional().catch(undefined),
  termsOfServiceAgreed: z.boolean().optional().catch(undefined),
});

const http01Schema = z.object({
  url,
  status: z.string().max(100),
  /** RFC 8555 8.3: base64url, at least 128 bits. It becomes a path and a file name, so nothing else passes. */
  token: z.string().regex(/^[A-Za-z0-9_-]{16,128}$/),
  error: problem,
});

const authorizationSchema = z.object({
  identifier: z.object({ type: z.string(), value: z.string().max(300) }),
  status: z.string().max(100),
  expires: time,
  challenges: z.array(z.looseObject({ type: z.string() })).max(100),
});

export type Directory = z.infer<typeof directorySchema>;

/** An order as the CA shows it. Unknown statuses are kept and count as pending. */
export interface Order {
  url: string;
  /** pending → ready → processing → valid, or invalid (RFC 8555 7.1.6). */
  status: string;
  /** In the order of the CA, which is arbitrary. */
  names: string[];
  authorizationUrls: string[];
  finalizeUrl: string;
  certificateUrl?: string;
  error?: AcmeProblem;
  expiresAt?: Date;
  profile?: string;
  /** What the CA took over of the `replaces` that was sent; a reused order may lack it. */
  replaces?: string;
  /** When the CA wants to be asked again. */
  retryAt?: Date;
}

export interface Http01 {
  url: string;
  token: string;
  status: string;
  error?: AcmeProblem;
}

export interface Authorization {
  url: string;
  name: string;
  /** pending → valid, or invalid, deactivated, expired, revoked (RFC 8555 7.1.6). */
  status: string;
  expiresAt?: Date;
  /** Absent when the CA offers no http-01 for the name. */
  http01?: Http01;
  retryAt?: Date;
}

/** Reads the directory. Unknown keys are left out (Let's Encrypt adds a random one on purpose). Pure.
 * @throws ACME_ANSWER_INVALID naming the missing or wrong key
 * @source RFC 8555 7.1.1 */
export function readDirectory(answer: AcmeAnswer, directoryUrl: string): Directory {
  return accept(directorySchema, answer, 'the directory', directoryUrl);
}

/** @throws ACME_ANSWER_INVALID   @source RFC 8555 7.1.3 */
export function readOrder(answer: AcmeAnswer, orderUrl: string, nowMs: number): Order {
  const seen = accept(orderSchema, answer, 'the order', orderUrl);
  return defined({
    url: orderUrl,
    status: seen.status,
    names: seen.identifiers.map((identifier) => identifier.value),
    authorizationUrls: seen.authorizations,
    finalizeUrl: seen.finalize,
    certificateUrl: seen.certificate,
    error: seen.error,
    expiresAt: seen.expires,
    profile: seen.profile,
    replaces: seen.replaces,
    retryAt: pollHint(answer, nowMs),
  });
}

/** An account as the CA shows it. */
export interface AccountSeen {
  /** Unknown where the CA refuses to speak of it. */
  url?: string;
  /** valid, deactivated, revoked (RFC 8555 7.1.6). */
  status: string;
  contact?: string[];
  termsOfServiceAgreed?: boolean;
}

/** @param url where it is, when that is known   @throws ACME_ANSWER_INVALID   @source RFC 8555 7.1.2 */
export function readAccount(answer: AcmeAnswer, url: string | undefined, from: string): AccountSeen {
  const seen = accept(accountSchema, answer, 'the account', from);
  return defined({ url, ...seen });
}

/** @throws ACME_ANSWER_INVALID, also for a token that is no base64url   @source RFC 8555 7.1.4 */
export function readAuthorization(
  answer: AcmeAnswer,
  authorizationUrl: string,
  nowMs: number,
): Authorization {
  const what = 'the authorization';
  const seen = accept(authorizationSchema, answer, what, authorizationUrl);
  const challenge = seen.challenges.find(({ type }) => type === 'http-01');
  return defined({
    url: authorizationUrl,
    name: seen.identifier.value,
    status: seen.status,
    expiresAt: seen.expires,
    http01:
      challenge === undefined
        ? undefined
        : readHttp01({ ...answer, data: challenge }, authorizationUrl, `${what} of ${seen.identifier.value}`),
    retryAt: pollHint(answer, nowMs),
  });
}

function readHttp01(answer: AcmeAnswer, authorizationUrl: string, what: string): Http01 {
  const seen = accept(http01Schema, answer, what, authorizationUrl);
  return defined({ url: seen.url, token: seen.token, status: seen.status, error: seen.error });
}

/** How far the clock of the CA is ahead of ours, read off the Date header of an answer. Pure.
 * The header has whole seconds, so half of one is added; the answer was written between `sentMs` and
 * `receivedMs`, so the middle is taken. Right to about a second plus half the round trip.
 * @returns milliseconds, negative when our clock is ahead; undefined without a readable header */
export function clockSkewMs(
  date: string | undefined,
  sentMs: number,
  receivedMs: number,
): number | undefined {
  const atMs = httpDateMs(date ?? '');
  return Number.isNaN(atMs) ? undefined : Math.round(atMs + 500 - (sentMs + receivedMs) / 2);
}

function pollHint({ headers }: AcmeAnswer, nowMs: number): Date | undefined {
  return retryAfterDate(headers['retry-after'], nowMs, LONGEST_POLL_HINT_MS);
}

function accept<T extends z.ZodType>(schema: T, answer: AcmeAnswer, what: string, from: string): z.infer<T> {
  if (typeof answer.data !== 'object' || answer.data === null || Array.isArray(answer.data)) {
    throw invalidAnswer(what, from, answer, 'it is no JSON object');
  }
  const read = schema.safeParse(answer.data);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw invalidAnswer(what, from, answer, `${issue?.path.join('.')}: ${issue?.message}`);
}

/** Leaves out the keys without a value, so that the result compares and prints as what is there. */
function defined<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}
