// pure

import { isEnding } from './marking.ts';
import type { About, RolloutStep } from './model.ts';
import { drain } from './removal.ts';
import { wait } from './settle.ts';
import type { Sides } from './sides.ts';
import { servingOnceTurned } from './turned.ts';

/** Makes the coming colour the one that marathon-lb takes tasks of the other out for. Pure.
 *
 * marathon-lb drains for the colour that was scaled last. When the coming one has its full size already, there is no
 * number to write: so one of its tasks that is out of use is killed, and in the next pass scaled up again. Only where
 * none is out of use it gets one more than it had; where all are, and held, the going one gets one more before it.
 *   back from blue 4, green 1 (one blue task drained) → kill that, blue 3, scale to 4: green is drained now */
export function turning(sides: Sides, about: About): RolloutStep {
  const { coming, comingUse, marking } = sides;
  const out = marking.older === coming.id ? marking.out : [];
  const held = coming.tasks.filter((task) => out.includes(task.id) && !isEnding(task));
  const first = held.find(({ id }) => comingUse.get(id) === 'drained')?.id;
  if (first !== undefined) {
    const reason = `so that ${coming.id} is scaled last, and marathon-lb drains the other colour`;
    return { do: 'kill', appId: coming.id, taskIds: [first], grow: undefined, reason };
  }
  const isOver = held.every(({ id }) => isOutFor(id, about));
  if (held.length > 0 && !isOver) {
    const still = drain(held, sides, { ...about, policy: { ...about.policy, onDrainTimeout: 'cut' } });
    if (still !== undefined) return still;
  }
  if (servingOnceTurned(sides) === 0) return oneMoreGoing(sides, about);
  return {
    do: 'scale',
    appId: coming.id,
    from: coming.instances,
    instances: coming.instances + 1,
    reason: `no task of ${coming.id} is free to be exchanged: one more makes marathon-lb drain the other colour`,
  };
}

/** So that one serves while the roles are exchanged. */
function oneMoreGoing({ seen, coming, going, goal, rest }: Sides, about: About): RolloutStep {
  const waits = `${going.id} has one more that does not get requests from every balancer yet`;
  if (coming.instances + going.instances > 2 * (goal + rest)) return wait(seen, 'rotation', about, waits);
  return {
    do: 'scale',
    appId: going.id,
    from: going.instances,
    instances: going.instances + 1,
    reason: `one more of ${going.id} serves until HAProxy has checked those of ${coming.id} that were out`,
  };
}

function isOutFor(id: string, { policy, memory, nowMs }: About): boolean {
  const sinceMs = memory.outSinceMs[id];
  return sinceMs !== undefined && nowMs - sinceMs >= policy.drainTimeoutMs;
}
