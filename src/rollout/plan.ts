// pure
import { grow, tooMany } from './growing.ts';
import { targetLabel } from './marking.ts';
import type {
  About,
  ColourApp,
  RolloutMemory,
  RolloutObservation,
  RolloutPolicy,
  RolloutStep,
} from './model.ts';
import { removal, shrinking } from './removal.ts';
import { failed, healthyTasks, overtaken, settling, wait } from './settle.ts';
import { exchanged, fullSizeOf, type Sides, sidesOf } from './sides.ts';
import { touched, touching, turning } from './turning.ts';
import { takingBack, unlocking } from './unlocking.ts';

/** What to do next for a deployment group, with its reason: a ladder of questions, the most urgent first. Pure: the
 * same observation gives the same step, whoever asks and after whatever crash.
 *
 *   forward   the new colour grows, step by step; each healthy new task lets marathon-lb take an old one out; what is
 *             drained is killed (`shrink`) or kept until the new colour is complete (`keep`, and then deleted whole)
 *   back      the old colour gets its full size first, then becomes the one that marathon-lb drains for, and the new
 *             one is deleted once it is drained
 * @param nowMs milliseconds that only go forward, as in the memory */
export function nextStep(
  seen: RolloutObservation,
  policy: RolloutPolicy,
  memory: RolloutMemory,
  nowMs: number,
): RolloutStep {
  const foreign = overtaken(seen, memory);
  if (foreign !== undefined) return foreign;
  const found = sidesOf(seen, policy, memory);
  const about = { policy, memory, nowMs };
  switch (found.kind) {
    case 'none':
      return { do: 'stop', code: 'ROLLOUT_OVERTAKEN', reason: `No app of the group ${seen.group} is left` };
    case 'fault':
      return { do: 'stop', code: 'ROLLOUT_UNSAFE', reason: found.sentence };
    case 'single': {
      const { app, isBack } = found;
      const missing = isBack ? regrowing(seen, app, about) : undefined;
      return (
        missing ??
        settling({ seen, app, others: undefined, needsRotation: true }, about) ??
        finish(isBack, app.id)
      );
    }
    case 'pair':
      return nextOfPair(found.sides, about);
  }
}

/** The old colour is to be whole again, also when nobody is left who knows that it was made smaller. */
function regrowing(seen: RolloutObservation, old: ColourApp, about: About): RolloutStep | undefined {
  const instances = fullSizeOf(old);
  if (old.instances >= instances) return undefined;
  const [deployment] = old.deployments;
  if (deployment !== undefined)
    return wait(seen, 'deployment', about, `${old.id} is being deployed (${deployment})`);
  const reason = `${old.id} gets its full size back`;
  return { do: 'scale', appId: old.id, from: old.instances, instances, reason };
}

function nextOfPair(sides: Sides, about: About): RolloutStep {
  const { coming, going, goal, rest } = sides;
  const first = failed(sides, about) ?? touched(sides, about);
  if (first !== undefined) return first;
  // One more than its share, that could not be taken back at once, makes way as old ones do.
  const isTooLarge = rest > 0 && coming.instances > goal && going.instances <= rest;
  return nextOf(isTooLarge ? exchanged(sides) : sides, about);
}

function nextOf(sides: Sides, about: About): RolloutStep {
  const { seen, coming, going, isBack, goal, rest, marking } = sides;
  if (canGrowUnseen(sides, about)) return grow(sides, about);
  if (sides.balancers === undefined) return wait(seen, 'balancers', about);
  const undone = takingBack(sides, about);
  if (undone !== undefined) return undone;
  // Nothing of it serves, so nothing has to be drained; and what it waits for may be in the way of the other.
  if (isBack && servesNothing(sides)) return regrowing(seen, coming, about) ?? removal(sides, about);
  const held = unlocking(sides, about);
  if (held !== undefined) return held;
  const isTurned = marking.newer === coming.id;
  const unsettled = settling({ seen, app: coming, others: sides, needsRotation: isTurned }, about);
  if (unsettled !== undefined) return unsettled;
  if (targetLabel(coming) === undefined)
    return { do: 'stop', code: 'ROLLOUT_UNSAFE', reason: noTarget(coming.id) };
  const [holding] = coming.deployments;
  // Only on the way back it may still be held here, and on 1.5 to 1.7 even a write that is refused harms.
  if (holding !== undefined && (coming.instances < goal || !isTurned))
    return wait(seen, 'deployment', about, `${coming.id} is being deployed (${holding})`);
  if (!isTurned && (coming.instances < goal || rest === 0 || going.instances > rest)) {
    const before = turning(sides, about);
    if (before !== undefined) return before;
  }
  if (coming.instances < goal) {
    if (isTurned && tooMany(sides) > 0 && shrinks(sides, about)) return shrinking(sides, about);
    return grow(sides, about);
  }
  if (rest > 0) return split(sides, about);
  if (!isTurned) return touching(sides);
  return removal(sides, about);
}

/** What every balancer was seen to serve goes on to be served: growing needs no further look, and balancers reload for
 * a second after each task that was killed. */
function canGrowUnseen(sides: Sides, about: About): boolean {
  const { coming, going, goal, marking } = sides;
  if (coming.instances >= goal || coming.deployments.length + going.deployments.length > 0) return false;
  if (marking.newer === coming.id && tooMany(sides) > 0 && shrinks(sides, about)) return false;
  // Tasks of its own that are out come in again only when HAProxy's checks have passed.
  if (marking.older === coming.id && marking.out.length > 0) return false;
  const serving = healthyTasks(coming).filter(({ id }) => about.memory.served.includes(id));
  return serving.length >= coming.instances && targetLabel(coming) !== undefined;
}

/** marathon-lb reads the label of the colour that was scaled last, and without it stops following Marathon. */
function noTarget(id: string): string {
  return `${id} has no number in HAPROXY_DEPLOYMENT_TARGET_INSTANCES: once it is scaled, marathon-lb stops following Marathon for every app`;
}

/** With different targets marathon-lb would take new tasks out, so the old colour is kept whole then. */
function shrinks({ coming, going, isBack, rest }: Sides, { policy }: About): boolean {
  if (rest > 0) return true;
  return policy.old === 'shrink' && !isBack && targetLabel(coming) === targetLabel(going);
}

/** The new colour has the size of the split: the old one is to have the rest. */
function split(sides: Sides, about: About): RolloutStep {
  const { coming, going, rest } = sides;
  if (going.instances > rest) return marking(sides) ? shrinking(sides, about) : touching(sides);
  if (going.instances < rest) {
    const reason = `${going.id} has fewer tasks than the split asks for`;
    return { do: 'scale', appId: going.id, from: going.instances, instances: rest, reason };
  }
  const isSettled = settling({ seen: sides.seen, app: going, others: sides, needsRotation: true }, about);
  if (isSettled !== undefined) return isSettled;
  return {
    do: 'finish',
    state: 'split',
    reason: `${going.instances} old tasks of ${going.id} and ${coming.instances} new ones of ${coming.id} serve`,
  };
}

/** Whether marathon-lb takes tasks of the going colour out, not of the coming one. */
function marking({ marking: { newer }, coming }: Sides): boolean {
  return newer === coming.id;
}

function finish(isBack: boolean, appId: string): RolloutStep {
  return { do: 'finish', state: isBack ? 'reverted' : 'complete', reason: `${appId} serves alone` };
}

/** Whether no balancer sends anything to the going colour, and none is about to. */
function servesNothing({ going, goingUse }: Sides): boolean {
  return going.tasks.every((task) => !task.isAlive && goingUse.get(task.id) === 'drained');
}
