// pure

export interface Growth {
  /** Where the new colour shall end. */
  goal: number;
  /** Instances of the old colour now. */
  old: number;
  /** 0: by half, rounded up; else by so many. */
  linearIncrease: number;
  /** A split is reached one by one: marathon-lb can take the last old tasks out only so. */
  isSplit: boolean;
}

/** The next size of the new colour. Pure.
 *
 * By half, as zdd.py: n → ⌊n + (n + 1) / 2⌋, and straight to the goal once that reaches the old colour's size, or the size
 * that it would have if it were made smaller by as many:
 *   of 4:  1, 2, 4      of 10:  1, 2, 3, 5, 10
 * Linear, by 3 from 2, of 10:  2, 5, 8, 10         Split of 3 in 10:  1, 2, 3
 * @returns more than `size`, at most `goal`; `goal` when it is reached already
 * @source zdd.py, scale_new_app_instances */
export function nextSize(size: number, { goal, old, linearIncrease, isSplit }: Growth): number {
  if (size >= goal) return goal;
  if (isSplit) return size + 1;
  if (linearIncrease > 0) return Math.min(goal, size + linearIncrease);
  const grown = Math.max(1, Math.floor(size + (size + 1) / 2));
  return grown >= Math.min(old, goal - size) ? goal : Math.min(goal, grown);
}

/** With how many instances the new colour begins. Pure. @returns from 1 to `goal` */
export function firstSize(
  initialInstances: number,
  { goal, isSplit }: Pick<Growth, 'goal' | 'isSplit'>,
): number {
  return isSplit ? 1 : Math.max(1, Math.min(initialInstances, goal));
}

/** How many drained tasks of the old colour may be killed at once while the new one still grows. Pure.
 *
 * Marathon lists a dying task as running until it is dead, and marathon-lb, asked in between, takes as many old tasks
 * out as there are too many. With half of them killed, and the new colour scaled right after, the dying ones stay the
 * first in its order and so out of use. The last one has no such cover: it is killed alone, and waited for.
 *   too many 1 → 1     2 → 1     3 → 1     4 → 2     7 → 3 */
export function killableNow(tooMany: number): number {
  return tooMany <= 1 ? Math.max(0, tooMany) : Math.floor(tooMany / 2);
}
