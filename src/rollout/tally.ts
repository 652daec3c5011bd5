// pure
import type { Holder, ListenerState } from './drain.ts';
import type { ColourApp, ColourTask, ObservedBalancer, RolloutObservation } from './model.ts';

/** What a task is to all balancers together. `in`: every one sends it requests. `mixed`: some do, or it has no place
 * yet on one of them. `out`: none sends anything new, but an old process may hold connections. `drained`: none holds
 * anything. */
export type TaskUse = 'in' | 'mixed' | 'out' | 'drained';

/** A process of a balancer that may hold connections to a task. */
export interface HeldSession extends Holder {
  balancer: string;
  listener: string;
}

export type SeenBalancer = Extract<ObservedBalancer, { kind: 'seen' }>;

/** Balancers that answered; `undefined` when one of them could not be looked at, and so nothing is certain. */
export function allSeen(seen: RolloutObservation): SeenBalancer[] | undefined {
  const ok = seen.balancers.filter((each): each is SeenBalancer => each.kind === 'seen');
  return ok.length === seen.balancers.length && ok.length > 0 ? ok : undefined;
}

/** Every task of an app with what it is to all balancers. Pure. */
export function usesOf(app: ColourApp, balancers: readonly SeenBalancer[]): Map<string, TaskUse> {
  return new Map(app.tasks.map((task) => [task.id, useOf(task, balancers)]));
}

/** @returns `drained` for a task without listeners, which nobody ever sent anything to. One that is alive has a place on
 * every balancer sooner or later: where it has none, that may be about to change, or its name is another one */
export function useOf(task: ColourTask, balancers: readonly SeenBalancer[]): TaskUse {
  const states = statesOf(task, balancers);
  if (
    task.isAlive &&
    states.some((state) => state.kind === 'out' && !state.isListed && state.holders.length === 0)
  )
    return 'mixed';
  if (states.every((state) => state.kind === 'out'))
    return states.every((state) => state.kind === 'out' && state.holders.length === 0) ? 'drained' : 'out';
  return states.every((state) => state.kind === 'in') ? 'in' : 'mixed';
}

/** What still holds connections to these tasks: those with most sessions first, then those of which nothing is known.
 * Pure. */
export function heldBy(tasks: readonly ColourTask[], balancers: readonly SeenBalancer[]): HeldSession[] {
  const held = tasks.flatMap((task) =>
    balancers.flatMap(({ id, listeners }) =>
      task.listeners.flatMap((listener) => {
        const state = listeners[listener];
        if (state?.kind !== 'out') return [];
        return state.holders.map((holder) => ({ balancer: id, listener, ...holder }));
      }),
    ),
  );
  const weight = ({ sessions = 0.5 }: HeldSession) => sessions;
  return held.sort((a, b) => weight(b) - weight(a));
}

function statesOf(task: ColourTask, balancers: readonly SeenBalancer[]): ListenerState[] {
  const unlisted: ListenerState = { kind: 'out', isListed: false, holders: [] };
  return balancers.flatMap(({ listeners }) =>
    task.listeners.map((listener) => listeners[listener] ?? unlisted),
  );
}
