import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { EventName, Log } from '../../../src/lib/log.ts';
import { createMarathonHttp } from '../../../src/marathon/calls.ts';
import type { MarathonEvent } from '../../../src/marathon/event-schema.ts';
import { followEvents } from '../../../src/marathon/events.ts';
import { manualClock } from '../../support/clock.ts';
import { type Answer, cleanups, sendHtml, startServer, until } from '../lib/loopback.ts';

const { add, run } = cleanups();
afterEach(run);

/** Opens a stream as Marathon does: no length, not chunked, the connection closes with it. */
function openStream(response: ServerResponse): ServerResponse {
  response.useChunkedEncodingByDefault = false;
  response.writeHead(200, { 'content-type': 'text/event-stream;charset=utf-8', connection: 'close' });
  response.flushHeaders();
  return response;
}

function frame(type: string, data: object = {}): string {
  return `event: ${type}\r\ndata: ${JSON.stringify({ eventType: type, ...data })}\r\n\r\n`;
}

async function follow(answer: Answer, types?: string[], baseUrls?: string[]) {
  const server = await startServer(answer);
  add(() => server.close());
  const clock = manualClock();
  const logged: { event: EventName; fields: Record<string, unknown> }[] = [];
  const note = (event: EventName, fields: Record<string, unknown> = {}) =>
    void logged.push({ event, fields });
  const waits: number[] = [];
  const log: Log = {
    debug: (event, fields) => void (event === 'http.retried' && waits.push(fields?.waitMs as number)),
    info: note,
    warn: note,
    error: note,
    flush: () => undefined,
  };
  const http = createMarathonHttp({
    baseUrls: baseUrls ?? [server.url],
    timeoutMs: 20_000,
    connectTimeoutMs: 5_000,
    userAgent: 'certathon/test',
    clock,
    log,
    auth: { user: 'joe', password: 'secret-1' },
  });
  const events: MarathonEvent[] = [];
  const stop = new AbortController();
  let attached = 0;
  const following = followEvents({
    http,
    clock,
    log,
    signal: stop.signal,
    ...(types === undefined ? {} : { types }),
    onEvent: (event) => events.push(event),
    onAttached: () => attached++,
  });
  add(async () => {
    stop.abort(new Error('the test is over'));
    await following;
    await http.close();
  });
  /** Waits until the stream has ended `count` times and the wait before the next one goes on; then ends it. */
  const reconnect = async (count: number) => {
    await until(() => waits.length === count && clock.sleeping() === 1, `stream ${count} ended`);
    await clock.advance(waits.at(-1) ?? 0);
  };
  return { server, clock, logged, events, stop, following, waits, reconnect, attached: () => attached };
}

