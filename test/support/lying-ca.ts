import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What an ACME request says, its signature unread. */
export interface Asked {
  protected: { alg: string; nonce: string; url: string; kid?: string; jwk?: object };
  payload: unknown;
}
export type Lie = (request: IncomingMessage, response: ServerResponse, asked: Asked | undefined) => void;

/** A CA that says what a test tells it to; the directory, nonces and accounts are honest unless replaced. */
export interface LyingCa {
  url: string;
  directoryUrl: string;
  /** By path: `/dir`, `/nonce`, `/account`, `/order`, and whatever else is asked for. */
  lies: Map<string, Lie>;
  /** `METHOD /path` of every request, in order. */
  seen: string[];
  /** The nonce of every signed request, in order. */
  nonces: string[];
  close(): Promise<void>;
}

export async function startLyingCa(): Promise<LyingCa> {
  let issued = 0;
  const server = createServer(async (request, response) => {
    const path = request.url ?? '/';
    ca.seen.push(`${request.method} ${path}`);
    const asked = request.method === 'POST' ? decoded(await text(request)) : undefined;
    if (asked !== undefined) ca.nonces.push(asked.protected.nonce);
    issued += 1;
    response.setHeader('replay-nonce', `nonce-${issued}`);
    const answer = ca.lies.get(path) ?? honest(ca.url)[path];
    if (answer === undefined) response.writeHead(404).end();
    else answer(request, response, asked);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ca: LyingCa = {
    url,
    directoryUrl: `${url}/dir`,
    lies: new Map(),
    seen: [],
    nonces: [],
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return ca;
}

/** An answer in JSON, or in whatever type the headers say. */
export function says(status: number, body: unknown, headers: Record<string, string> = {}): Lie {
  return (_request, response) => {
    const type = status >= 400 ? 'application/problem+json' : 'application/json';
    response.writeHead(status, { 'content-type': type, ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

/** Each answer in turn, the last one for ever. */
export function inTurn(...answers: Lie[]): Lie {
  let next = 0;
  return (...call) => {
    answers[Math.min(next, answers.length - 1)]?.(...call);
    next += 1;
  };
}

function honest(url: string): Record<string, Lie> {
  return {
    '/dir': says(200, { newNonce: `${url}/nonce`, newAccount: `${url}/account`, newOrder: `${url}/order` }),
    '/nonce': (_request, response) => response.writeHead(204).end(),
    '/account': says(201, { status: 'valid' }, { location: `${url}/account/1` }),
  };
}

function decoded(body: string): Asked {
  const { protected: head, payload } = JSON.parse(body) as { protected: string; payload: string };
  const read = (part: string) =>
    part === '' ? undefined : JSON.parse(Buffer.from(part, 'base64url').toString());
  return { protected: read(head), payload: read(payload) };
}
