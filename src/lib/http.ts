import type { Readable } from 'node:stream';
import type { Clock } from './clock.ts';
import { CertathonError, type ErrorCode } from './errors.ts';
import { parseBase, withoutCredentials } from './http-address.ts';
import {
  type Authorization,
  authorizationOf,
  type Credentials,
  withAuthorization,
} from './http-authorization.ts';
import { readBody } from './http-body.ts';
import { startDeadline } from './http-deadline.ts';
import { BodyTooLargeError, connectionWords, DeadlineError, type Outcome } from './http-failure.ts';
import { createPool, type Pool } from './http-pool.ts';
import type { Log } from './log.ts';
import { request as send } from './undici.ts';

export interface HttpOptions {
  /** The other side, as errors call it: `Marathon`. */
  service: string;
  /** `unreachable`: no answer. `invalid`: an answer that can not be used (too large, a wild redirect). */
  codes: { unreachable: ErrorCode; invalid: ErrorCode };
  /** One or more addresses of the same service; their base path is kept. */
  baseUrls: readonly string[];
  auth?: Credentials | Authorization | undefined;
  caPem?: string | undefined;
  /** For the whole of one request: connecting, sending, waiting, reading, over all addresses tried. */
  timeoutMs: number;
  connectTimeoutMs: number;
  /** Default 16 MiB. */
  maxBodyBytes?: number | undefined;
  userAgent: string;
  clock: Clock;
  log: Log;
}

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the base path, with a leading slash and its query. */
  path: string;
  /** JSON text, sent with Content-Length, never chunked: a Marathon standby from 1.6 on forwards a chunked
   * body as an empty one. */
  body?: string | undefined;
  /** Default `application/json`. */
  accept?: string | undefined;
  /** Takes the body of a good answer piece by piece, however large; `text` is its beginning. Made for each try. */
  into?: (() => (chunk: Buffer) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  status: number;
  /** Lower-case names; repeated ones joined by a comma. */
  headers: Record<string, string>;
  text: string;
  /** The address that answered, without credentials and query. */
  from: string;
}

/** An answer whose body keeps coming; it ends when `signal` of the request is aborted. */
export interface HttpStream extends Omit<HttpAnswer, 'text'> {
  body: Readable;
}

/** Answers of something in front of a service that is away: another address may do better. */
const TRY_NEXT = new Set([502, 503, 504]);

/** A client of one service at one or more addresses. It follows no redirect and repeats no write.
 * @throws CONFIG_INVALID for an address or a CA that can not be used */
export function createHttp(options: HttpOptions): Http {
  return new Http(options);
}

export class Http {
  readonly #options: HttpOptions;
  readonly #bases: URL[];
  readonly #pool: Pool;
  readonly #authorization: Authorization;
  /** The address that answered last is asked first. */
  #preferred = 0;

  constructor(options: HttpOptions) {
    if (options.baseUrls.length === 0)
      throw new CertathonError('CONFIG_INVALID', `No address of ${options.service} is given`);
    this.#bases = options.baseUrls.map((text) => parseBase(text, options.service));
    this.#authorization = authorizationOf(options.auth, this.#bases[0] as URL);
    this.#pool = createPool(options);
    this.#options = options;
  }

  /** One request, any status. A read goes on to the next address after a failed connection or 502, 503, 504;
   * a write only where certainly nothing was sent.
   * @throws codes.unreachable without an answer: `facts.outcome` tells whether it may have been carried out;
   *   codes.invalid when the body is too large; the signal's reason when aborted */
  async request(request: HttpRequest): Promise<HttpAnswer> {
    const deadline = startDeadline(this.#options.timeoutMs, request.signal);
    try {
      return await this.#overAddresses(request, (base) => this.#exchange(base, request, deadline.signal));
    } finally {
      deadline.end();
    }
  }

  /** Opens an answer that is read as it comes. The deadline holds until its headers are there.
   * @param request.redirects how often a redirect is followed; credentials go along, since the service itself
   *   named the address, but never from https to http
   * @throws as `request()` */
  async open(request: HttpRequest & { redirects?: number }): Promise<HttpStream> {
    const deadline = startDeadline(this.#options.timeoutMs, request.signal);
    try {
      return await this.#overAddresses(request, async (base) => {
        let url = this.#urlOf(base, request.path);
        for (let left = request.redirects ?? 0; ; left--) {
          const stream = await this.#send(url, request, deadline.signal);
          const location = stream.headers.location;
          if (left <= 0 || !isRedirect(stream.status) || location === undefined) return stream;
          stream.body.on('error', () => undefined).destroy();
          url = this.#redirected(url, location);
        }
      });
    } finally {
      // From here on only the caller's own signal ends the stream.
      deadline.disarm();
    }
  }

