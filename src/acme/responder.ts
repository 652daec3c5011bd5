import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CertathonError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { createServer } from '../lib/node-http.ts';
import { printable } from '../lib/printable.ts';
import { keyAuthorization } from './account-key.ts';

/** The path of RFC 8555 8.3, also in the absolute form that proxies may send (RFC 9112 3.2.2). */
const CHALLENGE_PATH =
  /^(?:https?:\/\/[^/?#]*)?\/\.well-known\/acme-challenge\/([A-Za-z0-9_-]{1,128})(?:\?.*)?$/;
const TOKEN = /^[A-Za-z0-9_-]{16,128}$/;
/** Too short for a token, so it can never hide one. */
const PING = 'ping';
const TIME_LIMIT_MS = 10_000;
const MAX_HEADER_BYTES = 8 * 1024;
const MAX_HEADERS = 64;
/** A CA asks from five places at once, and each balancer checks the health of this port. */
const MAX_CONNECTIONS = 512;
const CLOSE_WITHIN_MS = 1_000;

export interface ResponderOptions {
  host: string;
  /** 0 takes any free one. */
  port: number;
  /** Told by the ping, so that one sees which instance a route leads to. */
  instance: string;
  /** The key authorization of a live challenge, from the store that all instances share. */
  answer: (token: string) => Promise<string | undefined>;
  /** Thumbprints of accounts, the default one first. When there is one, every token without a live challenge is
   * answered for it: any instance can then answer without the store, and nothing but validations for that
   * account can come of it. */
  stateless?: () => string[];
  /** For receiving a request, and for every silence; default 10 s. */
  timeLimitMs?: number;
  log: Log;
}

export interface Responder {
  host: string;
  port: number;
  /** Takes no more requests; those under way have a second. */
  close(): Promise<void>;
}

/** Serves http-01 answers and a ping for health checks, and nothing else, on a port of its own: this is the one
 * that strangers reach.
 *   GET /.well-known/acme-challenge/TOKEN → 200 text/plain, the key authorization
 *   GET /.well-known/acme-challenge/ping  → 200 {"service":"certathon","instance":"…"}
 *   anything else                         → 404
 * @throws PORT_UNUSABLE
 * @source RFC 8555 8.3 */
export async function startResponder(options: ResponderOptions): Promise<Responder> {
  const timeLimitMs = options.timeLimitMs ?? TIME_LIMIT_MS;
  const server = createServer(
    {
      headersTimeout: timeLimitMs,
      requestTimeout: timeLimitMs,
      connectionsCheckingInterval: timeLimitMs / 4,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    (request, response) => void respond(request, response, options),
  );
  server.maxHeadersCount = MAX_HEADERS;
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = timeLimitMs;
  await listening(server, options);
  const { port } = server.address() as AddressInfo;
  return { host: options.host, port, close: () => closed(server) };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  options: ResponderOptions,
): Promise<void> {
  const token = CHALLENGE_PATH.exec(request.url ?? '')?.[1];
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const reply = token === undefined || !isRead ? NOT_FOUND : await replyTo(token, options);
  response.writeHead(reply.status, {
    'content-type': reply.type,
    'content-length': Buffer.byteLength(reply.body),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    // A balancer that reuses a connection may meet one that was closed just then, and a validation has one try.
    connection: 'close',
  });
  response.end(request.method === 'HEAD' ? undefined : reply.body);
  if (token === undefined || token === PING) return;
  options.log.debug('challenge.served', {
    token,
    status: reply.status,
    host: heard(request.headers.host),
    // What the routing through marathon-lb saved of the Host that was asked for.
    askedHost: heard(request.headers['x-acme-host']),
    from: request.socket.remoteAddress,
  });
}

interface Reply {
  status: number;
  type: string;
  body: string;
}
const PLAIN = 'text/plain; charset=utf-8';
const NOT_FOUND: Reply = { status: 404, type: PLAIN, body: 'not found\n' };
const UNAVAILABLE: Reply = { status: 503, type: PLAIN, body: 'try again\n' };

async function replyTo(
  token: string,
  { instance, answer, stateless, log }: ResponderOptions,
): Promise<Reply> {
  if (token === PING) {
    return {
      status: 200,
      type: 'application/json',
      body: JSON.stringify({ service: 'certathon', instance }),
    };
  }
  if (!TOKEN.test(token)) return NOT_FOUND;
  let otherwise = NOT_FOUND;
  try {
    const stored = await answer(token);
    if (stored !== undefined) return { status: 200, type: PLAIN, body: stored };
  } catch (error) {
    // The store may be away for a moment; "not found" would be final for the CA and so would be wrong.
    otherwise = UNAVAILABLE;
    log.warn('challenge.served', { token, status: 503, code: 'STORE_UNUSABLE', reason: String(error) });
  }
  const thumbprint = stateless?.()[0];
  if (thumbprint === undefined) return otherwise;
  return { status: 200, type: PLAIN, body: keyAuthorization(token, thumbprint) };
}

function heard(header: string | string[] | undefined): string | undefined {
  return header === undefined ? undefined : printable(String(header), 300);
}

function listening(server: Server, { host, port }: ResponderOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.on('error', (cause: NodeJS.ErrnoException) => {
      reject(
        new CertathonError('PORT_UNUSABLE', `Cannot serve challenges on ${host}:${port}: ${cause.code}`, {
          cause,
        }),
      );
    });
    server.listen({ host, port }, () => resolve());
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const overdue = setTimeout(() => server.closeAllConnections(), CLOSE_WITHIN_MS);
    server.close(() => {
      clearTimeout(overdue);
      resolve();
    });
    server.closeIdleConnections();
  });
}
