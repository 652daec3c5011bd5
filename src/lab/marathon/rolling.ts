// pure

export interface RollingInput {
  instances: number;
  minimumHealthCapacity: number;
  maximumOverCapacity: number;
  /** What the version counts as there, old and new, when the restart begins. */
  base: number;
  /** After 1.9.109: all instances whatever becomes of them. More than wanted may be killed at once. */
  total?: number;
}

export interface RollingLimits {
  minHealthy: number;
  maxCapacity: number;
  killNow: number;
}

/** What a RestartApplication may do when it begins, in IEEE doubles and without help for rounding:
 * ceil(25 * 0.28) is 8.
 *
 *   10 instances, 0.7, 0.25 → minHealthy 7, maxCapacity 12, kill 3, start 2
 *    1 instance,  0.5, 0.2  → minHealthy 1, maxCapacity 1 + 1, kill 0, start 1
 *
 * @source S/core/deployment/impl/TaskReplaceActor.scala, computeRestartStrategy */
export function rollingLimits(input: RollingInput): RollingLimits {
  const minHealthy = Math.ceil(input.instances * input.minimumHealthCapacity);
  const capacity = Math.trunc(input.instances * (1 + input.maximumOverCapacity));
  const isStuck = minHealthy === capacity && capacity <= input.base;
  const surplus = input.total === undefined ? 0 : input.total - input.instances;
  return {
    minHealthy,
    maxCapacity: isStuck ? capacity + 1 : capacity,
    killNow: Math.max(0, input.base - minHealthy, surplus),
  };
}

/** How many new tasks may be queued at this moment. @returns never negative */
export function launchableNow(seen: {
  instances: number;
  maxCapacity: number;
  oldNotDead: number;
  started: number;
}): number {
  const missing = seen.instances - seen.started;
  const room = seen.maxCapacity - seen.oldNotDead - seen.started;
  return Math.max(0, Math.min(missing, room));
}
