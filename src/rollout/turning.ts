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
 * number to write: so its tasks that are out of use are killed, and in the next pass scaled up again. All of them: one
 * that marathon-lb takes back in serves only when HAProxy has checked it again, while as many of the other colour would
 * be taken out at once. Only where none is out of use it gets one more than it had; where all are, and held, the going
 * one gets one more before it.
 *   back from blue 4, green 2 (two blue tasks drained) → kill those, blue 2, scale to 4: green is drained as blue comes
 * @source HAProxy src/server_state.c: a server that was stopped stays so over a reload, until its checks pass */
export function turning(sides: Sides, about: About): RolloutStep {
  const { coming, comingUse, marking } = sides;
  const out = marking.older === coming.id ? marking.out : [];
  const held = coming.tasks.filter((task) => out.includes(task.id) && !isEnding(task));
  const idle = held.filter(({ id }) => comingUse.get(id) === 'drained');
  const isOver = held.every(({ id }) => isOutFor(id, about));
  if (idle.length > 0 && (idle.length === held.length || isOver)) {
    const reason = `so that ${coming.id} is scaled last, and marathon-lb drains the other colour`;
    return { do: 'kill', appId: coming.id, taskIds: idle.map(({ id }) => id), grow: undefined, reason };
  }
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