  /** Ends every connection, also those in use. */
  async close(): Promise<void> {
    await this.#pool.agent.destroy();
  }

  async #overAddresses<T extends { status: number }>(
    request: HttpRequest,
    attempt: (base: URL) => Promise<T>,
  ): Promise<T> {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const count = this.#bases.length;
    const first = this.#preferred;
    for (let offset = 0; ; offset++) {
      const index = (first + offset) % count;
      const isLast = offset === count - 1;
      const base = this.#bases[index] as URL;
      try {
        const answer = await attempt(base);
        const isGood = !TRY_NEXT.has(answer.status);
        this.#preferred = isGood ? index : (index + 1) % count;
        if (isGood || isLast || !isRead) return answer;
        if ('body' in answer) (answer.body as Readable).on('error', () => undefined).destroy();
        this.#logNext(request, base, `it answered ${answer.status}`);
      } catch (error) {
        if (request.signal?.aborted) throw request.signal.reason;
        if (error instanceof CertathonError) throw error;
        this.#preferred = (index + 1) % count;
        const outcome: Outcome = this.#pool.neverConnected(error) ? 'not-sent' : 'unknown';
        const mayGoOn = outcome === 'not-sent' || (isRead && !isFinal(error));
        if (isLast || !mayGoOn) throw this.#failure(request, base, error, outcome);
        this.#logNext(request, base, connectionWords(error));
      }
    }
  }

  async #exchange(base: URL, request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const startMs = this.#options.clock.nowMs();
    const { body, ...answer } = await this.#send(this.#urlOf(base, request.path), request, signal);
    const take = Math.floor(answer.status / 100) === 2 ? request.into?.() : undefined;
    const text = await readBody(body, take, this.#options.maxBodyBytes);
    this.#options.log.debug('http.request', {
      service: this.#options.service,
      method: request.method,
      path: pathOf(request),
      status: answer.status,
      durationMs: this.#options.clock.nowMs() - startMs,
    });
    return { ...answer, text };
  }

  async #send(url: URL, request: HttpRequest, signal: AbortSignal): Promise<HttpStream> {
    return withAuthorization(this.#authorization, signal, (header) =>
      this.#sendAs(header, url, request, signal),
    );
  }

  async #sendAs(authorization: string | undefined, url: URL, request: HttpRequest, signal: AbortSignal) {
    const answer = await send(url, {
      dispatcher: this.#pool.agent,
      method: request.method,
      signal,
      body: request.body ?? null,
      headers: {
        ...{ accept: request.accept ?? 'application/json', 'user-agent': this.#options.userAgent },
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(authorization === undefined ? {} : { authorization }),
      },
    });
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(answer.headers)) {
      if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
    }
    return { status: answer.statusCode, headers, body: answer.body, from: withoutCredentials(url) };
  }

  #urlOf(base: URL, path: string): URL {
    return new URL(`${base.pathname.replace(/\/+$/, '')}${path}`, base.origin);
  }

  #redirected(from: URL, location: string): URL {
    const { service, codes } = this.#options;
    const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
    const isSafe = to?.protocol === 'https:' || (to?.protocol === 'http:' && from.protocol === 'http:');
    if (to !== undefined && isSafe) return to;
    throw new CertathonError(
      codes.invalid,
      `${service} at ${withoutCredentials(from)} redirects to ${JSON.stringify(location.slice(0, 200))}, which is not followed`,
    );
  }

  #failure(request: HttpRequest, base: URL, error: unknown, outcome: Outcome): CertathonError {
    const { service, codes } = this.#options;
    const code = error instanceof BodyTooLargeError ? codes.invalid : codes.unreachable;
    const what = `${service} at ${withoutCredentials(base)} did not answer ${request.method} ${pathOf(request)}`;
    return new CertathonError(code, `${what}: ${connectionWords(error)}`, {
      cause: error,
      facts: { outcome, method: request.method, path: pathOf(request), address: withoutCredentials(base) },
    });
  }

  #logNext(request: HttpRequest, base: URL, reason: string): void {
    const address = withoutCredentials(base);
    this.#options.log.warn('http.retried', {
      service: this.#options.service,
      method: request.method,
      path: pathOf(request),
      address,
      reason,
    });
  }
}

/** A longer list of addresses does not help where the time is up or the answer itself is the trouble. */
function isFinal(error: unknown): boolean {
  return error instanceof DeadlineError || error instanceof BodyTooLargeError;
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 307 || status === 308;
}

function pathOf(request: HttpRequest): string {
  return request.path.split('?', 1)[0] as string;
}
