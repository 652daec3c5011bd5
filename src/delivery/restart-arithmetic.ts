// pure
import type { App } from '../marathon/app-schema.ts';

export interface RestartLimits {
  /** How many Marathon kills before it starts any. */
  killNow: number;
  /** How many it starts at once, beside the old ones. */
  startNow: number;
}

/** What a restart of an app by Marathon may do when it begins, in IEEE doubles and without help for rounding:
 * ceil(25 * 0.28) is 8.
 *
 *    1 instance,  0.5, 0.2  → kill 0, start 1: beside the old one
 *    2 instances, 0.5, 0.2  → kill 1, start 0 until that one is dead
 *   10 instances, 0.7, 0.25 → kill 3, start 2
 *
 * @param base how many Marathon counts as serving before   @param total how many there are
 * @source Marathon S/core/deployment/impl/TaskReplaceActor.scala, computeRestartStrategy */
export function restartLimits(
  { instances, upgradeStrategy }: Pick<App, 'instances' | 'upgradeStrategy'>,
  { base, total, killsSurplus }: { base: number; total: number; killsSurplus: boolean },
): RestartLimits {
  const { minimumHealthCapacity, maximumOverCapacity } = upgradeStrategy;
  const minHealthy = Math.ceil(instances * minimumHealthCapacity);
  let maxCapacity = Math.trunc(instances * (1 + maximumOverCapacity));
  let killNow = Math.max(0, base - minHealthy);
  if (minHealthy === maxCapacity && maxCapacity <= base) maxCapacity += 1;
  if (killsSurplus && instances < total) killNow = Math.max(total - instances, killNow);
  return { killNow, startNow: Math.max(0, Math.min(instances, maxCapacity - total)) };
}

/** How a version of Marathon counts what serves before a restart. */
export type CountsBase =
  /** Tasks that were launched: up to 1.7. */
  | 'launched'
  /** Instances that are meant to run, also those that never found an agent: 1.8, 1.9 up to 1.9.109. */
  | 'wanted'
  /** Those that Mesos calls healthy: later 1.9, 1.10, 1.11. */
  | 'mesos-healthy';

/** @param version as Marathon tells it; an unknown one counts like 1.8, the most widely used */
export function countsBase(version: string | undefined): CountsBase {
  const match = /^v?(\d{1,5})\.(\d{1,5})(?:\.(\d{1,9}))?/.exec(version ?? '');
  if (match === null) return 'wanted';
  const [major, minor, patch] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  if (major > 1 || minor > 9 || (minor === 9 && patch > 109)) return 'mesos-healthy';
  return minor < 8 ? 'launched' : 'wanted';
}

/** Whether Mesos itself runs these checks, or there are none: the health flag of later versions counts only
 * then. Those that Marathon's leader runs (HTTP, HTTPS, TCP) never set it. */
export function mesosSeesHealth(healthChecks: App['healthChecks']): boolean {
  return healthChecks.every(({ protocol }) => protocol === 'COMMAND' || protocol.startsWith('MESOS_'));
}

/** The share with the fewest digits by which Marathon kills exactly one of so many first: 2 → 0.5, 3 → 0.66,
 * 10 → 0.9. @param instances at least 2 */
export function killsOneFirst(instances: number): number {
  for (let digits = 2; digits <= 9; digits += 1) {
    const scale = 10 ** digits;
    const share = Math.floor(((instances - 1) / instances) * scale) / scale;
    if (Math.ceil(instances * share) === instances - 1) return share;
  }
  return 0;
}

/** The smallest share above one by which Marathon starts one more before it kills: 1 → 1, 3 → 0.34. */
export function startsOneFirst(instances: number): number {
  for (let digits = 2; digits <= 9; digits += 1) {
    const scale = 10 ** digits;
    const share = Math.ceil((1 / instances) * scale) / scale;
    if (share <= 1 && Math.trunc(instances * (1 + share)) > instances) return share;
  }
  return 1;
}
