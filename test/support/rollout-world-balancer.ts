import type { BalancerLook } from '../../src/haproxy/look.ts';
import { applyDeploymentGroups } from '../../src/lab/balancer/groups.ts';
import type { MarathonApp } from '../../src/lab/balancer/marathon-app.ts';
import { listenerOf, type WorldTask } from './rollout-world-tasks.ts';
import type { Dice, Range, Timeline } from './rollout-world-time.ts';
import { type SessionHabits, Workers } from './rollout-world-workers.ts';

/** What one generation makes of the apps: task id → whether it is sent requests, `disabled` on its line else. */
export interface Config {
  servers: ReadonlyMap<string, boolean>;
  text: string;
}

export interface BalancerHabits extends SessionHabits {
  /** From an event to the question, and from the answer to the new configuration in use. */
  hearsMs: Range;
  lateShare: number;
  lateMs: Range;
  reloadMs: Range;
  /** Until HAProxy's checks have passed for a server that was disabled: its state outlives the reload. */
  checkMs: Range;
  /** Questions for no reason of ours, one in so many milliseconds; 0: none. */
  otherEventMs: number;
  /** Whether it tells which process answered. */
  tellsServingPid: boolean;
}

export interface BalancerEars {
  /** @throws what marathon-lb would throw */
  generate(): Config;
  task(id: string): WorldTask | undefined;
  loaded(balancer: WorldBalancer): void;
  opened(balancer: WorldBalancer, task: WorldTask): void;
}

/** Without an event for so long it asks all the same. */
const QUIET_MS = 300_000;
const UNUSABLE = new Set(['TASK_STAGING', 'TASK_KILLING', 'TASK_FAILED', 'TASK_KILLED']);

/** Apps to servers, as marathon-lb with `--health-check`: the marking is the lab's, which knows nothing of the
 * planner's. */
export function configOf(apps: readonly MarathonApp[]): Config {
  const tasks = applyDeploymentGroups(apps).flatMap((app) => app.tasks ?? []);
  const used = tasks.filter(
    ({ state, healthCheckResults = [] }) =>
      !UNUSABLE.has(state ?? '') && healthCheckResults.some(({ alive }) => alive),
  );
  const servers = new Map(used.map(({ id, isDraining }) => [id, isDraining !== true]));
  return { servers, text: [...servers].map(([id, isIn]) => (isIn ? id : `(${id})`)).join(' ') };
}

/** One marathon-lb with its HAProxy: asks Marathon some time after an event, marks, and reloads. */
export class WorldBalancer {
  readonly id: string;
  /** Whether it runs, whether the tool is told of it, and whether it answers the tool. */
  isThere = false;
  isListed = true;
  isReachable = true;
  config: Config = { servers: new Map(), text: '' };
  /** When the apps were fetched that it serves, and since when. */
  fetchedMs = 0;
  loadedMs = 0;
  /** As long as servers may still be down that the one before had disabled: when the apps were fetched for that one. */
  get recalledMs(): number {
    return this.#time.nowMs < this.#checkedMs ? this.#fetchedBeforeMs : this.fetchedMs;
  }
  #fetchedBeforeMs = 0;
  #checkedMs = 0;
  /** Servers that were disabled, and are not found up again before this time. */
  readonly #downUntilMs = new Map<string, number>();
  readonly workers: Workers;
  readonly #time: Timeline;
  readonly #dice: Dice;
  readonly #habits: BalancerHabits;
  readonly #ears: BalancerEars;
  #state: 'idle' | 'asked' | 'reloading' | 'again' = 'idle';
  /** What was begun before a restart ends in nothing. */
  #life = 0;

