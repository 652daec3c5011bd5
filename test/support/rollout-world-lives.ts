import {
  isDead,
  type Removal,
  serves,
  stays,
  timeAt,
  type WorldApp,
  type WorldTask,
  type Wound,
} from './rollout-world-tasks.ts';
import type { Dice, Range, Timeline } from './rollout-world-time.ts';

export interface MarathonHabits {
  launchMs: Range;
  healthMs: Range;
  readyMs: Range;
  dyingMs: Range;
  /** `--enable_features task_killing`: a dying task says so. */
  showsKilling: boolean;
  /** 1.8 and later: a dead task stays listed until another one takes its place. */
  listsDead: boolean;
}

export interface MarathonEars {
  /** An event that marathon-lb subscribes to. */
  event(): void;
  /** Something that anybody could see is different. */
  change(): void;
  died(task: WorldTask): void;
}

export interface LifeParts {
  time: Timeline;
  dice: Dice;
  habits: MarathonHabits;
  ears: MarathonEars;
  /** Something of the app moved on. */
  advance(app: WorldApp, delayMs?: number): void;
}

/** The lives of tasks: staged, running, alive, ill, dying, dead. */
export class TaskLives {
  /** Those that are not dead, also of apps that are deleted. */
  readonly living = new Map<string, WorldTask>();
  readonly wounds: Wound[] = [];
  readonly #parts: LifeParts;
  #counter = 0;

  constructor(parts: LifeParts) {
    this.#parts = parts;
  }

  /** A task that has been there for long. */
  standing(app: WorldApp): WorldTask {
    const task = this.#place(app);
    const state = { state: 'TASK_RUNNING', isAlive: true, aliveMs: -1_000, startedMs: -1_000, isReady: true };
    return Object.assign(task, state);
  }

  launch(app: WorldApp): WorldTask {
    const { time, dice, habits } = this.#parts;
    const task = this.#place(app);
    const wound = this.openWounds(app).find((each) => !each.isTaken && !stays(each.task));
    if (wound !== undefined) Object.assign(wound, { isTaken: true });
    task.heals = wound;
    this.#told();
    const fate =
      app.fate === 'mixed'
        ? (dice.pick(['good', 'good', 'never healthy', 'crash loop']) as WorldApp['fate'])
        : app.fate;
    const runsMs = dice.between([50, 1_000]);
    const whileItStays = (delayMs: number, act: () => void) =>
      time.after(delayMs, () => {
        if (stays(task)) act();
      });
    whileItStays(runsMs, () => {
      const isAlive = fate === 'never healthy' ? false : undefined;
      Object.assign(task, { state: 'TASK_RUNNING', isAlive, startedMs: time.nowMs });
      this.#told();
    });
    if (fate !== 'never healthy')
      whileItStays(runsMs + dice.between(habits.healthMs), () => this.#alive(task, fate !== 'never ready'));
    if (fate === 'crash loop') whileItStays(runsMs + dice.between([100, 6_000]), () => this.dies(task));
    return task;
  }

  /** Ends a task: it goes on as if nothing were until it is dead. */
  end(task: WorldTask, removal: Removal): void {
    if (!stays(task)) return;
    const { time, dice, habits, ears } = this.#parts;
    task.removal = removal;
    if (habits.showsKilling) {
      task.state = 'TASK_KILLING';
      ears.event();
    }
    const dyingMs = dice.between(habits.dyingMs);
    // A program that shuts down may fail its checks before it is gone.
    if (dice.isLucky(0.2)) time.after(dyingMs / 2, () => this.#notAlive(task));
    time.after(dyingMs, () => this.dies(task));
    ears.change();
  }

  dies(task: WorldTask): void {
    if (isDead(task)) return;
    const { time, habits, ears, advance } = this.#parts;
    const { app, removal } = task;
    const isAsked = removal !== undefined && removal.what !== 'illness';
    if (serves(task)) this.#wound(task);
    if (task.heals !== undefined) task.heals.isTaken = false;
    const state = isAsked ? 'TASK_KILLED' : 'TASK_FAILED';
    Object.assign(task, { diedMs: time.nowMs, isAlive: undefined, state });
    time.note('marathon', () => `${task.id} is dead`);
    this.living.delete(task.id);
    const isReplaced = app.tasks.filter(stays).length >= app.instances;
    if (isAsked || isReplaced || !habits.listsDead) app.tasks.splice(app.tasks.indexOf(task), 1);
    if (!isAsked) app.lastFailure = { taskId: task.id, message: 'it ended', timestamp: timeAt(time.nowMs) };
    ears.died(task);
    advance(app, isAsked ? 0 : 300);
    this.#told();
  }

  /** It fails its checks for a while, and then it is well again, or Marathon ends it. */
  sicken(task: WorldTask, forMs: number, ends: 'well' | 'killed'): void {
    if (!serves(task)) return;
    const { time } = this.#parts;
    this.#wound(task);
    this.#notAlive(task);
    time.after(forMs, () => {
      if (!stays(task)) return;
      if (ends === 'well') this.#alive(task);
      else
        this.end(task, {
          by: 'other',
          what: 'illness',
          atMs: time.nowMs,
          grownAtMs: undefined,
          isCovered: false,
        });
    });
  }

  /** Wounds of the app; those of one that was deleted are made good by the one that is left. */
  openWounds(app: WorldApp): Wound[] {
    return this.wounds.filter(
      ({ task, closedMs }) => closedMs === undefined && (task.app === app || task.app.isDeleted),
    );
  }

  #alive(task: WorldTask, getsReady = true): void {
    const { time, dice, habits, ears, advance } = this.#parts;
    Object.assign(task, { isAlive: true, aliveMs: time.nowMs });
    time.note('marathon', () => `${task.id} is alive`);
    for (const wound of this.wounds)
      if (wound.closedMs === undefined && (wound.task === task || wound === task.heals))
        wound.closedMs = time.nowMs;
    time.after(dice.between(habits.readyMs), () => {
      task.isReady ||= getsReady;
      advance(task.app);
      ears.change();
    });
    this.#told();
  }

  #notAlive(task: WorldTask): void {
    if (isDead(task) || task.isAlive !== true) return;
    task.isAlive = false;
    this.#parts.time.note('marathon', () => `${task.id} is not alive`);
    this.#told();
  }

  #place(app: WorldApp): WorldTask {
    // In no order of age, as random ids are.
    const id = `${app.colour}.${this.#parts.dice.between([10, 99])}-${this.#counter++}`;
    const task: WorldTask = {
      ...{ id, app, state: 'TASK_STAGING', isAlive: undefined, aliveMs: undefined, isReady: false },
      ...{ startedMs: undefined, removal: undefined, diedMs: undefined, heals: undefined },
    };
    app.tasks.push(task);
    this.living.set(id, task);
    return task;
  }

  #wound(task: WorldTask): void {
    this.wounds.push({ task, openedMs: this.#parts.time.nowMs, closedMs: undefined, isTaken: false });
  }

  #told(): void {
    this.#parts.ears.change();
    this.#parts.ears.event();
  }
}
