import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type LoadReport, newTally, type Tally } from './load-report.ts';

export type { LoadReport } from './load-report.ts';

export interface LoadOptions {
  /** A loopback address; no other is taken. */
  address: string;
  port: number;
  /** With it HTTPS, and the Host header of both; without it plain HTTP with the address as Host. */
  servername?: string;
  /** A new connection for each request, as from many clients; kept ones hide what a front does to new ones. */
  freshConnections?: boolean;
  /** Plain HTTP although a name is given. */
  plain?: boolean;
  path: string;
  ratePerSecond: number;
  /** PEM to verify against; without it certificates are not verified. */
  ca?: string;
  maxRequests: number;
  maxSeconds: number;
  timeoutMs: number;
}

export interface Load {
  /** Sends nothing more and waits for what is on the way. */
  stop(): Promise<LoadReport>;
  /** Resolves when it has stopped, by itself or by `stop()`. */
  finished: Promise<LoadReport>;
  /** Requests that have ended so far, well or not. */
  soFar(): { requests: number; failed: number };
}

const MOST = { ratePerSecond: 2000, requests: 1_000_000, seconds: 3600 };
const TICK_MS = 5;

/** Sends requests at a fixed rate, whatever comes back (open loop): a stall shows as latency and failures instead of
 * fewer requests. A request on a reused keep-alive connection that was closed before any byte of an answer is
 * repeated once on a new connection and counted apart, as RFC 9112 section 9.3.1 lets a client do; everything else that
 * goes wrong is a failure.
 * @throws Error on an address outside 127.0.0.0/8 or figures out of bounds */
export function startLoad(options: LoadOptions): Load {
  check(options);
  const agent = newAgent(options);
  const startedAtMs = performance.now();
  const tally = newTally(startedAtMs);
  const running = new Set<Promise<void>>();
  let sent = 0;
  let end: (report: LoadReport) => void;
  const finished = new Promise<LoadReport>((resolve) => {
    end = resolve;
  });
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - startedAtMs;
    const due = Math.min(Math.ceil((elapsedMs * options.ratePerSecond) / 1000), options.maxRequests);
    for (; sent < due; sent += 1) {
      const one = sendCounted(options, agent, tally).finally(() => running.delete(one));
      running.add(one);
    }
    if (sent >= options.maxRequests || elapsedMs >= options.maxSeconds * 1000) void finish();
  }, TICK_MS);
  let isFinishing = false;
  async function finish(): Promise<LoadReport> {
    clearInterval(timer);
    if (!isFinishing) {
      isFinishing = true;
      await Promise.all(running);
      agent.destroy();
      end(tally.report());
    }
    return await finished;
  }
  return { stop: finish, finished, soFar: () => tally.soFar() };
}

async function sendCounted(options: LoadOptions, agent: HttpAgent, tally: Tally): Promise<void> {
  const startedAtMs = performance.now();
  try {
    let outcome = await send(options, agent);
    if (outcome === 'closed-while-idle') {
      tally.repeated();
      outcome = await send(options, undefined);
    }
    if (outcome === 'closed-while-idle') tally.failed('closed before an answer, twice');
    else tally.answered(outcome.status, outcome.server, performance.now() - startedAtMs);
  } catch (error) {
    tally.failed(
      error instanceof Error
        ? `${error.message} ${(error as NodeJS.ErrnoException).code ?? ''}`.trim()
        : String(error),
    );
  }
}

interface Answered {
  status: number;
  server: string;
}

/** @param agent undefined: a new connection for this request alone */
function send(options: LoadOptions, agent: HttpAgent | undefined): Promise<Answered | 'closed-while-idle'> {
  const isTls = options.servername !== undefined && options.plain !== true;
  return new Promise((resolve, reject) => {
    const target = {
      host: options.address,
      port: options.port,
      path: options.path,
      agent: agent ?? (false as const),
      headers: { host: options.servername ?? options.address, 'user-agent': 'lab-load' },
    };
    const request = isTls ? httpsRequest({ ...target, ...tlsOptions(options) }) : httpRequest(target);
    const deadline = setTimeout(
      () => request.destroy(new Error(`no answer within ${options.timeoutMs} ms`)),
      options.timeoutMs,
    );
    let bytesBefore = 0;
    let bytesRead = (): number => 0;
    request.once('socket', (socket) => {
      bytesBefore = socket.bytesRead;
      bytesRead = () => socket.bytesRead;
    });
    request.once('response', (response) => {
      read(response)
        .then(resolve, reject)
        .finally(() => clearTimeout(deadline));
    });
    request.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(deadline);
      const isClosed = error.code === 'ECONNRESET' || error.code === 'EPIPE';
      if (isClosed && request.reusedSocket && bytesRead() === bytesBefore) resolve('closed-while-idle');
      else reject(error);
    });
    request.end();
  });
}

function read(response: IncomingMessage): Promise<Answered> {
  return new Promise((resolve, reject) => {
    response.once('error', reject);
    response.once('close', () => {
      if (!response.complete) return reject(new Error('closed in the middle of an answer'));
      resolve({ status: response.statusCode ?? 0, server: String(response.headers['x-task'] ?? '') });
    });
    response.resume();
  });
}

function newAgent(options: LoadOptions): HttpAgent {
  const isTls = options.servername !== undefined && options.plain !== true;
  const settings = { keepAlive: options.freshConnections !== true, maxFreeSockets: 64 };
  return isTls ? new HttpsAgent({ ...settings, ...tlsOptions(options) }) : new HttpAgent(settings);
}

function tlsOptions({ servername, ca }: LoadOptions): {
  servername?: string;
  ca?: string;
  rejectUnauthorized: boolean;
} {
  return {
    ...(servername === undefined ? {} : { servername }),
    ...(ca === undefined ? {} : { ca }),
    rejectUnauthorized: ca !== undefined,
  };
}

function check(options: LoadOptions): void {
  if (!/^127(\.\d{1,3}){3}$/.test(options.address)) {
    throw new Error(`Load goes to loopback addresses only, not to ${options.address}`);
  }
  const bounds: [string, number, number][] = [
    ['ratePerSecond', options.ratePerSecond, MOST.ratePerSecond],
    ['maxRequests', options.maxRequests, MOST.requests],
    ['maxSeconds', options.maxSeconds, MOST.seconds],
  ];
  for (const [name, value, most] of bounds) {
    if (!(value > 0 && value <= most)) throw new Error(`${name} is ${value}: more than 0, at most ${most}`);
  }
}
