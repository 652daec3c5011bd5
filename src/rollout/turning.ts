// pure
import { inUse, killed, scaledNow } from './foresight.ts';
import { isEnding } from './marking.ts';
import type { About, ColourApp, RolloutStep } from './model.ts';
import { drain, isIdle } from './removal.ts';
import { wait } from './settle.ts';
import { exchanged, fullSizeOf, type Sides } from './sides.ts';
import { endsNothingInUse, isOverdue } from './unlocking.ts';

/** What has to be done before the coming colour is scaled, where the other one was scaled last. Pure.
 *
 * marathon-lb drains for the colour that was scaled last: so the moment turns the roles round. As many tasks of the other
 * colour go out as this one has alive ones, and its own that were out come in; but HAProxy keeps their state, and sends
 * them nothing before its checks have passed. Tasks that are new come in at once. So that at least half of what is in
 * use stays in use, tasks that are out and idle are killed, and started anew by the scaling:
 *   back from blue 4 (all out), green 4 → kill 2 blue ones; blue 2, scale to 4: 2 green ones stay until those are there
 *   back from blue 4 (1 out), green 1   → nothing: 3 stay
 * The other colour is touched in the same breath, so that the dying ones stay out.
 * @returns undefined when it may be scaled */
export function turning(sides: Sides, about: About): RolloutStep | undefined {
  const { seen, coming, going, comingUse, marking } = sides;
  const out = marking.older === coming.id ? marking.out : [];
  // The last in marathon-lb's order would come in as soon as another one is gone; one alone always does.
  const reach = out.slice(0, Math.max(1, out.length - 1));
  const held = reach.flatMap((id) => coming.tasks.find((task) => task.id === id && !isEnding(task)) ?? []);
  if (isGentle(sides, []) || held.length === 0) return undefined;
  let idle = held.filter((task) => isIdle(task, comingUse, about)).map(({ id }) => id);
  if (idle.length === 0) {
    const still = drain(held, sides, about);
    if (still !== undefined) return still;
    idle = held.map(({ id }) => id);
  }
  const [holding] = going.deployments;
  if (holding !== undefined) {
    // It can not be touched before that is over; and what never is may not hold up the way back for ever.
    if (isOverdue(holding, about) && staying(sides, []).length > 0) return undefined;
    return wait(seen, 'deployment', about, `${going.id} is being deployed (${holding})`);
  }
  const choices = idle
    .map((_, at) => idle.filter((id) => out.indexOf(id) < Math.max(1, out.length - at - 1)).slice(0, at + 1))
    .filter((choice, at) => choice.length === at + 1);
  const taskIds = choices.find((choice) => isGentle(sides, choice)) ?? choices.at(-1) ?? [];
  const what = taskIds.length === 1 ? 'a task' : `${taskIds.length} tasks`;
  return {
    ...{ do: 'kill', appId: coming.id, taskIds, grow: briefly(going) },
    reason: `${what} of ${coming.id} that HAProxy took out come back sooner as new ones`,
  };
}

/** Whether half of what is in use stays in use, when these are dead and the coming colour is scaled. */
function isGentle(sides: Sides, dead: readonly string[]): boolean {
  const needed = Math.min(sides.goal + sides.rest, inUse(sides.seen.apps).length);
  return 2 * staying(sides, dead).length >= needed;
}

/** What is in use now, and then. */
function staying({ seen, coming, comingUse, goingUse }: Sides, dead: readonly string[]): string[] {
  const then = new Set(inUse(scaledNow(killed(seen.apps, dead), coming, coming.instances - dead.length)));
  const isIn = (id: string) => (comingUse.get(id) ?? goingUse.get(id)) === 'in';
  return inUse(seen.apps).filter((id) => then.has(id) && isIn(id));
}

/** Whether the going colour could come back: not while all of it is out and held, since none of it would serve before
 * HAProxy has checked it again, and none may be exchanged. Pure. */
export function canComeBack(sides: Sides, about: About): boolean {
  const { going, goingUse } = sides;
  if (going.tasks.some((task) => isIdle(task, goingUse, about))) return true;
  return isGentle({ ...exchanged(sides), goal: fullSizeOf(going), rest: 0 }, []);
}

/** One more, that is taken back at once: it makes an app the one scaled last that has its size already. */
export function briefly({ id, instances }: ColourApp): {
  appId: string;
  from: number;
  instances: number;
  isBrief: true;
} {
  return { appId: id, from: instances, instances: instances + 1, isBrief: true };
}

/** Makes the coming colour, which has its size, the one scaled last. Pure. */
export function touching({ coming }: Sides): RolloutStep {
  const reason = `so that ${coming.id} is scaled last, and marathon-lb drains the other colour; it is taken back at once`;
  return { do: 'scale', ...briefly(coming), reason };
}

/** Takes the one more back, unless it serves already. Pure. */
export function touched({ coming, going }: Sides, { memory }: About): RolloutStep | undefined {
  for (const app of [coming, going]) {
    const ours = memory.scaled[app.id];
    if (ours?.isBrief !== true || !app.deployments.includes(ours.deploymentId)) continue;
    if (memory.undone.length >= MOST_TOUCHES || !endsNothingInUse(app, memory)) continue;
    const reason = `${app.id} is the one scaled last now, and needs no more than ${ours.from}`;
    return { do: 'cancel', appId: app.id, deploymentId: ours.deploymentId, reason };
  }
  return undefined;
}

/** A Marathon that does not take this for a scaling keeps the one more. */
const MOST_TOUCHES = 5;
