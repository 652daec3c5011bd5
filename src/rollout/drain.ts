// pure
import type { BalancerLook, ListenerRow } from '../haproxy/look.ts';
import { isNamed, UNKNOWN } from '../haproxy/names.ts';

export type { BalancerLook, ListenerRow } from '../haproxy/look.ts';

/** A process that may still hold sessions of a listener. */
export interface Holder {
  pid: number;
  /** As the process itself last told, before another one took its place; undefined when nobody saw it. */
  sessions: number | undefined;
  seenAtMs: number | undefined;
}

export type ListenerState =
  /** Takes new requests: `UP`, `UP 1/3`, `no check`. */
  | { kind: 'in'; status: string; sessions: number }
  /** HAProxy's own check fails: no new requests, but nobody took it out. So are `DRAIN`, `NOLB` and what is not known. */
  | { kind: 'down'; status: string; sessions: number }
  /** Taken out (`MAINT`), or not in the configuration. Drained when nothing holds it. */
  | { kind: 'out'; isListed: boolean; holders: readonly Holder[] };

/** What is known of balancers, by their ids. Plain JSON, so that it can be compared and printed. */
export type DrainMemory = Readonly<Record<string, BalancerMemory>>;

export interface BalancerMemory {
  /** Of the last look, as what follows. */
  atMs: number;
  pids: readonly number[];
  /** False once a single process was there: then none of them is a master, and each may hold sessions. */
  hasMaster: boolean;
  /** The processes that are still there and have answered some look, by pid. */
  workers: Readonly<Record<string, WorkerMemory>>;
  listeners: Readonly<Record<string, ListenerMemory>>;
}

/** What a worker said when it last answered. Its configuration stays the same for its whole life. */
export interface WorkerMemory {
  seenAtMs: number;
  /** Backends whose lines are in `sessions`. */
  backends: readonly string[];
  /** Sessions of each line that it sends requests to, or has sessions of. */
  sessions: Readonly<Record<string, number>>;
}

export interface ListenerMemory {
  state: ListenerState;
  /** Of a listener that is out: processes that may hold it, the master among them. Empty once it is drained, and then
   * for as long as it stays out: no process gets new sessions of it. */
  suspects: readonly number[];
}

export const emptyDrain: DrainMemory = {};

/** Later than so after the last one, a look begins anew: meanwhile anything may have come in and gone out again. */
const LONGEST_GAP_MS = 10_000;

/** The memory after a look. Statistics are those of one worker; that it has no session of a listener proves nothing of
 * the workers before it, which serve on until their last connection ends. So their pids are followed: a listener is
 * drained when it is out, the worker that serves has no session of it, and every process is gone that may have some.
 * Which are the processes
 *   that were there at the first look that showed it out, or at the last one before where nobody told who answers,
 *   but for the one that answers now and has no session of it,
 *   those that answered once and did not send to it,
 *   and the master, which is one of those that never answered.
 * Processes that begin later have a configuration without it. A program that begins anew, or was away for long, does
 * not know who answered, and so waits for all older processes. Pure.
 * @param watched `BACKEND/SERVER`, with `*` as in `listenersOf()`; others are forgotten */
export function rememberLook(
  memory: DrainMemory,
  look: BalancerLook,
  watched: readonly string[],
): DrainMemory {
  const before = memory[look.balancer];
  const listeners = [...new Set(watched)];
  const balancer = {
    ...{ atMs: look.atMs, pids: look.pids },
    hasMaster: look.pids.length > 1 && before?.hasMaster !== false,
    workers: workersOf(before, look, listeners),
  };
  const isRecent = before !== undefined && look.atMs - before.atMs <= LONGEST_GAP_MS;
  const about = { look, balancer, before: isRecent ? before : undefined };
  const found = rowFinder(look.rows);
  const states = listeners.map((listener) => [listener, remembered(listener, found(listener), about)]);
  return { ...memory, [look.balancer]: { ...balancer, listeners: Object.fromEntries(states) } };
}

/** @returns undefined for a listener that was not watched at the last look, and a balancer that was not looked at */
export function stateOf(memory: DrainMemory, balancer: string, listener: string): ListenerState | undefined {
  return memory[balancer]?.listeners[listener]?.state;
}

/** The memory without balancers that are not there any more. Pure. */
export function onlyBalancers(memory: DrainMemory, ids: readonly string[]): DrainMemory {
  return Object.fromEntries(Object.entries(memory).filter(([id]) => ids.includes(id)));
}

type Row = Omit<ListenerRow, 'listener'>;

interface About {
  look: BalancerLook;
  balancer: Omit<BalancerMemory, 'listeners'>;
  before: BalancerMemory | undefined;
}

function remembered(listener: string, row: Row | undefined, about: About): ListenerMemory {
  const kind = row === undefined ? 'out' : kindOf(row.status);
  if (row !== undefined && kind !== 'out')
    return { state: { kind, status: row.status, sessions: row.sessions }, suspects: [] };
  const isListed = row !== undefined;
  const isClean = row === undefined || row.sessions + row.queued === 0;
  const suspects = suspectsOf(listener, isClean, about);
  const { look, balancer } = about;
  const holding = withoutMaster(suspects, balancer);
  // The one process beside the master is the one that answered, whether or not it said who it is.
  const isAlone =
    look.pids.length <= (balancer.hasMaster ? 2 : 1) &&
    holding.every((pid) => balancer.workers[pid] === undefined);
  if (isClean && (holding.length === 0 || isAlone))
    return { state: { kind: 'out', isListed, holders: [] }, suspects: [] };
  // Its own numbers say that somebody holds it, though nobody told who answered.
  const pids = [holding, withoutMaster(look.pids, balancer), look.pids].find((list) => list.length > 0) ?? [];
  const holders = pids.map((pid) => holderOf(pid, listener, balancer));
  return { state: { kind: 'out', isListed, holders }, suspects };
}

