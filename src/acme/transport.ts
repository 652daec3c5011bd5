import { createRequire } from 'node:module';
import type { Clock } from '../lib/clock.ts';
import { CertathonError } from '../lib/errors.ts';
import { readBounded } from '../lib/http-body.ts';
import { startDeadline } from '../lib/http-deadline.ts';
import { BodyTooLargeError, connectionWords, DeadlineError } from '../lib/http-failure.ts';
import { createPool, type Pool } from '../lib/http-pool.ts';
import type { Log } from '../lib/log.ts';
import { printable } from '../lib/printable.ts';
import { errors, request } from '../lib/undici.ts';
import { clockSkewMs } from './answers.ts';
import type { AcmeAnswer } from './refusal.ts';

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
/** Mandatory, with name and version of client and library. RFC 8555 6.1 */
const USER_AGENT = `certathon/${version} (acme-client 5.4; Node.js ${process.versions.node})`;
/** The other side closed the connection. */
const CLOSED = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\b/i;

/** What a request was for; requests are counted by it. */
export type RequestKind =
  | 'directory'
  | 'nonce'
  | 'account'
  | 'newOrder'
  | 'order'
  | 'authorization'
  | 'challenge'
  | 'finalize'
  | 'certificate'
  | 'renewalInfo'
  | 'revocation';

export interface TransportLimits {
  connectMs: number;
  headersMs: number;
  bodyMs: number;
  /** For one request in all, whatever it is waiting for. */
  totalMs: number;
  /** An answer that is longer is refused unread. */
  bodyBytes: number;
}

export const TRANSPORT_LIMITS: TransportLimits = {
  connectMs: 10_000,
  headersMs: 30_000,
  bodyMs: 30_000,
  totalMs: 60_000,
  bodyBytes: 1024 * 1024,
};

export interface TransportOptions {
  clock: Clock;
  log: Log;
  /** When given, exactly these certificates are trusted, and no public root. */
  caPem?: string;
  /** Refuses addresses without TLS, so that no answer can lead out of it. */
  secureOnly?: boolean;
  signal?: AbortSignal;
  limits?: Partial<TransportLimits>;
}

export interface AcmeRequest {
  kind: RequestKind;
  method: 'GET' | 'HEAD' | 'POST';
  url: string;
  /** Sent as a JWS. */
  body?: string;
}

/** The way to one CA: its own connections, trust and time limits, so that several CAs stand side by side. */
export interface Transport {
  /** One request, sent once. Every status is an answer; only no answer is an error.
   * @throws ACME_UNREACHABLE (cause: the network's own error)   @throws ACME_ANSWER_INVALID for a body that is
   * too long   @throws the signal's reason when it was aborted */
  send(request: AcmeRequest): Promise<AcmeAnswer>;
  requestCounts(): Partial<Record<RequestKind, number>>;
  /** How far the CA's clock is ahead of ours by its last answer; undefined before the first. */
  skewMs(): number | undefined;
  close(): Promise<void>;
}

/** undici instead of acme-client's own axios: that one retries inside the call for as long as a server asks,
 * has no time limit, no abort, one set of trusted certificates for the process, and hides what went wrong.
 * @throws CONFIG_INVALID when `caPem` is no certificate */
export function createTransport(options: TransportOptions): Transport {
  const limits = { ...TRANSPORT_LIMITS, ...options.limits };
  const pool = createPool({ connectTimeoutMs: limits.connectMs, caPem: options.caPem });
  const counts: Partial<Record<RequestKind, number>> = {};
  let skewMs: number | undefined;

  async function send({ kind, method, url, body }: AcmeRequest): Promise<AcmeAnswer> {
    options.signal?.throwIfAborted();
    if (options.secureOnly === true && !url.startsWith('https:')) {
      throw new CertathonError('ACME_ANSWER_INVALID', `CA leads out of TLS, to ${printable(url, 200)}`);
    }
    counts[kind] = (counts[kind] ?? 0) + 1;
    const sentMs = options.clock.nowMs();
    const deadline = startDeadline(limits.totalMs, options.signal);
    try {
      const reply = await request(url, {
        method,
        dispatcher: pool.agent,
        signal: deadline.signal,
        headersTimeout: limits.headersMs,
        bodyTimeout: limits.bodyMs,
        headers: {
          'user-agent': USER_AGENT,
          accept: kind === 'certificate' ? 'application/pem-certificate-chain' : 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/jose+json' }),
        },
        ...(body === undefined ? {} : { body }),
      });
      const text = await readBounded(reply.body, limits.bodyBytes);
      const headers = joined(reply.headers);
      const receivedMs = options.clock.nowMs();
      skewMs = clockSkewMs(headers.date, sentMs, receivedMs) ?? skewMs;
      options.log.debug('http.request', {
        method,
        url,
        kind,
        status: reply.statusCode,
        durationMs: receivedMs - sentMs,
      });
      return { status: reply.statusCode, headers, data: parsed(text, headers['content-type']) };
    } catch (cause) {
      options.signal?.throwIfAborted();
      throw networkError(method, url, cause, pool);
    } finally {
      deadline.end();
    }
  }

  return {
    send,
    requestCounts: () => ({ ...counts }),
    skewMs: () => skewMs,
    close: () => pool.agent.destroy(),
  };
}

/** JSON only where the type says so; a text stays a string, which no schema takes for an answer. */
function parsed(text: string, type = ''): unknown {
  if (!JSON_TYPE.test(type)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** undici gives repeated headers as arrays; Link and the like are lists, so a comma joins them. */
function joined(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}

function networkError(method: string, url: string, cause: unknown, pool: Pool): CertathonError {
  const { code = '' } = cause as { code?: string };
  const at = URL.canParse(url) ? new URL(url).origin : printable(url, 100);
  const why = printable(connectionWords(cause), 300);
  // Something answered, but no HTTP, or too much of it.
  const isGarbage = cause instanceof errors.HTTPParserError || code === 'UND_ERR_HEADERS_OVERFLOW';
  if (isGarbage || cause instanceof BodyTooLargeError) {
    const message = `CA at ${at} answered ${method} with what is not accepted: ${why}`;
    return new CertathonError('ACME_ANSWER_INVALID', message, { cause, facts: { url, method } });
  }
  const outcome = pool.neverConnected(cause) ? 'not-sent' : 'unknown';
  const closed = CLOSED.has(code) && !(cause instanceof DeadlineError);
  return new CertathonError('ACME_UNREACHABLE', `CA at ${at} did not answer ${method}: ${why}`, {
    cause,
    facts: { url, method, outcome, closed },
  });
}
