import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { ZodError } from 'zod';
import { type Credentials, isAuthorized, isForUs } from './access.ts';
import { type Answer, htmlError, json, writeAnswer } from './answer.ts';
import { ApiError } from './api-error.ts';
import type { ApiRequest, World } from './api-request.ts';
import { type DcosLogin, LOGIN_PATH } from './dcos-login.ts';
import type { Faults } from './faults.ts';
import { keptBody, type RequestHistory, type SeenRequest } from './history.ts';
import { route } from './router.ts';
import { parseJson } from './schema.ts';
import type { EventStreams } from './streams.ts';

const LARGEST_BODY_BYTES = 8 * 1024 * 1024;
const IDLE_CONNECTION_MS = 30_000;
const WRITES = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

export interface Front {
  world: World;
  faults: Faults;
  history: RequestHistory;
  streams: EventStreams;
  credentials: Credentials | undefined;
  login: DcosLogin | undefined;
  /** Values of Host that are ours; known once the port is. */
  names: ReadonlySet<string>;
  /** Ends every wait when the lab stops. */
  stopped: AbortSignal;
}

/** The HTTP side: who may ask, what faults apply, what is remembered; then the API. */
export function createFront(frontOf: () => Front): Server {
  const server = createServer((request, response) => {
    answerRequest(request, response, frontOf()).catch(() => response.destroy());
  });
  server.keepAliveTimeout = IDLE_CONNECTION_MS;
  return server;
}

async function answerRequest(
  request: IncomingMessage,
  response: ServerResponse,
  front: Front,
): Promise<void> {
  response.on('error', () => response.destroy());
  const method = request.method ?? 'GET';
  const url = new URL(`http://lab${request.url?.startsWith('/') ? request.url : '/'}`);
  const isLab = url.pathname.startsWith('/lab/');
  const entry = isLab ? undefined : front.history.begin(method, url.pathname, url.search.slice(1));
  const send = (answer: Answer) => {
    if (entry) entry.status = answer.status;
    const acceptsGzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
    return writeAnswer(response, answer, { leader: `http://${front.world.leader}`, acceptsGzip });
  };

  if (!isForUs(request.headers, front.names))
    return send({ status: 403, text: 'Forbidden: foreign Host or Origin' });
  const isLogin = front.login !== undefined && url.pathname === LOGIN_PATH;
  if (!isLogin && !mayPass(request.headers.authorization, front))
    return send(htmlError(401, 'Unauthorized', { 'WWW-Authenticate': 'basic realm="Mesosphere"' }));
  const body = await readBody(request);
  if (body === undefined)
    return send({ ...htmlError(413, 'Payload Too Large'), headers: { Connection: 'close' } });
  if (entry) entry.body = keptBody(body);
  if (isLogin && front.login) return send(front.login.answer(method, body));

  const { noLeader, noLeaderHoldMs, slowMs } = front.faults.settings;
  if (noLeader !== false && !isLab) {
    await pause(noLeaderHoldMs, undefined, { signal: front.stopped });
    const status = noLeader === true ? front.world.dialect.noLeaderStatus : noLeader;
    return send(htmlError(status, 'Could not determine the current leader'));
  }
  const api: ApiRequest = {
    method,
    path: decoded(url.pathname),
    query: url.searchParams,
    body,
    headers: request.headers,
    clientIp: request.socket.remoteAddress ?? '',
  };
  if (api.path === '/v2/events') return openStream(request, response, front, api, entry, send);

  if (!isLab && WRITES.has(method) && front.faults.takeRefusal())
    return send(htmlError(503, 'Too many concurrent requests! Allowed: 0.'));
  const answer = answerOf(() => (isLab ? answerLab(api, front) : route(api, front.world)));
  if (isLab) return send(answer);
  if (slowMs > 0) await pause(slowMs, undefined, { signal: front.stopped });
  if (WRITES.has(method) && front.faults.takeLostReply()) {
    request.socket.destroy();
    return undefined;
  }
  return send(answer);
}

function mayPass(authorization: string | undefined, { credentials, login }: Front): boolean {
  if (login?.lets(authorization)) return true;
  return (credentials !== undefined || login === undefined) && isAuthorized(authorization, credentials);
}

function openStream(
  request: IncomingMessage,
  response: ServerResponse,
  front: Front,
  api: ApiRequest,
  entry: SeenRequest | undefined,
  send: (answer: Answer) => Promise<void>,
): Promise<void> {
  // The header must be equal: a list with other types in it is refused by the real one too.
  if (api.method !== 'GET' || request.headers.accept !== 'text/event-stream')
    return send(htmlError(405, 'HTTP method GET is not supported by this URL'));
  if (entry) entry.status = 200;
  front.streams.attach(request, response, {
    types: api.query.getAll('event_type'),
    isLight: api.query.getAll('plan-format').includes('light'),
    leader: `http://${front.world.leader}`,
  });
  return Promise.resolve();
}

function answerLab(request: ApiRequest, front: Front): Answer {
  const call = `${request.method} ${request.path}`;
  if (call === 'GET /lab/requests') return json({ requests: front.history.all() });
  if (call === 'PUT /lab/faults') front.faults.apply(parseJson(request.body));
  else if (call !== 'GET /lab/faults') throw new ApiError(404, { message: `No such lab address: ${call}` });
  return json(front.faults.settings);
}

function answerOf(act: () => Answer): Answer {
  try {
    return act();
  } catch (error) {
    if (error instanceof ApiError) return json(error.body, error.status);
    if (error instanceof ZodError) return json({ message: 'Unknown fault', details: error.issues }, 422);
    return json({ message: error instanceof Error ? error.message : String(error) }, 500);
  }
}

/** @returns nothing when the body is too large; the rest of it is then thrown away */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes <= LARGEST_BODY_BYTES) parts.push(part);
  }
  return bytes > LARGEST_BODY_BYTES ? undefined : Buffer.concat(parts).toString('utf8');
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
