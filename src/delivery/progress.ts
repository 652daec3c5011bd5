// pure
import type { App } from '../marathon/schema.ts';

/** How far a rolling restart has come. Only these numbers count as progress: a task that crashes and comes
 * back changes its id for ever, and is none. */
export interface Progress {
  /** Tasks of the new version that run. */
  newRunning: number;
  /** Tasks of the new version that are healthy. */
  newHealthy: number;
  /** Tasks of the old version that are still there. */
  oldLeft: number;
}

/** @param since `versionInfo.lastConfigChangeAt` or the version of our write: tasks from then on run our config */
export function progressOf(app: App, since: string): Progress {
  const live = app.tasks.filter(
    (task) =>
      task.state === 'TASK_RUNNING' || task.state === 'TASK_STAGING' || task.state === 'TASK_STARTING',
  );
  const fresh = live.filter((task) => isNew(task.version, since));
  return {
    newRunning: fresh.filter((task) => task.state === 'TASK_RUNNING').length,
    newHealthy: fresh.filter((task) => isHealthy(app, task)).length,
    oldLeft: live.length - fresh.length,
  };
}

/** Further than ever before? Compared with the best so far, not with the last look. */
export function isFurther(best: Progress, now: Progress): boolean {
  return now.newRunning > best.newRunning || now.newHealthy > best.newHealthy || now.oldLeft < best.oldLeft;
}

export function bestOf(best: Progress, now: Progress): Progress {
  return {
    newRunning: Math.max(best.newRunning, now.newRunning),
    newHealthy: Math.max(best.newHealthy, now.newHealthy),
    oldLeft: Math.min(best.oldLeft, now.oldLeft),
  };
}

/** Marathon's own notion: no checks → running is enough; else every result alive, and there is one.
 * @source Marathon docs, section "Health checks"; marathon.md 1.1 */
export function isHealthy(app: App, task: App['tasks'][number]): boolean {
  if (task.state !== 'TASK_RUNNING') return false;
  if (app.healthChecks.length === 0) return true;
  return task.healthCheckResults.length > 0 && task.healthCheckResults.every((result) => result.alive);
}

/** Marathon's versions are UTC timestamps of one width, so text order is time order. */
export function isNew(version: string | undefined, since: string): boolean {
  return version !== undefined && version >= since;
}
