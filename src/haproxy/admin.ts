import { isIP, isIPv6 } from 'node:net';
import { readBounded } from '../lib/http-body.ts';
import { startDeadline } from '../lib/http-deadline.ts';
import { connectionWords } from '../lib/http-failure.ts';
import { registerSecret } from '../lib/mask.ts';
import { Agent, buildConnector, request } from '../lib/undici.ts';
import { USER_AGENT } from '../lib/version.ts';

/** Where the admin endpoints of one balancer answer. */
export interface AdminPlace {
  /** The address that is dialled. */
  host: string;
  adminPort: number;
  auth?: { user: string; password: string } | undefined;
  /** HTTPS: the certificate has to be good for `host`, whatever address is dialled.
   * `caPem`: trusted instead of the system's. */
  tls?: { host: string; caPem?: string | undefined } | undefined;
}

export interface AdminQuestion {
  /** With its query. */
  path: string;
  maxBytes: number;
}

/** Any status, or why there was no answer. */
export type AdminAnswer = { status: number; text: string } | { reason: string };

const TIMEOUT_MS = 5_000;

/** One request on a connection of its own: one kept alive would go on to the old worker, which says what was.
 * @throws the reason of an aborted signal */
export async function askAdmin(
  place: AdminPlace,
  question: AdminQuestion,
  signal: AbortSignal,
): Promise<AdminAnswer> {
  const { answers } = await askInTurn(place, [question], signal);
  return answers[0] as AdminAnswer;
}

/** Several requests, one after the other, on one connection if the balancer keeps it: then one and the same process
 * has answered them all. 5 s for all together.
 * @returns an answer for each question   @throws the reason of an aborted signal */
export async function askInTurn(
  place: AdminPlace,
  questions: readonly AdminQuestion[],
  signal: AbortSignal,
): Promise<{ answers: AdminAnswer[]; isOneConnection: boolean }> {
  signal.throwIfAborted();
  const deadline = startDeadline(TIMEOUT_MS, signal);
  const line = openLine(place);
  const answers: AdminAnswer[] = [];
  try {
    for (const [index, question] of questions.entries()) {
      const isLast = index === questions.length - 1;
      answers.push(await exchange(line.agent, place, question, isLast, deadline.signal));
      signal.throwIfAborted();
    }
    return { answers, isOneConnection: line.connections() === 1 };
  } finally {
    deadline.end();
    await line.agent.destroy();
  }
}

async function exchange(
  dispatcher: Agent,
  place: AdminPlace,
  { path, maxBytes }: AdminQuestion,
  reset: boolean,
  signal: AbortSignal,
): Promise<AdminAnswer> {
  try {
    const { origin, headers } = addressed(place);
    const answer = await request(`${origin}${path}`, { dispatcher, headers, reset, signal });
    return { status: answer.statusCode, text: await readBounded(answer.body, maxBytes) };
  } catch (error) {
    return { reason: connectionWords(error) };
  }
}

function addressed({ host, adminPort, auth, tls }: AdminPlace): {
  origin: string;
  headers: Record<string, string>;
} {
  const port = `:${adminPort}`;
  const origin = `${tls === undefined ? 'http' : 'https'}://${inUrl(host)}${port}`;
  return {
    origin,
    headers: {
      'user-agent': USER_AGENT,
      ...(tls === undefined ? {} : { host: `${inUrl(tls.host)}${port}` }),
      ...(auth === undefined ? {} : { authorization: basicHeader(auth) }),
    },
  };
}

function basicHeader({ user, password }: { user: string; password: string }): string {
  const pair = `${user}:${password}`;
  // Also in this spelling they must never leave the process in text.
  registerSecret(pair);
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

function inUrl(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

/** One connection at a time, and a count of how many it took. */
function openLine({ tls }: AdminPlace): { agent: Agent; connections(): number } {
  const connect = buildConnector({
    timeout: TIMEOUT_MS,
    allowH2: false,
    rejectUnauthorized: true,
    ...(tls?.caPem === undefined ? {} : { ca: tls.caPem }),
    // An address is no name that SNI may carry (RFC 6066, 3).
    ...(tls === undefined || isIP(tls.host) !== 0 ? {} : { servername: tls.host }),
  });
  let count = 0;
  const agent = new Agent({
    ...{ connections: 1, pipelining: 1, allowH2: false },
    // The deadline over everything does their work.
    ...{ headersTimeout: 0, bodyTimeout: 0 },
    connect: (target, callback) => {
      count += 1;
      connect(target, callback);
    },
  });
  return { agent, connections: () => count };
}
