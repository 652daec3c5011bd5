import { randomUUID } from 'node:crypto';
import type { Agents, Slot } from './agents.ts';
import type { App } from './app.ts';
import { commandOf, crashingInstead, type Images, sandboxOf } from './command.ts';
import type { Dialect } from './dialect.ts';
import type { EventBus } from './events.ts';
import type { TaskFaults } from './faults.ts';
import { HealthMonitor } from './health.ts';
import type { Judgement } from './health-record.ts';
import { LaunchQueue } from './launch-queue.ts';
import { newInstance, newTask } from './new-task.ts';
import type { ProcessGroups } from './process-groups.ts';
import { healthJudged, instanceChanged, statusUpdate, unhealthyKill } from './task-events.ts';
import { failureOf, healthKillMessage, type TaskFailure } from './task-failure.ts';
import { type Ending, startProcess } from './task-process.ts';
import { type DeadState, type Instance, isHealthy, type Task, Tracker } from './tracker.ts';

export interface CrewOptions {
  images: Images;
  secrets: Readonly<Record<string, string>>;
  workDirectory: string;
  launchDelayMs: number;
  /** Between SIGTERM and SIGKILL when the app does not say. */
  killGraceMs: number;
  dialect: Dialect;
  /** The feature task_killing. */
  showsKilling: boolean;
}

/** The life of tasks: launched from the queue, probed, killed, dead, launched again while their instance is wanted. */
export class Crew {
  readonly dialect: Dialect;
  readonly tracker = new Tracker();
  readonly queue: LaunchQueue;
  readonly lastFailures = new Map<string, TaskFailure>();
  readonly #health: HealthMonitor;
  readonly #agents: Agents;
  readonly #groups: ProcessGroups;
  readonly #events: EventBus;
  readonly #options: CrewOptions;
  readonly #appOf: (appId: string) => App | undefined;
  readonly #faults: TaskFaults;
  readonly #onLoss: (appId: string) => void;
  readonly #delayed = new Set<NodeJS.Timeout>();
  #isStopped = false;

  constructor(world: {
    agents: Agents;
    groups: ProcessGroups;
    events: EventBus;
    options: CrewOptions;
    appOf: (appId: string) => App | undefined;
    faults: TaskFaults;
    /** Up to 1.7, where an instance ends with its task: an app has one task less. */
    onLoss: (appId: string) => void;
  }) {
    this.dialect = world.options.dialect;
    this.#agents = world.agents;
    this.#groups = world.groups;
    this.#events = world.events;
    this.#options = world.options;
    this.#appOf = world.appOf;
    this.#faults = world.faults;
    this.#onLoss = world.onLoss;
    this.queue = new LaunchQueue(world.agents, this.tracker, world.appOf, (instance, app, slot) =>
      this.#launch(instance, app, slot),
    );
    this.#health = new HealthMonitor((task, index, judgement) => this.#judged(task, index, judgement));
  }

