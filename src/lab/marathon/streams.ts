import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dialect } from './dialect.ts';
import type { EventBus, MarathonEvent } from './events.ts';

const MOST_WAITING_EVENTS = 1024;

interface Stream {
  response: ServerResponse;
  types: ReadonlySet<string>;
  /** Plans come without the trees of apps. */
  isLight: boolean;
  remoteAddress: string;
  /** Frames for a reader that does not keep up. */
  waiting: string[];
  isBlocked: boolean;
  heartbeat: NodeJS.Timeout;
}

/** The readers of `/v2/events`.
 * @source S/core/event/impl/stream/*.scala; frames by Jetty's EventSourceServlet */
export class EventStreams {
  readonly #streams = new Set<Stream>();
  readonly #events: EventBus;
  readonly #heartbeatMs: number;
  readonly #dialect: Dialect;
  readonly #isDropping: () => boolean;

  constructor(events: EventBus, heartbeatMs: number, dialect: Dialect, isDropping: () => boolean) {
    this.#events = events;
    this.#heartbeatMs = heartbeatMs;
    this.#dialect = dialect;
    this.#isDropping = isDropping;
    events.subscribe((event) => this.#send(event));
  }

  get count(): number {
    return this.#streams.size;
  }

  /** Answers one request with a stream that lasts until either side closes it.
   * @param wanted `types` are the event types to send, none means all; `isLight` asks for plans without the trees
   *   of apps, which only some versions know how to grant */
  attach(
    request: IncomingMessage,
    response: ServerResponse,
    wanted: { types: string[]; isLight: boolean; leader: string },
  ): void {
    response.useChunkedEncodingByDefault = false;
    response.writeHead(200, {
      'Content-Type': 'text/event-stream;charset=utf-8',
      'Cache-Control': 'no-cache, no-store, must-revalidate',
      Pragma: 'no-cache',
      Expires: '0',
      'X-Marathon-Leader': wanted.leader,
      Connection: 'close',
    });
    response.flushHeaders();
    request.socket.setNoDelay(true);
    const remoteAddress = request.socket.remoteAddress ?? '';
    const stream: Stream = {
      response,
      types: new Set(wanted.types),
      isLight: wanted.isLight && this.#dialect.planFormat === 'heavy-unless-light',
      remoteAddress,
      waiting: [],
      isBlocked: false,
      heartbeat: setInterval(() => beat(stream), this.#heartbeatMs),
    };
    this.#streams.add(stream);
    response.on('drain', () => this.#flush(stream));
    response.on('error', () => response.destroy());
    response.once('close', () => this.#detach(stream));
    this.#events.publish('event_stream_attached', { remoteAddress });
  }

  closeAll(): void {
    for (const { response } of [...this.#streams]) response.destroy();
  }

  #send(event: MarathonEvent): void {
    if (this.#isDropping()) return;
    const whole = frameOf(event);
    for (const stream of [...this.#streams]) {
      if (stream.types.size > 0 && !stream.types.has(event.eventType)) continue;
      const frame = stream.isLight ? frameOf(withoutTrees(event)) : whole;
      if (!stream.isBlocked) stream.isBlocked = !stream.response.write(frame);
      else if (stream.waiting.length < MOST_WAITING_EVENTS) stream.waiting.push(frame);
      else if (this.#dialect.closesSlowStreams) stream.response.destroy();
    }
  }

  #flush(stream: Stream): void {
    stream.isBlocked = false;
    while (!stream.isBlocked) {
      const frame = stream.waiting.shift();
      if (frame === undefined) return;
      stream.isBlocked = !stream.response.write(frame);
    }
  }

  #detach(stream: Stream): void {
    clearInterval(stream.heartbeat);
    if (this.#streams.delete(stream))
      this.#events.publish('event_stream_detached', { remoteAddress: stream.remoteAddress });
  }
}

const frameOf = (event: MarathonEvent) =>
  `event: ${event.eventType}\r\ndata: ${JSON.stringify(event)}\r\n\r\n`;

function withoutTrees(event: MarathonEvent): MarathonEvent {
  if (typeof event.plan !== 'object' || event.plan === null) return event;
  const { original: _before, target: _after, ...plan } = event.plan as Record<string, unknown>;
  return { ...event, plan };
}

/** Jetty writes the two bytes apart: the second write notices a peer that is gone. */
function beat(stream: Stream): void {
  if (stream.isBlocked) return;
  stream.response.write('\r');
  stream.response.write('\n');
}
