import type { Clock } from '../lib/clock.ts';
import { CertathonError } from '../lib/errors.ts';
import { type AdminAnswer, type AdminPlace, askAdmin, askInTurn } from './admin.ts';
import type { BalancerPlace } from './places.ts';
import { readPids } from './reload.ts';
import { parseStats } from './stats.ts';

/** One look at one balancer: pids, statistics, pids again; used only when both lists of pids were equal. */
export interface BalancerLook {
  balancer: string;
  /** All HAProxy processes, ascending. */
  pids: readonly number[];
  /** The worker that answered; undefined when the balancer does not tell. */
  servingPid: number | undefined;
  rows: readonly ListenerRow[];
  atMs: number;
}

/** A row of the statistics. */
export interface ListenerRow {
  /** `BACKEND/SERVER` */
  listener: string;
  status: string;
  sessions: number;
  queued: number;
}

/** Statistics grow by 600 bytes with each server; the configuration by less. */
const LONGEST_STATS = 32 * 1024 * 1024;
const LONGEST_PAGE = 1024 * 1024;

const STATS = { path: '/haproxy?stats;csv', maxBytes: LONGEST_STATS };
/** The page for people tells which process wrote it, as nothing else does. The scope, which no backend is named by,
 * leaves out its tables (24 kB stay). */
const PAGE = { path: '/haproxy?stats;norefresh&scope=~', maxBytes: LONGEST_PAGE };

/** What one balancer does with requests at this moment. While a new worker takes the place of another, both may answer:
 * so the pids are asked before and after, and the statistics and the name of who wrote them on one connection.
 * @returns `reloading` when a process came or went meanwhile: look again
 * @throws the reason of an aborted signal
 * @source marathon-lb getpids.lua; HAProxy management guide, 9.1 CSV format */
export async function lookAtBalancer(
  place: BalancerPlace,
  { signal, clock }: { signal: AbortSignal; clock: Pick<Clock, 'monotonicMs'> },
): Promise<BalancerLook | { reloading: true } | { unreachable: string }> {
  const before = await readPids(place, signal);
  if ('reason' in before) return { unreachable: before.reason };
  const { answers, isOneConnection } = await askInTurn(place, [STATS, PAGE], signal);
  const rows = rowsOf(answers[0] as AdminAnswer);
  if (!Array.isArray(rows)) return rows;
  const after = await readPids(place, signal);
  if ('reason' in after) return { unreachable: after.reason };
  if (before.join() !== after.join()) return { reloading: true };
  const writer = isOneConnection ? writerOf(answers[1] as AdminAnswer) : undefined;
  return {
    balancer: place.id,
    pids: after,
    // In another namespace of processes its number means something else.
    servingPid: writer !== undefined && after.includes(writer) ? writer : undefined,
    rows,
    atMs: clock.monotonicMs(),
  };
}

/** The configuration that the serving process read when it started. @throws the reason of an aborted signal */
export async function readConfig(
  place: AdminPlace,
  signal: AbortSignal,
): Promise<{ config: string } | { unreachable: string }> {
  const question = { path: '/_haproxy_getconfig', maxBytes: LONGEST_STATS };
  const answer = await askAdmin(place, question, signal);
  if ('reason' in answer) return { unreachable: answer.reason };
  return answer.status === 200
    ? { config: answer.text }
    : { unreachable: `${question.path} answers ${answer.status}` };
}

function rowsOf(answer: AdminAnswer): ListenerRow[] | { unreachable: string } {
  if ('reason' in answer) return { unreachable: answer.reason };
  if (answer.status !== 200) return { unreachable: `${STATS.path} answers ${answer.status}` };
  try {
    return parseStats(answer.text)
      .filter(({ server }) => server !== 'FRONTEND' && server !== 'BACKEND')
      .map(({ backend, server, status, sessions, queued }) => ({
        ...{ listener: `${backend}/${server}`, status, sessions, queued },
      }));
  } catch (error) {
    if (error instanceof CertathonError) return { unreachable: error.message };
    throw error;
  }
}

/** `<p><b>pid = </b> 4711 (process #1, nbproc = 1, nbthread = 2)<br>`: so from HAProxy 1.3 to 3.x. */
function writerOf(answer: AdminAnswer): number | undefined {
  if ('reason' in answer || answer.status !== 200) return undefined;
  const pid = /<b>pid = <\/b>\s*(\d{1,10})\b/.exec(answer.text)?.[1];
  return pid === undefined ? undefined : Number(pid);
}