  /** Asks for new instances of an app; the queue places them. */
  request(app: App, count: number): Instance[] {
    return Array.from({ length: Math.max(0, count) }, () => {
      const instance = newInstance(app, randomUUID(), this.dialect);
      this.tracker.add(instance);
      if (this.dialect.keepsInstances) instanceChanged(this.#events, instance, 'Scheduled');
      this.queue.add(instance);
      return instance;
    });
  }

  /** Kills the task of an instance; while the instance is wanted, another task follows.
   * @param reason becomes the message of the dead task */
  kill(instance: Instance, reason: string): void {
    const { task } = instance;
    if (!task || task.isEnded || task.killReason !== undefined) return;
    task.killReason = reason;
    if (!task.process) {
      setImmediate(() => this.#ended(task, { isSuccess: false, message: reason }));
      return;
    }
    if (this.#options.showsKilling) {
      task.state = 'TASK_KILLING';
      statusUpdate(this.#events, task, 'TASK_KILLING', '');
      instanceChanged(this.#events, instance, 'Killing');
    }
    const grace = task.app.taskKillGracePeriodSeconds;
    const graceMs = grace === undefined ? this.#options.killGraceMs : grace * 1000;
    task.process.stop(graceMs, this.#faults.stopDelayMs(task.app.id));
  }

  /** The instance is not wanted any more: its task is killed, and nothing follows. */
  decommission(instance: Instance, reason: string): void {
    instance.goal = 'Decommissioned';
    this.queue.remove(instance);
    if (instance.task) this.kill(instance, reason);
    else this.tracker.remove(instance);
  }

  /** What a change of the leader does: every health result is gone until the next probe. */
  forgetHealth(): void {
    for (const instance of this.tracker.all()) if (instance.task) instance.task.health = [];
  }

  /** SIGTERM to everything, SIGKILL to what is left after `patienceMs`. */
  async stop(patienceMs: number): Promise<void> {
    this.#isStopped = true;
    this.queue.stop();
    this.#health.stop();
    for (const timer of this.#delayed) clearTimeout(timer);
    const living = this.tracker.all().flatMap((instance) => instance.task?.process ?? []);
    for (const process of living) process.stop(patienceMs);
    const isDone = () => this.tracker.all().every((instance) => !instance.task?.process);
    if (isDone()) return;
    await new Promise<void>((resolve) => {
      const leave = this.tracker.onChange(() => isDone() && finish());
      const finish = () => {
        clearTimeout(timer);
        leave();
        resolve();
      };
      const timer = setTimeout(finish, patienceMs + 400);
    });
  }

  #launch(instance: Instance, app: App, slot: Slot): void {
    instance.launches += 1;
    instance.app = app;
    instance.dead = undefined;
    const task = newTask(instance, app, slot, {
      dialect: this.dialect,
      stagedAtMs: Date.now(),
      isNeverHealthy: this.#faults.isNeverHealthy(app.id),
      sandboxOf: (id) => sandboxOf(this.#options.workDirectory, id),
    });
    instance.task = task;
    instanceChanged(this.#events, instance, this.dialect.keepsInstances ? 'Provisioned' : 'Created');
    statusUpdate(this.#events, task, 'TASK_STAGING', '');
    instanceChanged(this.#events, instance, 'Staging');
    if (this.#options.launchDelayMs <= 0) this.#spawn(task);
    else {
      const timer = setTimeout(() => {
        this.#delayed.delete(timer);
        if (!task.isEnded) this.#spawn(task);
      }, this.#options.launchDelayMs);
      this.#delayed.add(timer);
    }
  }

  #spawn(task: Task): void {
    const fail = (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      setImmediate(() => this.#ended(task, { isSuccess: false, message }));
    };
    try {
      const command = commandOf(task, this.#options.images, this.#options.secrets);
      task.command = this.#faults.isCrashing(task.app.id) ? crashingInstead(command) : command;
      task.process = startProcess(task.command, this.#groups, (ending) => this.#ended(task, ending));
    } catch (error) {
      fail(error);
    }
    if (!task.process) return;
    statusUpdate(this.#events, task, 'TASK_STARTING', '');
    task.state = 'TASK_RUNNING';
    task.startedAtMs = Date.now();
    statusUpdate(this.#events, task, 'TASK_RUNNING', '');
    instanceChanged(this.#events, task.instance, 'Running');
    this.#health.watch(task);
    this.#health.watchReadiness(task, () => this.tracker.tell({ kind: 'health', instance: task.instance }));
    this.tracker.tell({ kind: 'running', instance: task.instance });
  }

  #judged(task: Task, index: number, judgement: Judgement): void {
    const wasAlive = task.health[index]?.alive;
    const wasHealthy = isHealthy(task);
    task.health[index] = judgement.record;
    healthJudged(this.#events, task, index, { judgement, wasAlive, wasHealthy }, this.dialect);
    this.tracker.tell({ kind: 'health', instance: task.instance });
    if (!judgement.kill || this.#isStopped) return;
    const reason = judgement.record.lastFailureCause ?? '';
    unhealthyKill(this.#events, task, reason);
    this.kill(task.instance, healthKillMessage(reason));
  }

  #ended(task: Task, ending: Ending): void {
    if (task.isEnded) return;
    task.isEnded = true;
    task.process = undefined;
    const { instance, app } = task;
    this.#agents.release(task.slot);
    instance.task = undefined;
    const state: DeadState =
      task.killReason !== undefined ? 'TASK_KILLED' : ending.isSuccess ? 'TASK_FINISHED' : 'TASK_FAILED';
    instance.dead = { task, state };
    const message = task.killReason ?? ending.message;
    const failure = failureOf(task, state, message, Date.now());
    if (failure) this.lastFailures.set(app.id, failure);
    statusUpdate(this.#events, task, state, message);
    const conditions = { TASK_KILLED: 'Killed', TASK_FINISHED: 'Finished', TASK_FAILED: 'Failed' } as const;
    instanceChanged(this.#events, instance, conditions[state]);
    if (state !== 'TASK_KILLED') this.queue.delay(app);
    const isOver = this.#isStopped || instance.goal === 'Decommissioned' || !this.#appOf(app.id);
    if (isOver || !this.dialect.keepsInstances) {
      instance.goal = 'Decommissioned';
      this.tracker.remove(instance);
      if (!this.#isStopped && !this.dialect.keepsInstances) this.#onLoss(app.id);
    } else {
      this.queue.add(instance);
      this.tracker.tell({ kind: 'dead', instance });
    }
    this.queue.pump();
  }
}
