import { isIPv6 } from 'node:net';
import { Agent, request } from 'undici';
import { readBounded } from '../lib/http-body.ts';
import { startDeadline } from '../lib/http-deadline.ts';
import { connectionWords } from '../lib/http-failure.ts';
import { printable } from '../lib/printable.ts';
import { USER_AGENT } from '../lib/version.ts';
import type { Balancer } from './balancers.ts';

/** What a balancer made of the signal. `sent` means only that a process was found: the work comes later, and may
 * be lost. `refused` is marathon-lb in poll mode, or a port that something else answers. */
export type ReloadAnswer =
  | { kind: 'sent' }
  | { kind: 'refused'; status: number; words: string }
  | { kind: 'unreachable'; reason: string };

type Place = Pick<Balancer, 'host' | 'adminPort'>;

const TIMEOUT_MS = 5_000;
const LONGEST_ANSWER = 4_096;
const LONGEST_WORDS = 300;

/** Asks a balancer to check its configuration and load it anew: the only way to have a changed certificate file
 * read. (`hup` reloads only when the configuration's text changed.) Harmless to repeat.
 * @throws the reason of an aborted signal
 * @source marathon-lb signalmlb.lua, marathon_lb.py (handle_signal, do_reload) */
export async function requestReload(balancer: Place, signal: AbortSignal): Promise<ReloadAnswer> {
  const answer = await get(balancer, '/_mlb_signal/usr1', signal);
  if ('reason' in answer) return { kind: 'unreachable', reason: answer.reason };
  if (answer.status === 200) return { kind: 'sent' };
  return { kind: 'refused', status: answer.status, words: printable(answer.text.trim(), LONGEST_WORDS) };
}

/** Pids of the HAProxy processes of a balancer, ascending: a new one among them shows a reload. A check of a
 * configuration that runs at this moment is counted too.
 * @returns undefined when it does not say   @throws the reason of an aborted signal
 * @source marathon-lb getpids.lua: the output of `pidof haproxy` */
export async function pidsOf(balancer: Place, signal: AbortSignal): Promise<number[] | undefined> {
  const answer = await get(balancer, '/_haproxy_getpids', signal);
  if ('reason' in answer || answer.status !== 200 || !/^\s*\d+(\s+\d+)*\s*$/.test(answer.text))
    return undefined;
  const pids = answer.text.trim().split(/\s+/).map(Number);
  return pids.sort((a, b) => a - b);
}

/** One request on a connection of its own: one kept alive would go on to the old worker, which says what was. */
async function get(
  { host, adminPort }: Place,
  path: string,
  signal: AbortSignal,
): Promise<{ status: number; text: string } | { reason: string }> {
  signal.throwIfAborted();
  const deadline = startDeadline(TIMEOUT_MS, signal);
  const agent = new Agent({ connections: 1, headersTimeout: 0, bodyTimeout: 0, connectTimeout: TIMEOUT_MS });
  try {
    const url = `http://${isIPv6(host) ? `[${host}]` : host}:${adminPort}${path}`;
    const headers = { 'user-agent': USER_AGENT };
    const answer = await request(url, { dispatcher: agent, headers, reset: true, signal: deadline.signal });
    return { status: answer.statusCode, text: await readBounded(answer.body, LONGEST_ANSWER) };
  } catch (error) {
    signal.throwIfAborted();
    return { reason: connectionWords(error) };
  } finally {
    deadline.end();
    await agent.destroy();
  }
}
