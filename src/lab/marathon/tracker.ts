import type { Slot } from './agents.ts';
import type { App } from './app.ts';
import type { HealthRecord } from './health-record.ts';
import type { Command, RunningProcess } from './task-process.ts';

export type DeadState = 'TASK_FAILED' | 'TASK_FINISHED' | 'TASK_KILLED';

/** One launch of an instance, from its placement until its process is dead. */
export interface Task {
  readonly id: string;
  readonly instance: Instance;
  /** The definition it was launched with; its version is the task's version. */
  readonly app: App;
  readonly slot: Slot;
  readonly sandbox: string;
  readonly stagedAtMs: number;
  /** A fault: every probe of this task counts as failed. */
  readonly isNeverHealthy: boolean;
  state: 'TASK_STAGING' | 'TASK_RUNNING' | 'TASK_KILLING';
  startedAtMs: number | undefined;
  /** What was run, once it was known. */
  command: Command | undefined;
  process: RunningProcess | undefined;
  /** Why it was told to die, once it was. Without the feature task_killing its state stays as it was. */
  killReason: string | undefined;
  /** Its process is dead: nothing about it may change any more. */
  isEnded: boolean;
  /** One record for each health check, from its first probe on. */
  health: (HealthRecord | undefined)[];
  readiness: Readiness | undefined;
}

export interface Readiness {
  name: string;
  ready: boolean;
  lastResponse?: { status: number; contentType: string; body: string };
}

/** What Marathon wants to run. Since 1.8 it keeps its id while tasks of it come and go; before, it has one task. */
export interface Instance {
  readonly id: string;
  readonly appId: string;
  goal: 'Running' | 'Decommissioned';
  /** How many tasks were launched so far; the number at the end of the task id. */
  launches: number;
  /** The definition of the last launch; before the first, the one it was asked for with. */
  app: App;
  task: Task | undefined;
  /** The last task that died, shown until the next one is placed. */
  dead: { task: Task; state: DeadState } | undefined;
}

/** Something happened to an instance: its task runs, died while wanted, changed its health; or it is no more, or
 * was forgotten before any agent took it, without a word to whom waits for it. */
export interface Change {
  kind: 'running' | 'dead' | 'health' | 'gone' | 'purged';
  instance: Instance;
}

/** All instances in the order in which they were asked for, and the news about them. */
export class Tracker {
  readonly #instances = new Map<string, Instance>();
  readonly #listeners = new Set<(change: Change) => void>();

  add(instance: Instance): void {
    this.#instances.set(instance.id, instance);
  }

  remove(instance: Instance, kind: 'gone' | 'purged' = 'gone'): void {
    if (this.#instances.delete(instance.id)) this.tell({ kind, instance });
  }

  tell(change: Change): void {
    for (const listener of [...this.#listeners]) listener(change);
  }

  /** @returns the way to leave again */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  all(): Instance[] {
    return [...this.#instances.values()];
  }

  ofApp(appId: string): Instance[] {
    return this.all().filter((instance) => instance.appId === appId);
  }

  /** Those that are meant to run; placed or not. */
  wanted(appId: string): Instance[] {
    return this.ofApp(appId).filter((instance) => instance.goal === 'Running');
  }

  /** The instance that a living or a dead but listed task belongs to. */
  byTaskId(taskId: string): Instance | undefined {
    return this.all().find((instance) => (instance.task ?? instance.dead?.task)?.id === taskId);
  }
}

/** Was any task of it placed yet? An instance that never was is only a request in the launch queue. */
export const wasPlaced = (instance: Instance) => instance.launches > 0;

/** Healthy in the sense of a deployment: TASK_RUNNING, and every health check alive. */
export function isHealthy(task: Task): boolean {
  return (
    task.state === 'TASK_RUNNING' &&
    !task.isEnded &&
    task.app.healthChecks.every((_check, index) => task.health[index]?.alive === true)
  );
}

/** Healthy in the sense in which late versions count the instances of a restart: it is to be checked in no way,
 * or its agent says that it is healthy. What the leader itself checks is never said by an agent.
 * @source releases/1.11, S/core/instance/Instance.scala, consideredHealthy */
export function isConsideredHealthy({ app, task }: Instance): boolean {
  const { healthChecks, readinessChecks, check } = app;
  if (healthChecks.length === 0 && readinessChecks.length === 0 && check === undefined) return true;
  return healthChecks.some(
    ({ protocol }, index) =>
      (protocol === 'COMMAND' || protocol.startsWith('MESOS_')) && task?.health[index]?.alive === true,
  );
}

/** Healthy, and its readiness check, if there is one, has passed once. */
export const isReady = (task: Task) =>
  isHealthy(task) && (task.app.readinessChecks.length === 0 || task.readiness?.ready === true);
