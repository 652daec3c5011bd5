import { createParser } from 'eventsource-parser';
import type { Clock } from '../lib/clock.ts';
import { CertathonError, describeError } from '../lib/errors.ts';
import type { Http, HttpStream } from '../lib/http.ts';
import type { Log } from '../lib/log.ts';
import { type MarathonEvent, parseEvent } from './event-schema.ts';

export interface FollowOptions {
  http: Http;
  clock: Clock;
  log: Log;
  /** Ends the following. */
  signal: AbortSignal;
  /** Event types wanted; none means all. Marathon filters from 1.3.7 on. */
  types?: readonly string[];
  onEvent: (event: MarathonEvent) => void;
  /** Called at each (re)connect. Nothing is replayed: read everything again. */
  onAttached: () => void;
  /** Called when a connection ends or can not be made. */
  onDetached?: () => void;
}

/** Marathon sends an empty line every 10 s; silence longer than this means a dead connection. */
const SILENCE_MS = 30_000;
/** Waits before reconnecting: a node that was just elected may accept and close at once. */
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
const MOST_BUFFERED = 4 * 1024 * 1024;

/** Follows the event stream until the signal is aborted, and reconnects whatever happens. Events are hints:
 * they may be lost, late and out of order. Resolves after the abort; failures are only logged
 * (marathon.attached and marathon.detached, once for each change).
 * @source Marathon S/core/event/impl/stream, S/api/LeaderProxyFilter.scala (302 of a standby, 1.7 and newer) */
export async function followEvents(options: FollowOptions): Promise<void> {
  const { clock, log, signal } = options;
  let isAttached: boolean | undefined;
  let failures = 0;
  while (!signal.aborted) {
    const startMs = clock.nowMs();
    const connection = new Connection(options, () => {
      if (isAttached !== true) log.info('marathon.attached', { address: connection.from });
      isAttached = true;
    });
    const reason = await connection.run().then(
      () => 'Marathon ended the stream',
      (error: unknown) => error,
    );
    if (signal.aborted) return;
    options.onDetached?.();
    if (isAttached !== false) log.warn('marathon.detached', whyDetached(reason));
    isAttached = false;
    const wasGood = connection.sawEvent || (connection.wasOpen && clock.nowMs() - startMs > SILENCE_MS);
    failures = wasGood ? 0 : failures + 1;
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** Math.max(0, failures - 1), LONGEST_DELAY_MS);
    log.debug('http.retried', {
      service: 'Marathon',
      path: '/v2/events',
      attempt: failures,
      waitMs: delayMs,
    });
    await clock.sleep(delayMs, signal).catch(() => undefined);
  }
}

function whyDetached(reason: unknown): Record<string, unknown> {
  const code = reason instanceof CertathonError ? reason.code : 'MARATHON_UNREACHABLE';
  return { code, reason: describeError(reason) };
}

/** One stream, from connecting to its end. */
class Connection {
  sawEvent = false;
  wasOpen = false;
  from = '';
  readonly #options: FollowOptions;
  readonly #opened: () => void;
  readonly #end = new AbortController();
  #lastByteMs: number;

  constructor(options: FollowOptions, opened: () => void) {
    this.#options = options;
    this.#opened = opened;
    this.#lastByteMs = options.clock.nowMs();
  }

  /** Resolves when the other side ends the stream; throws when it breaks. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    const stop = () => this.#end.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const watch = this.#watchSilence();
    try {
      await this.#read(await this.#open());
    } finally {
      signal.removeEventListener('abort', stop);
      this.#end.abort();
      await watch;
    }
  }

  async #open(): Promise<HttpStream> {
    const filters = (this.#options.types ?? [])
      .map((type) => `&event_type=${encodeURIComponent(type)}`)
      .join('');
    const stream = await this.#options.http.open({
      method: 'GET',
      // light: without the whole group tree in each deployment event (1.5 to 1.7; harmless elsewhere).
      path: `/v2/events?plan-format=light${filters}`,
      // This value alone: a list is answered 405.
      accept: 'text/event-stream',
      signal: this.#end.signal,
      redirects: 1,
    });
    const type = stream.headers['content-type'] ?? 'no content type';
    if (stream.status === 200 && type.startsWith('text/event-stream')) return stream;
    stream.body.on('error', () => undefined).destroy();
    const code =
      stream.status === 401 || stream.status === 403 ? 'MARATHON_UNAUTHORIZED' : 'MARATHON_UNREACHABLE';
    throw new CertathonError(code, `Marathon at ${stream.from} gives no events: ${stream.status}, ${type}`);
  }

  async #read({ body, from }: HttpStream): Promise<void> {
    const { clock, onAttached, onEvent } = this.#options;
    const parser = createParser({
      maxBufferSize: MOST_BUFFERED,
      onEvent: (frame) => {
        this.sawEvent = true;
        const event = parseEvent(frame.event, frame.data);
        if (event !== undefined) onEvent(event);
      },
      onError: (error) => {
        // Unknown fields and the like are skipped, as the specification of event streams says.
        if (error.type === 'max-buffer-size-exceeded') throw error;
      },
    });
    this.wasOpen = true;
    this.from = from;
    this.#lastByteMs = clock.nowMs();
    this.#opened();
    onAttached();
    const decoder = new TextDecoder();
    for await (const chunk of body as AsyncIterable<Buffer>) {
      this.#lastByteMs = clock.nowMs();
      parser.feed(decoder.decode(chunk, { stream: true }));
    }
  }

  async #watchSilence(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#end;
    while (!signal.aborted) {
      const leftMs = this.#lastByteMs + SILENCE_MS - clock.nowMs();
      if (leftMs <= 0) {
        this.#end.abort(new Error(`no byte for ${SILENCE_MS / 1_000} s`));
        return;
      }
      await clock.sleep(leftMs, signal).catch(() => undefined);
    }
  }
}
