import type { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { CertathonError, describeError } from '../lib/errors.ts';
import { createHttp, type Http, type HttpAnswer, type HttpOptions, type HttpRequest } from '../lib/http.ts';
import type { Log } from '../lib/log.ts';
import { RETRIES, type RetryPolicy, withRetry } from '../lib/retry.ts';
import { retryAfterDate } from '../lib/retry-after.ts';
import { away, isUnauthorized, jsonOf, jsonOrThrow, strange, unauthorized } from './answers.ts';
import { accept } from './parse.ts';

const LONGEST_RETRY_AFTER_MS = 30_000;

export interface CallsOptions {
  http: Http;
  clock: Clock;
  log: Log;
}

/** The HTTP client that the Marathon client and the event stream share. */
export function createMarathonHttp(options: Omit<HttpOptions, 'service' | 'codes'>): Http {
  return createHttp({
    service: 'Marathon',
    codes: { unreachable: 'MARATHON_UNREACHABLE', invalid: 'MARATHON_ANSWER_INVALID' },
    ...options,
  });
}

/** Requests to Marathon with what holds for all of them: who is asked again, what is no answer. */
export class Calls {
  readonly #http: Http;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor({ http, clock, log }: CallsOptions) {
    this.#http = http;
    this.#clock = clock;
    this.#log = log;
  }

  /** A JSON answer that its schema accepts. @param what the thing described, as errors call it */
  async get<S extends z.ZodType>(
    path: string,
    type: S,
    what: string,
    signal?: AbortSignal,
  ): Promise<z.output<S>> {
    return accept(type, jsonOrThrow(await this.read(path, signal), path), what);
  }

  /** Repeated by the read policy while Marathon is away.
   * @param expected statuses besides 2xx that the caller looks at itself
   * @param into takes the body of a good answer piece by piece; made anew for each try */
  async read(
    path: string,
    signal: AbortSignal | undefined,
    expected: number[] = [],
    into?: HttpRequest['into'],
  ): Promise<HttpAnswer> {
    return this.#retrying(RETRIES.read, signal, async () => {
      const answer = await this.#http.request({ method: 'GET', path, signal, into });
      const what = path.split('?', 1)[0] as string;
      if (isUnauthorized(answer)) throw unauthorized(answer, what);
      // From 1.6 on Marathon says 500 for an address that it does not know.
      if (answer.status === 500 && answer.text.includes('URI not found')) throw strange(answer, what);
      if (answer.status >= 500) {
        const after = retryAfterDate(
          answer.headers['retry-after'],
          this.#clock.nowMs(),
          LONGEST_RETRY_AFTER_MS,
        );
        throw away(answer, what, after);
      }
      if (answer.status >= 200 && answer.status < 300) return answer;
      // A proxy's HTML page says nothing about the thing that was asked for.
      if (expected.includes(answer.status) && jsonOf(answer) !== undefined) return answer;
      throw strange(answer, what);
    });
  }

  /** Sent once; again only after a connection that never came to be, because then nothing was sent.
   * Any status but 401 and 403 comes back. */
  async write(request: HttpRequest): Promise<HttpAnswer> {
    const answer = await this.#retrying(RETRIES.write, request.signal, () => this.#http.request(request));
    if (isUnauthorized(answer)) throw unauthorized(answer, `${request.method} ${request.path}`);
    return answer;
  }

  #retrying<T>(policy: RetryPolicy, signal: AbortSignal | undefined, attempt: () => Promise<T>): Promise<T> {
    const mayRepeat = (error: CertathonError) => policy.name === 'read' || error.facts.outcome === 'not-sent';
    return withRetry(policy, this.#clock, signal, attempt, {
      when: (error) =>
        error instanceof CertathonError && error.code === 'MARATHON_UNREACHABLE' && mayRepeat(error),
      onRetry: ({ attempt: number, waitMs, error }) =>
        this.#log.warn('http.retried', {
          service: 'Marathon',
          attempt: number,
          waitMs,
          code: 'MARATHON_UNREACHABLE',
          reason: describeError(error),
        }),
    });
  }
}
