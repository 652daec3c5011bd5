// pure

import { grow, tooMany } from './growing.ts';
import { isEnding, targetLabel } from './marking.ts';
import type { About, ColourApp, ColourTask, Growing, RolloutStep } from './model.ts';
import { killableNow } from './scale.ts';
import { wait } from './settle.ts';
import type { Sides } from './sides.ts';
import { heldBy, type TaskUse } from './tally.ts';
import { briefly, canComeBack } from './turning.ts';
import { endsByItself, isOverdue, takeBack } from './unlocking.ts';

/** Ends the going colour as a whole, once nothing is sent to it and nothing holds it. Pure. */
export function removal(sides: Sides, about: About): RolloutStep {
  const { coming, going, goingUse, marking } = sides;
  const out = new Set(marking.older === going.id ? marking.out : []);
  // One that marathon-lb is about to send requests to is not drained, whatever is seen now.
  const busy = going.tasks.filter(
    (task) => !isIdle(task, goingUse, about) || (task.isAlive && !out.has(task.id)),
  );
  if (busy.length > 0) {
    const still = drain(busy, sides, about);
    if (still !== undefined) return still;
  }
  const [deployment] = going.deployments;
  if (deployment !== undefined) {
    const couldServe = going.tasks.some(({ isAlive }) => isAlive);
    const mayGoOn = couldServe && (!isOverdue(deployment, about) || coming.deployments.length > 0);
    if (mayGoOn || endsByItself(going, about.memory))
      return wait(sides.seen, 'deployment', about, `${going.id} is being deployed (${deployment})`);
    // To take it back is a scaling, too, after which marathon-lb would let it serve again; unless it takes all of it.
    const step = takeBack(going, deployment);
    return couldServe && going.isAsCreated === false ? { ...step, grow: briefly(coming) } : step;
  }
  // Nobody may hold up a rollout that has failed on its way back; one that somebody asked for is asked about.
  const ask = about.memory.turned === undefined ? asking(going, [], true, about) : undefined;
  if (ask !== undefined) return ask;
  const cut =
    busy.length > 0 ? `, although ${busy.length} tasks still hold connections: cut as asked for` : '';
  return { do: 'delete', appId: going.id, reason: `No balancer sends anything to ${going.id}${cut}` };
}

/** Kills drained tasks of the old colour while the new one grows, or stays at its share. Pure. */
export function shrinking(sides: Sides, about: About): RolloutStep {
  const { coming, going, marking, goingUse } = sides;
  if (targetLabel(coming) !== targetLabel(going)) {
    const reason = `HAPROXY_DEPLOYMENT_TARGET_INSTANCES of ${coming.id} and ${going.id} differ: once the old colour is made smaller, marathon-lb takes new tasks out`;
    return { do: 'stop', code: 'ROLLOUT_UNSAFE', reason };
  }
  const surplus = tooMany(sides);
  const most = killableNow(surplus);
  // The dying ones have to stay among those that marathon-lb takes out when it looks the next time.
  const covered = surplus <= 1 ? marking.out : marking.out.slice(0, surplus - most);
  const byId = new Map(going.tasks.map((task) => [task.id, task]));
  const candidates = covered.flatMap((id) => byId.get(id) ?? []).filter((task) => !isEnding(task));
  let ready = candidates.filter((task) => isIdle(task, goingUse, about)).slice(0, most);
  if (ready.length === 0) {
    ready = candidates.slice(0, most);
    const still = drain(ready, sides, about);
    if (still !== undefined) return still;
  }
  const taskIds = ready.map(({ id }) => id);
  const ask = asking(going, taskIds, false, about);
  if (ask !== undefined) return ask;
  return {
    do: 'kill',
    appId: going.id,
    taskIds,
    grow: surplus > 1 ? cover(sides, about) : undefined,
    reason: `${taskIds.length === 1 ? 'a drained task' : `${taskIds.length} drained tasks`} of ${going.id} made way for new ones`,
  };
}

/** What makes the coming colour the one scaled last again: its next size, or a touch where it has all. */
function cover(sides: Sides, about: About): Growing {
  const { coming, goal } = sides;
  if (coming.instances >= goal) return briefly(coming);
  const { appId, from, instances } = grow(sides, about);
  return { appId, from, instances };
}

/** A balancer needs no longer from its question to its reload. */
const LONGEST_RELOAD_MS = 5_000;

/** Waits until these tasks are drained; what happens after the deadline was chosen before.
 * @returns undefined when they may be cut */
