import { printable, quoted } from '../lib/printable.ts';
import { type AdminPlace, askAdmin } from './admin.ts';

/** What a balancer made of the signal. `sent` means only that a process was found: the work comes later, and may
 * be lost. `refused` is marathon-lb in poll mode, or a port that something else answers. */
export type ReloadAnswer =
  | { kind: 'sent' }
  | { kind: 'refused'; status: number; words: string }
  | { kind: 'unreachable'; reason: string };

const LONGEST_ANSWER = 4_096;
const LONGEST_WORDS = 300;

/** Asks a balancer to check its configuration and load it anew: the only way to have a changed certificate file
 * read. (`hup` reloads only when the configuration's text changed.) Harmless to repeat.
 * @throws the reason of an aborted signal
 * @source marathon-lb signalmlb.lua, marathon_lb.py (handle_signal, do_reload) */
export async function requestReload(balancer: AdminPlace, signal: AbortSignal): Promise<ReloadAnswer> {
  const answer = await askAdmin(balancer, { path: '/_mlb_signal/usr1', maxBytes: LONGEST_ANSWER }, signal);
  if ('reason' in answer) return { kind: 'unreachable', reason: answer.reason };
  if (answer.status === 200) return { kind: 'sent' };
  return { kind: 'refused', status: answer.status, words: printable(answer.text.trim(), LONGEST_WORDS) };
}

/** Pids of the HAProxy processes of a balancer, ascending: a new one among them shows a reload. A check of a
 * configuration that runs at this moment is counted too.
 * @returns undefined when it does not say   @throws the reason of an aborted signal
 * @source marathon-lb getpids.lua: the output of `pidof haproxy` */
export async function pidsOf(balancer: AdminPlace, signal: AbortSignal): Promise<number[] | undefined> {
  const pids = await readPids(balancer, signal);
  return Array.isArray(pids) ? pids : undefined;
}

/** As `pidsOf()`. @returns why, when it does not say */
export async function readPids(
  balancer: AdminPlace,
  signal: AbortSignal,
): Promise<number[] | { reason: string }> {
  const answer = await askAdmin(balancer, { path: '/_haproxy_getpids', maxBytes: LONGEST_ANSWER }, signal);
  if ('reason' in answer) return answer;
  const { status, text } = answer;
  if (status !== 200) return { reason: `/_haproxy_getpids answers ${status}` };
  if (!/^\s*\d{1,10}(\s+\d{1,10})*\s*$/.test(text))
    return { reason: `/_haproxy_getpids answers no pids but ${quoted(text.slice(0, 80))}` };
  const pids = text.trim().split(/\s+/).map(Number);
  return pids.sort((a, b) => a - b);
}
