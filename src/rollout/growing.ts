// pure
import type { About, Growing, RolloutStep } from './model.ts';
import { nextSize } from './scale.ts';
import type { Sides } from './sides.ts';

/** Going tasks beyond those that make the target together with the coming ones. */
export function tooMany({ coming, going, goal, rest }: Sides): number {
  return coming.instances + going.instances - (goal + rest);
}

/** The next size of the coming colour: step by step forward, at once back. */
export function grow(sides: Sides, { policy }: About): Extract<RolloutStep, { do: 'scale' }> & Growing {
  const { coming, going, isBack, goal, rest } = sides;
  const size = { goal, old: going.instances, linearIncrease: policy.linearIncrease, isSplit: rest > 0 };
  const instances = isBack ? goal : nextSize(coming.instances, size);
  const reason = isBack
    ? `${coming.id} gets its full size back`
    : `${coming.instances} of ${goal} new tasks are healthy and take requests`;
  return { do: 'scale', appId: coming.id, from: coming.instances, instances, reason };
}