function suspectsOf(listener: string, isClean: boolean, { look, balancer, before }: About): number[] {
  const { servingPid, pids } = look;
  const known = before?.listeners[listener];
  const wasOut = known?.state.kind === 'out';
  // Who serves now, without it, need not be named to be left out when it was not there before.
  const first = servingPid === undefined && known !== undefined ? (before?.pids ?? pids) : pids;
  const suspects = new Set([...(wasOut ? known.suspects : first), ...missedBy(look, balancer, before)]);
  if (servingPid !== undefined && !isClean) suspects.add(servingPid);
  return pids.filter((pid) => {
    if (!suspects.has(pid)) return false;
    return pid === servingPid ? !isClean : !isKnownWithout(listener, balancer.workers[pid]);
  });
}

/** Processes that began after the last look and were replaced before this one: nobody knows what they sent to. With
 * them the one that never answers, the master. Where it is not told who answers, it is the one that began last. */
function missedBy(
  { pids, servingPid }: BalancerLook,
  { workers }: Pick<BalancerMemory, 'workers'>,
  before: BalancerMemory | undefined,
): number[] {
  const fresh = before === undefined ? [] : pids.filter((pid) => !before.pids.includes(pid));
  // A container that began anew: what held connections has ended with the old one.
  if (fresh.length === pids.length) return [];
  const serving = servingPid ?? Math.max(...fresh);
  if (fresh.every((pid) => pid === serving)) return [];
  return pids.filter((pid) => pid !== serving && workers[pid] === undefined);
}

/** It has answered, and sent nothing to the listener. */
function isKnownWithout(listener: string, worker: WorkerMemory | undefined): boolean {
  return (
    worker?.backends.includes(backendOf(listener)) === true && sessionsOf(listener, worker) === undefined
  );
}

/** The master never answers. Where several processes never did, which of them it is does not matter for how many the
 * others are; most likely the one that began first. */
function withoutMaster(
  pids: readonly number[],
  { workers, hasMaster }: Omit<BalancerMemory, 'listeners'>,
): number[] {
  const silent = pids.filter((pid) => workers[pid] === undefined);
  const master = hasMaster && silent.length > 0 ? Math.min(...silent) : undefined;
  return pids.filter((pid) => pid !== master);
}

function holderOf(pid: number, listener: string, { workers }: Omit<BalancerMemory, 'listeners'>): Holder {
  const worker = workers[pid];
  const sessions = worker === undefined ? undefined : sessionsOf(listener, worker);
  return { pid, sessions, seenAtMs: sessions === undefined ? undefined : worker?.seenAtMs };
}

/** @returns undefined when it did not send to the listener, or nothing is known of it */
function sessionsOf(listener: string, { sessions }: WorkerMemory): number | undefined {
  if (!listener.includes(UNKNOWN)) return sessions[listener];
  const names = Object.keys(sessions).filter((name) => isNamed(listener, name));
  return names.length === 0 ? undefined : names.reduce((sum, name) => sum + (sessions[name] ?? 0), 0);
}

function workersOf(
  before: BalancerMemory | undefined,
  { pids, servingPid, rows, atMs }: BalancerLook,
  watched: readonly string[],
): Record<string, WorkerMemory> {
  const kept = Object.entries(before?.workers ?? {}).filter(([pid]) => pids.includes(Number(pid)));
  if (servingPid === undefined) return Object.fromEntries(kept);
  const backends = [...new Set(watched.map(backendOf))];
  const used = rows.filter(
    ({ listener, status, sessions, queued }) =>
      (kindOf(status) !== 'out' || sessions + queued > 0) &&
      backends.some((backend) => isNamed(backend, backendOf(listener))),
  );
  const sessions = Object.fromEntries(used.map((row) => [row.listener, row.sessions]));
  return Object.fromEntries([...kept, [String(servingPid), { seenAtMs: atMs, backends, sessions }]]);
}

function backendOf(listener: string): string {
  return listener.slice(0, listener.lastIndexOf('/'));
}

/** @source HAProxy management guide, 9.1 CSV format (status); srv_hlt_st in its src/stats.c */
function kindOf(status: string): ListenerState['kind'] {
  if (/^MAINT\b/.test(status)) return 'out';
  return /^(UP\b|no check)/.test(status) ? 'in' : 'down';
}

/** Of several lines that a star stands for, one that is not out tells most. */
function rowFinder(rows: readonly ListenerRow[]): (listener: string) => Row | undefined {
  const byName = new Map(rows.map((row) => [row.listener, row]));
  return (listener) => {
    if (!listener.includes(UNKNOWN)) return byName.get(listener);
    const found = rows.filter((row) => isNamed(listener, row.listener));
    const used = found.find(({ status }) => kindOf(status) !== 'out') ?? found[0];
    if (used === undefined) return undefined;
    const sum = (key: 'sessions' | 'queued') => found.reduce((total, row) => total + row[key], 0);
    return { status: used.status, sessions: sum('sessions'), queued: sum('queued') };
  };
}