describe('followEvents()', () => {
  it('asks with the exact Accept, its filters and plan-format=light, and delivers typed events', async () => {
    let stream: ServerResponse | undefined;
    const { server, events, attached, logged } = await follow(
      (_request, response) => {
        stream = openStream(response);
        stream.write(frame('event_stream_attached', { remoteAddress: '10.0.0.9' }));
      },
      ['deployment_success', 'status_update_event'],
    );
    await until(() => events.length === 1, 'the first event');
    stream?.write(frame('status_update_event', { appId: '/marathon-lb', taskStatus: 'TASK_RUNNING' }));
    await until(() => events.length === 2, 'the second event');

    expect(server.seen).toHaveLength(1);
    expect(server.seen[0]).toMatchObject({
      method: 'GET',
      url: '/v2/events?plan-format=light&event_type=deployment_success&event_type=status_update_event',
      headers: { accept: 'text/event-stream' },
    });
    expect(events[1]).toMatchObject({ type: 'status_update_event', appIds: ['/marathon-lb'] });
    expect(attached()).toBe(1);
    expect(logged.map(({ event }) => event)).toEqual(['marathon.attached']);
  });

  it('reads frames in any pieces, with heartbeats between them, and letters of several bytes', async () => {
    const bytes = Buffer.from(`\r\n${frame('a', { message: 'größe ✓' })}\r\n${frame('b')}`);
    const { events } = await follow(async (_request, response) => {
      openStream(response);
      for (const byte of bytes) {
        response.write(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    await until(() => events.length === 2, 'both events');

    expect(events.map(({ type }) => type)).toEqual(['a', 'b']);
    expect(events[0]?.data).toMatchObject({ message: 'größe ✓' });
  });

  it('passes over what is no event', async () => {
    const { events } = await follow((_request, response) => {
      openStream(response).write(
        `event: a\r\ndata: no json\r\n\r\nodd line\r\n: comment\r\n\r\n${frame('b')}`,
      );
    });
    await until(() => events.length === 1, 'the good event');

    expect(events[0]?.type).toBe('b');
  });

  it('follows the 302 of a standby, with the credentials', async () => {
    const leader = await startServer((_request, response) => {
      openStream(response).write(frame('event_stream_attached'));
    });
    add(() => leader.close());
    const { events, server } = await follow((request, response) =>
      response.writeHead(302, { location: `${leader.url}${request.url}` }).end(),
    );
    await until(() => events.length === 1, 'the event of the leader');

    expect(server.seen[0]?.headers.authorization).toMatch(/^Basic /);
    expect(leader.seen[0]).toMatchObject({ url: '/v2/events?plan-format=light' });
    expect(leader.seen[0]?.headers).toMatchObject({
      accept: 'text/event-stream',
      authorization: server.seen[0]?.headers.authorization,
    });
  });

  it('takes 30 s of silence for a dead connection, and reconnects', async () => {
    const { clock, server, attached, logged, reconnect } = await follow((_request, response) => {
      openStream(response).write('\r\n');
    });
    await until(() => attached() === 1 && clock.sleeping() === 1, 'the stream is open');

    await clock.advance(29_000);
    expect(server.seen).toHaveLength(1);
    await clock.advance(1_500);
    await reconnect(1);
    await until(() => attached() === 2, 'the second stream');

    expect(logged.map(({ event }) => event)).toEqual([
      'marathon.attached',
      'marathon.detached',
      'marathon.attached',
    ]);
    expect(logged[1]?.fields).toMatchObject({ reason: 'no byte for 30 s' });
  });

  it('stays while heartbeats come', async () => {
    let stream: ServerResponse | undefined;
    const { clock, server, attached, events } = await follow((_request, response) => {
      stream = openStream(response);
    });
    await until(() => attached() === 1 && clock.sleeping() === 1, 'the stream is open');

    for (let beat = 1; beat <= 6; beat++) {
      await clock.advance(20_000);
      // The event after the heartbeat shows when both have been read.
      stream?.write(`\r\n${frame('beat')}`);
      await until(() => events.length === beat, 'the heartbeat was read');
    }

    expect(server.seen).toHaveLength(1);
  });

  it('backs off from a node that accepts and closes at once', async () => {
    const { reconnect, waits } = await follow((_request, response) => openStream(response).end());

    for (let count = 1; count <= 8; count++) await reconnect(count);

    expect(waits.slice(0, 8)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  it('reconnects soon after a stream that worked, and tells the caller to read everything again', async () => {
    const { reconnect, waits, attached, events } = await follow((_request, response) => {
      openStream(response).end(frame('event_stream_attached'));
    });

    for (let count = 1; count <= 3; count++) await reconnect(count);
    await until(() => events.length === 4, 'the fourth stream');

    expect(attached()).toBe(4);
    expect(waits.slice(0, 3)).toEqual([500, 500, 500]);
  });

  it.each([
    [401, 'MARATHON_UNAUTHORIZED'],
    [405, 'MARATHON_UNREACHABLE'],
    [503, 'MARATHON_UNREACHABLE'],
    [200, 'MARATHON_UNREACHABLE'],
  ])('logs a stream that is refused by %i once, however often', async (status, code) => {
    const { reconnect, attached, logged } = await follow((_request, response) =>
      sendHtml(response, status, 'no'),
    );

    for (let count = 1; count <= 4; count++) await reconnect(count);

    expect(attached()).toBe(0);
    expect(logged.map(({ event, fields }) => [event, fields.code])).toEqual([['marathon.detached', code]]);
    expect(JSON.stringify(logged)).not.toContain('secret-1');
  });

  it('cuts an event without end', async () => {
    const { clock, logged, waits } = await follow((_request, response, raw) => {
      const stream = openStream(response);
      raw.socket.on('error', () => undefined);
      stream.write('data: ');
      for (let written = 0; written < 5; written++) stream.write('x'.repeat(1024 * 1024));
    });
    await until(() => logged.some(({ event }) => event === 'marathon.detached'), 'the end of the stream');

    expect(logged.at(-1)?.fields.reason).toContain('exceeded max buffer size');
    await until(() => waits.length === 1 && clock.sleeping() === 1, 'the wait before reconnecting');
  });

  it('ends with the signal, also while it waits to reconnect', async () => {
    const open = await follow((_request, response) => openStream(response));
    await until(() => open.attached() === 1, 'the stream is open');
    const waiting = await follow((_request, response) => sendHtml(response, 503, 'no leader'));
    await until(() => waiting.waits.length === 1, 'the wait before reconnecting');

    open.stop.abort(new Error('stopping'));
    waiting.stop.abort(new Error('stopping'));

    expect(await Promise.all([open.following, waiting.following])).toEqual([undefined, undefined]);
    expect(open.clock.sleeping()).toBe(0);
    expect(open.logged.map(({ event }) => event)).toEqual(['marathon.attached']);
  });
});