export function drain(tasks: readonly ColourTask[], sides: Sides, about: About): RolloutStep | undefined {
  const { seen, goingUse, comingUse, isBack, balancers = [] } = sides;
  const { policy, memory, nowMs } = about;
  const held = tasks.filter(({ id }) => (goingUse.get(id) ?? comingUse.get(id)) === 'out');
  const waiting = tasks.filter((task) => !isIdle(task, goingUse, about) && !isIdle(task, comingUse, about));
  const settling = waiting.filter(({ id }) => (goingUse.get(id) ?? comingUse.get(id)) === 'drained');
  const lastMs = Math.max(...settling.map(({ id }) => memory.flickeredMs?.[id] ?? nowMs));
  // As long as it flickers, nothing moves on.
  if (settling.length > 0 && settling.length + held.length === waiting.length && lastMs < nowMs) {
    const reason = `a balancer that asked before may let ${settling.length} tasks serve again`;
    return { do: 'wait', for: 'drain', reason, untilMs: lastMs + LONGEST_RELOAD_MS };
  }
  if (held.length < waiting.length || held.length === 0)
    return wait(seen, 'drain', about, `${waiting.length - held.length} tasks are still sent requests`);
  const sincesMs = held.map(({ id }) => memory.outSinceMs[id] ?? nowMs);
  // Each has its whole time before it is cut.
  const sinceMs = policy.onDrainTimeout === 'cut' ? Math.max(...sincesMs) : Math.min(...sincesMs);
  const untilMs = sinceMs + policy.drainTimeoutMs;
  const sessions = heldBy(held, balancers);
  const words = `${held.length} tasks may still have connections: ${inWords(sessions, nowMs)}`;
  if (nowMs < untilMs) return { do: 'wait', for: 'drain', reason: words, untilMs };
  if (policy.onDrainTimeout === 'cut') return undefined;
  const reason = `Not drained within ${Math.round(policy.drainTimeoutMs / 1_000)} s: ${words}`;
  // Whoever resumes goes forward: what stopped on the way back asks for another abort.
  if (isBack) return { do: 'stop', code: 'ROLLOUT_ROLLBACK_FAILED', reason };
  const code = 'ROLLOUT_DRAIN_TIMEOUT';
  if (policy.onDrainTimeout === 'stop') return { do: 'stop', code, reason };
  if (canComeBack(sides, about)) return { do: 'turn', code, reason };
  const why = `it does not go back, since no task of ${sides.going.id} would serve at once, and none is free to be exchanged`;
  return { do: 'stop', code, reason: `${reason}; ${why}` };
}

/** Nothing is sent to it, nothing holds it, and no balancer can have asked when it was to serve, and reload now. */
export function isIdle(
  { id, isAlive }: ColourTask,
  uses: ReadonlyMap<string, TaskUse>,
  { memory, nowMs }: About,
): boolean {
  const flickeredMs = memory.flickeredMs?.[id];
  const isSettled = flickeredMs === undefined || nowMs - flickeredMs >= LONGEST_RELOAD_MS;
  return uses.get(id) === 'drained' && (isSettled || !isAlive);
}

/** Before anything of the colour that makes way is removed, whoever was named is asked, once. */
function asking(
  going: ColourApp,
  taskIds: readonly string[],
  isWhole: boolean,
  { policy, memory }: About,
): RolloutStep | undefined {
  const ids = isWhole ? [going.id] : taskIds;
  if (!policy.hasHook || ids.every((id) => memory.approved.includes(id))) return undefined;
  // zdd.py's hook gets the tasks that are about to end, also when the whole app goes.
  const asked = isWhole ? going.tasks.map(({ id }) => id) : taskIds;
  return { do: 'ask', appId: going.id, taskIds: asked, isWhole, reason: 'before they are removed' };
}

/** A large app behind many balancers would fill pages. */
const MOST_NAMED = 6;

function inWords(sessions: ReturnType<typeof heldBy>, nowMs: number): string {
  const rows = sessions.slice(0, MOST_NAMED).map(({ balancer, pid, listener, sessions, seenAtMs }) => {
    const count = sessions === undefined ? 'an unknown number of' : String(sessions);
    const when = seenAtMs === undefined ? '' : ` ${Math.round((nowMs - seenAtMs) / 1_000)} s ago`;
    return `process ${pid} of ${balancer} with ${count} sessions to ${listener}${when}`;
  });
  const more = sessions.length - rows.length;
  return [...rows, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}
