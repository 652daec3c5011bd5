import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Tally } from './load-report.ts';
import type { SlowBody } from './load-upload.ts';

/** Where requests go. */
export interface LoadTarget {
  /** A loopback address; no other is taken. */
  address: string;
  port: number;
  /** With it HTTPS, and the Host header of both; without it plain HTTP with the address as Host. */
  servername?: string;
  /** Plain HTTP although a name is given. */
  plain?: boolean;
  /** PEM to verify against; without it certificates are not verified. */
  ca?: string;
}

export interface LoadRequest {
  path: string;
  timeoutMs: number;
  /** Sent by POST; the answer must tell what arrived. */
  upload?: SlowBody;
}

export interface Answered {
  status: number;
  server: string;
}

/** Sends requests to one target. */
export interface Sender {
  /** Sends one and counts what came of it; never throws. A request on a reused connection that was closed before any
   * byte of an answer is repeated once on a new connection and counted apart, as RFC 9112 section 9.3.1 lets a client
   * do; everything else that goes wrong is a failure.
   * @param isKept on a connection that may have been used before, and may be used again */
  send(request: LoadRequest, isKept: boolean, tally: Tally): Promise<void>;
  close(): void;
}

const MOST_IDLE = 64;

/** @throws Error on an address outside 127.0.0.0/8 */
export function newSender(target: LoadTarget): Sender {
  if (!/^127(\.\d{1,3}){3}$/.test(target.address))
    throw new Error(`Load goes to loopback addresses only, not to ${target.address}`);
  const isTls = target.servername !== undefined && target.plain !== true;
  // Made once: reading the CA for each connection would take longer than the handshake.
  const context = isTls ? createSecureContext(target.ca === undefined ? {} : { ca: target.ca }) : undefined;
  const settings = { keepAlive: true, maxFreeSockets: MOST_IDLE };
  const agent = isTls ? new HttpsAgent(settings) : new HttpAgent(settings);
  return {
    send: async (request, isKept, tally) => {
      const sentAtMs = performance.now();
      try {
        let outcome = await send(target, request, context, isKept ? agent : undefined);
        if (outcome === 'closed-while-idle') {
          tally.repeated();
          outcome = await send(target, request, context, undefined);
        }
        if (outcome === 'closed-while-idle') tally.failed('closed before an answer, twice', sentAtMs);
        else tally.answered(outcome.status, outcome.server, sentAtMs);
      } catch (error) {
        tally.failed(wordsOf(error), sentAtMs);
      }
    },
    close: () => agent.destroy(),
  };
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.message} ${(error as NodeJS.ErrnoException).code ?? ''}`.trim();
}

/** @param agent undefined: a new connection, with a whole handshake, for this request alone */
function send(
  target: LoadTarget,
  { path, timeoutMs, upload }: LoadRequest,
  context: SecureContext | undefined,
  agent: HttpAgent | undefined,
): Promise<Answered | 'closed-while-idle'> {
  return new Promise((resolve, reject) => {
    const options = {
      host: target.address,
      port: target.port,
      path,
      method: upload === undefined ? 'GET' : 'POST',
      agent: agent ?? (false as const),
      headers: {
        host: target.servername ?? target.address,
        'user-agent': 'lab-load',
        ...(upload === undefined ? {} : { 'content-length': upload.bytes }),
      },
    };
    const tls = {
      ...options,
      servername: target.servername ?? '',
      secureContext: context,
      rejectUnauthorized: target.ca !== undefined,
    };
    const request = context === undefined ? httpRequest(options) : httpsRequest(tls);
    const deadline = setTimeout(
      () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    let bytesBefore = 0;
    let bytesRead = (): number => 0;
    request.once('socket', (socket: TLSSocket) => {
      bytesBefore = socket.bytesRead;
      bytesRead = () => socket.bytesRead;
    });
    const sending = upload?.sendTo(request);
    request.once('response', (response) => {
      read(response, sending === undefined ? undefined : (text) => sending.check(text))
        .then(resolve, reject)
        .finally(() => clearTimeout(deadline));
    });
    request.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(deadline);
      const isClosed = error.code === 'ECONNRESET' || error.code === 'EPIPE';
      if (isClosed && request.reusedSocket && bytesRead() === bytesBefore) resolve('closed-while-idle');
      else reject(error);
    });
    if (upload === undefined) request.end();
  });
}

/** @param check of the whole text of a good answer; throws when it is not as it should be */
function read(response: IncomingMessage, check?: (text: string) => void): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    response.once('error', reject);
    response.once('close', () => {
      if (!response.complete) return reject(new Error('closed in the middle of an answer'));
      const status = response.statusCode ?? 0;
      try {
        if (status < 500) check?.(Buffer.concat(chunks).toString());
      } catch (error) {
        return reject(error);
      }
      resolve({ status, server: String(response.headers['x-task'] ?? '') });
    });
    if (check === undefined) response.resume();
    else response.on('data', (chunk: Buffer) => void chunks.push(chunk));
  });
}
