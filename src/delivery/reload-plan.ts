// pure

import type { ReloadAnswer } from '../haproxy/reload.ts';

/** What one balancer shows now. */
export interface BalancerView {
  id: string;
  /** For people: `host:port`. */
  place: string;
  /** `unreachable`: no handshake was possible. */
  state: 'serves' | 'behind' | 'unreachable';
  /** What it shows instead, in words; '' when it serves. */
  shows: string;
  /** The name for which it shows something else. */
  name: string | undefined;
  /** It serves at least one certificate that the changed files brought, so it could load them. */
  servesNew: boolean;
}

/** The signals that a balancer was sent in this run. */
export interface Attempts {
  /** How often it took the signal. */
  taken: number;
  firstAtMs: number;
  lastAtMs: number;
  last: ReloadAnswer;
  /** Before the first of them. */
  pidsBefore: readonly number[] | undefined;
}

export type Move =
  | { do: 'finish' }
  | { do: 'signal'; ids: string[] }
  | { do: 'wait' }
  /** The time is up. */
  | { do: 'give-up'; putBack: boolean };

export interface Situation {
  views: readonly BalancerView[];
  attempts: ReadonlyMap<string, Attempts>;
  /** Files were changed, and no balancer has proven them before this run. */
  isChanged: boolean;
  nowMs: number;
  deadlineMs: number;
  /** How long a signal may take before it counts as lost. */
  reloadWaitMs: number;
}

/** What to do next. Only who does not serve what it should is sent a signal; again when the last one had its time,
 * since a USR1 is lost when marathon-lb has an event to work on at that moment. */
export function nextMove(situation: Situation): Move {
  const { views, attempts, nowMs, deadlineMs, reloadWaitMs } = situation;
  if (views.length > 0 && views.every(({ state }) => state === 'serves')) return { do: 'finish' };
  if (nowMs >= deadlineMs) return { do: 'give-up', putBack: shouldPutBack(situation) };
  const ids = views
    .filter(({ id, state }) => {
      const lastAtMs = attempts.get(id)?.lastAtMs;
      return state !== 'serves' && (lastAtMs === undefined || nowMs - lastAtMs >= reloadWaitMs);
    })
    .map(({ id }) => id);
  return ids.length > 0 ? { do: 'signal', ids } : { do: 'wait' };
}

/** One file that HAProxy can not load makes every later configuration of every balancer invalid, and lets none start.
 * So when balancers answer and took the signal, but not one of them has loaded what is new, the files go back. */
function shouldPutBack({ views, attempts, isChanged }: Situation): boolean {
  const answering = views.filter(({ state }) => state !== 'unreachable');
  const took = answering.some(({ id }) => (attempts.get(id)?.taken ?? 0) > 0);
  return isChanged && took && answering.every(({ servesNew, state }) => !servesNew && state === 'behind');
}

/** Why a balancer is behind, as far as it can be told.
 * @param pidsNow its processes at the end   @param rivals files of certs/ that carry the same name
 * @param unloadable files of certs/ that HAProxy can not load, with the reason of each */
export function whyBehind(
  view: BalancerView,
  attempts: Attempts | undefined,
  pidsNow: readonly number[] | undefined,
  rivals: readonly string[],
  unloadable: readonly string[],
): string {
  const who = `${view.place} (${view.id}) ${view.shows}`;
  if (attempts === undefined) return who;
  const { taken, last, pidsBefore } = attempts;
  if (last.kind === 'refused')
    return `${who}; it refused the signal with status ${last.status}: ${last.words}`;
  if (last.kind === 'unreachable') return `${who}; its admin port is unreachable: ${last.reason}`;
  const times = taken === 1 ? 'once' : `${taken} times`;
  switch (isReloaded(pidsBefore, pidsNow)) {
    case undefined:
      return `${who}; it took the signal ${times}`;
    case false:
      return `${who}; it took the signal ${times} and its processes did not change: it hangs, or HAProxy refuses its configuration${
        unloadable.length > 0 ? `, since it can not load ${unloadable.join(', ')} in certs/` : ''
      }`;
    case true:
      return rivals.length > 0
        ? `${who}; it reloaded, but ${rivals.join(', ')} in certs/ has the same name`
        : `${who}; it reloaded, but reads another directory, or another certificate comes first`;
  }
}

/** Is there a process that was not there before? Some that were may have gone by themselves.
 * @returns undefined when it can not be told */
export function isReloaded(
  before: readonly number[] | undefined,
  now: readonly number[] | undefined,
): boolean | undefined {
  if (before === undefined || now === undefined) return undefined;
  return now.some((pid) => !before.includes(pid));
}

/** How long to wait before a reload, so that two are never closer than the interval. A last one in the future comes
 * from a wrong clock and is ignored. */
export function untilNextReloadMs(lastAt: Date | undefined, intervalMs: number, nowMs: number): number {
  const lastMs = lastAt?.getTime();
  if (lastMs === undefined || !(lastMs <= nowMs)) return 0;
  return Math.max(0, lastMs + intervalMs - nowMs);
}

/** Files that hold a certificate for the same name, beside the wanted one: HAProxy shows the first that it loaded. */
export function rivalsOf(
  name: string,
  wanted: string | undefined,
  files: readonly { file: string; names: readonly string[]; fingerprint: string }[],
): string[] {
  const parent = name.replace(/^[^.]+/, '*');
  return files
    .filter(
      ({ names, fingerprint }) => fingerprint !== wanted && (names.includes(name) || names.includes(parent)),
    )
    .map(({ file }) => file);
}

/** The end of the message when files were put back. */
export function putBackWords(files: { restored: readonly string[]; removed: readonly string[] }): string {
  const { restored, removed } = files;
  const parts = [
    ...(restored.length > 0 ? [`${restored.join(', ')} put back`] : []),
    ...(removed.length > 0 ? [`${removed.join(', ')} taken out again`] : []),
  ];
  return parts.length === 0 ? 'nothing could be put back' : `the files were put back (${parts.join('; ')})`;
}