  constructor(
    id: string,
    firstPid: number,
    parts: { time: Timeline; dice: Dice; habits: BalancerHabits; ears: BalancerEars },
  ) {
    this.id = id;
    this.workers = new Workers(firstPid, parts);
    ({ time: this.#time, dice: this.#dice, habits: this.#habits, ears: this.#ears } = parts);
  }

  get isUp(): boolean {
    return this.workers.serving !== undefined;
  }

  /** It serves after its first question. */
  start(): void {
    this.isThere = true;
    const config = this.#generated();
    if (config === undefined) return;
    this.#use(config, this.#time.nowMs);
    this.#openSessions();
    this.#hearOthers();
  }

  /** All connections are cut, and all processes are new ones. */
  restart(forMs: number): void {
    if (!this.isThere) return;
    this.stop();
    const life = this.#life;
    this.#time.after(forMs, () => {
      if (life === this.#life) this.start();
    });
  }

  stop(): void {
    this.#life += 1;
    this.isThere = false;
    this.#state = 'idle';
    this.#downUntilMs.clear();
    this.config = { servers: new Map(), text: '' };
    this.workers.restart();
    this.#time.note(this.id, () => 'stops');
  }

  /** Marathon told of something. */
  hear(): void {
    if (!this.isUp) return;
    if (this.#state === 'reloading') this.#state = 'again';
    if (this.#state !== 'idle') return;
    this.#state = 'asked';
    const { hearsMs, lateShare, lateMs } = this.#habits;
    const waitMs = this.#dice.between(this.#dice.isLucky(lateShare) ? lateMs : hearsMs);
    this.#afterIfAlive(waitMs, () => this.#ask());
  }

  sends(task: WorldTask): boolean {
    return this.isUp && this.config.servers.get(task.id) === true;
  }

  /** Whether HAProxy takes it for up; its own checks see at once what Marathon's see. */
  isUsable(task: WorldTask): boolean {
    const isChecked = (this.#downUntilMs.get(task.id) ?? 0) <= this.#time.nowMs;
    return this.sends(task) && task.isAlive === true && isChecked;
  }

  /** What the statistics say at this moment. */
  look(): BalancerLook {
    const { serving, pids } = this.workers;
    const rows = [...this.config.servers].map(([id, isIn]) => {
      const task = this.#ears.task(id);
      return {
        listener: listenerOf(id),
        status: !isIn ? 'MAINT' : task !== undefined && this.isUsable(task) ? 'UP' : 'DOWN 1/2',
        sessions: (task && serving?.sessions.get(task)) ?? 0,
        queued: 0,
      };
    });
    const servingPid = this.#habits.tellsServingPid ? serving?.pid : undefined;
    return { balancer: this.id, pids, servingPid, rows, atMs: this.#time.nowMs };
  }

  #ask(): void {
    this.#state = 'reloading';
    const fetchedMs = this.#time.nowMs;
    const next = this.#generated();
    if (next === undefined || next.text === this.config.text) {
      // The same text from a later question: it knows what happened in between.
      if (next !== undefined) this.fetchedMs = fetchedMs;
      this.#rest();
      this.#ears.loaded(this);
      return;
    }
    this.#time.note(this.id, () => 'asks Marathon');
    this.#afterIfAlive(this.#dice.between(this.#habits.reloadMs), () => {
      this.#use(next, fetchedMs);
      this.#rest();
    });
  }

  #generated(): Config | undefined {
    try {
      return this.#ears.generate();
    } catch (error) {
      this.#time.note(this.id, () => `does not follow Marathon: ${String(error)}`);
      return undefined;
    }
  }

  #rest(): void {
    const isAgain = this.#state === 'again';
    this.#state = 'idle';
    if (isAgain) this.hear();
  }

  #use(config: Config, fetchedMs: number): void {
    for (const [id, isIn] of config.servers)
      if (isIn && this.config.servers.get(id) === false) this.#check(id);
      else if (!isIn) this.#downUntilMs.delete(id);
    if (this.#time.nowMs >= this.#checkedMs) this.#fetchedBeforeMs = this.fetchedMs;
    this.#checkedMs = this.#time.nowMs + this.#habits.checkMs[1];
    Object.assign(this, { config, fetchedMs, loadedMs: this.#time.nowMs });
    this.workers.reload();
    this.#time.note(this.id, () => `serves ${config.text}`);
    this.#ears.loaded(this);
  }

  #check(id: string): void {
    const untilMs = this.#time.nowMs + this.#dice.between(this.#habits.checkMs);
    this.#downUntilMs.set(id, untilMs);
    this.#time.after(untilMs - this.#time.nowMs, () => this.#ears.loaded(this));
  }

  #openSessions(): void {
    this.#afterIfAlive(this.#dice.between(this.#habits.sessionEveryMs), () => {
      const up = [...this.config.servers].flatMap(([id, isIn]) => {
        const task = isIn ? this.#ears.task(id) : undefined;
        return task !== undefined && this.isUsable(task) ? [task] : [];
      });
      const task = this.workers.open(up);
      if (task !== undefined) this.#ears.opened(this, task);
      this.#openSessions();
    });
  }

  #hearOthers(): void {
    const { otherEventMs } = this.#habits;
    this.#afterIfAlive(otherEventMs === 0 ? QUIET_MS : this.#dice.between([0, 2 * otherEventMs]), () => {
      this.hear();
      this.#hearOthers();
    });
  }

  #afterIfAlive(delayMs: number, act: () => void): void {
    const life = this.#life;
    this.#time.after(delayMs, () => {
      if (life === this.#life) act();
    });
  }
}
