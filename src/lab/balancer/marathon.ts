import { lookup } from 'node:dns/promises';
import { isIPv4 } from 'node:net';
import { createParser } from 'eventsource-parser';
import { get, textOf } from './http-get.ts';
import type { MarathonApp } from './marathon-app.ts';
import type { BalancerOptions } from './options.ts';

const CONNECT_AND_READ_MS = 46_000;
const SILENCE_MS = 300_000;
const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** Events after which marathon-lb asks for the apps again; `instance_changed_event` is none of them. */
const RELEVANT_EVENTS = ['api_post_event', 'health_status_changed_event', 'status_update_event'];

type Source = Pick<BalancerOptions, 'marathonUrls' | 'credentials'>;

/** The apps with their tasks, from the first Marathon that answers.
 * @throws the last failure when none does */
export async function fetchApps(source: Source): Promise<MarathonApp[]> {
  let failure: unknown = new Error('No Marathon is configured');
  for (const url of source.marathonUrls) {
    try {
      const headers = { accept: 'application/json', ...authorization(source) };
      const body = await textOf(
        await get(`${url}/v2/apps?embed=apps.tasks`, { headers }, CONNECT_AND_READ_MS),
      );
      const { apps } = JSON.parse(body) as { apps?: MarathonApp[] };
      if (!Array.isArray(apps)) throw new Error('KeyError: Marathon listed no apps');
      return apps;
    } catch (cause) {
      failure = new Error(`Marathon at ${url} gave no apps`, { cause });
    }
  }
  throw failure;
}

/** First IPv4 address of each host of a task; hosts that do not resolve are left out. */
export async function resolveHosts(apps: readonly MarathonApp[]): Promise<Map<string, string>> {
  const hosts = new Set(apps.flatMap(({ tasks }) => (tasks ?? []).flatMap(({ host }) => host ?? [])));
  const found = new Map<string, string>();
  for (const host of hosts) {
    if (isIPv4(host)) found.set(host, host);
    else {
      const address = await lookup(host, 4).catch(() => undefined);
      if (address !== undefined) found.set(host, address.address);
    }
  }
  return found;
}

export interface StreamListener {
  attached(): void;
  /** One of the events after which the apps are asked for again. */
  event(): void;
  failed(error: unknown): void;
}

/** Follows the event stream until `signal` aborts: hosts in turn, one redirect followed with credentials, 300 s without
 * a byte is a dead stream, a short growing pause after failures. */
export async function followEvents(
  source: Source,
  listener: StreamListener,
  signal: AbortSignal,
): Promise<void> {
  let pauseMs = SHORTEST_PAUSE_MS;
  for (let turn = 0; !signal.aborted; turn += 1) {
    const url = source.marathonUrls[turn % source.marathonUrls.length] ?? '';
    try {
      await readStream(`${url}/v2/events?${eventQuery()}`, source, signal, {
        ...listener,
        event: () => {
          pauseMs = SHORTEST_PAUSE_MS;
          listener.event();
        },
      });
    } catch (error) {
      if (!signal.aborted) listener.failed(error);
    }
    await pause(pauseMs * (0.5 + Math.random() / 2), signal);
    pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS);
  }
}

async function readStream(
  url: string,
  source: Source,
  signal: AbortSignal,
  listener: StreamListener,
  mayRedirect = true,
): Promise<void> {
  // Marathon wants exactly this value: a list is answered 405.
  const headers = { accept: 'text/event-stream', ...authorization(source) };
  const answer = await get(url, { headers, signal }, CONNECT_AND_READ_MS);
  const { statusCode = 0 } = answer;
  const { location } = answer.headers;
  if (mayRedirect && statusCode >= 300 && statusCode < 400 && typeof location === 'string') {
    answer.destroy();
    return await readStream(new URL(location, url).href, source, signal, listener, false);
  }
  if (statusCode !== 200) {
    answer.destroy();
    throw new Error(`Marathon answered ${statusCode} to the event stream`);
  }
  answer.setTimeout(SILENCE_MS);
  listener.attached();
  const parser = createParser({ onEvent: ({ data }) => isRelevant(data) && listener.event() });
  answer.setEncoding('utf8');
  for await (const chunk of answer) parser.feed(String(chunk));
}

/** Only the data counts; the event's name on the stream is not looked at. */
function isRelevant(data: string): boolean {
  try {
    return RELEVANT_EVENTS.includes((JSON.parse(data) as { eventType?: string }).eventType ?? '');
  } catch {
    return false;
  }
}

function eventQuery(): string {
  return ['plan-format=light', ...RELEVANT_EVENTS.map((name) => `event_type=${name}`)].join('&');
}

function authorization({ credentials }: Source): Record<string, string> {
  if (credentials === undefined) return {};
  const pair = Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64');
  return { authorization: `Basic ${pair}` };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
