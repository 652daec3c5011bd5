import type { ColourApp } from '../../src/rollout/model.ts';
import { type Config, configOf } from './rollout-world-balancer.ts';
import { type MarathonEars, type MarathonHabits, TaskLives } from './rollout-world-lives.ts';
import {
  fetchedApp,
  isDead,
  type Removal,
  seenApp,
  serves,
  stays,
  type WorldApp,
  type WorldDeployment,
  type WorldTask,
} from './rollout-world-tasks.ts';
import type { Dice, Timeline } from './rollout-world-time.ts';

/** Marathon on virtual time: two apps that take turns, deployments with their locks, and the writes of a rollout.
 * Source: mesosphere/marathon, ScaleApplication, StopApplication and the plan reverter. */
export class WorldMarathon {
  readonly apps: WorldApp[] = [];
  readonly lives: TaskLives;
  /** Until something changes. */
  #seen: readonly ColourApp[] | undefined;
  #config: Config | undefined;
  readonly #time: Timeline;
  readonly #dice: Dice;
  readonly #habits: MarathonHabits;
  readonly #ears: MarathonEars;
  readonly #ending = new Map<string, readonly WorldTask[]>();
  #lastStampMs = 0;
  #counter = 0;

  constructor(time: Timeline, dice: Dice, habits: MarathonHabits, ears: MarathonEars) {
    this.#time = time;
    this.#dice = dice;
    this.#habits = habits;
    this.#ears = ears;
    const change = () => this.#changed();
    const advance = (app: WorldApp, delayMs = 0) => this.#advance(app, delayMs);
    this.lives = new TaskLives({ ...{ time, dice, habits, advance }, ears: { ...ears, change } });
  }

  read(): readonly ColourApp[] {
    this.#seen ??= this.apps.map(seenApp);
    return this.#seen;
  }

  /** What a balancer makes of the apps. @throws what marathon-lb would throw */
  generate(): Config {
    // Marking changes what it is given.
    this.#config ??= configOf(this.apps.map(fetchedApp));
    return this.#config;
  }

  /** No two writes have one time. */
  stamp(): number {
    this.#lastStampMs = Math.max(this.#lastStampMs + 1, this.#time.nowMs);
    return this.#lastStampMs;
  }

  scale(id: string, instances: number): { deploymentId: string | undefined } | 'locked' | 'gone' {
    const app = this.apps.find((each) => each.id === id);
    if (app === undefined) return 'gone';
    if (app.deployment !== undefined) return 'locked';
    if (app.instances === instances) return { deploymentId: undefined };
    const before = app.instances;
    Object.assign(app, { instances, scaledAtMs: this.stamp() });
    this.#changed();
    this.#ears.event();
    return { deploymentId: this.deploy(app, before, []) };
  }

  /** Tasks that are not there any more are passed over. */
  kill(ids: readonly string[], removal: Removal): { deploymentId: string | undefined } | 'locked' {
    const app = this.apps.find(({ tasks }) => tasks.some((task) => ids.includes(task.id) && !isDead(task)));
    if (app === undefined) return { deploymentId: undefined };
    if (app.deployment !== undefined) return 'locked';
    const found = app.tasks.filter((task) => ids.includes(task.id) && !isDead(task));
    const counted = found.filter(({ state }) => state !== 'TASK_KILLING').length;
    if (counted === 0) return { deploymentId: undefined };
    const before = app.instances;
    Object.assign(app, { instances: Math.max(0, before - counted), scaledAtMs: this.stamp() });
    // No event for marathon-lb: neither a kill nor its deployment is one that it asked for.
    for (const task of found) this.lives.end(task, removal);
    this.#changed();
    return { deploymentId: this.deploy(app, before, found) };
  }

  /** @returns the deployment that ends its tasks */
  delete(id: string, removal: Removal, force = false): { deploymentId: string } | 'locked' | 'gone' {
    const app = this.apps.find((each) => each.id === id);
    if (app === undefined) return 'gone';
    if (app.deployment !== undefined && !force) return 'locked';
    const deploymentId = `d${this.#counter++}`;
    const tasks = app.tasks.filter((task) => !isDead(task));
    this.#ending.set(deploymentId, tasks);
    this.apps.splice(this.apps.indexOf(app), 1);
    Object.assign(app, { deployment: undefined, isDeleted: true });
    for (const task of tasks) this.lives.end(task, removal);
    for (const other of this.apps) this.#advance(other, 0);
    this.#changed();
    return { deploymentId };
  }

  /** Of these deployments of deleted apps those that go on. */
  stillEnding(ids: readonly string[]): string[] {
    return ids.filter((id) => this.#ending.get(id)?.some((task) => !isDead(task)));
  }

  /** Takes a deployment back: what it ends then is its own choice. */
  cancel(deploymentId: string, removal: Removal): { deploymentId: string | undefined } {
    const app = this.apps.find(({ deployment }) => deployment?.id === deploymentId);
    if (app?.deployment === undefined) return { deploymentId: undefined };
    const { before } = app.deployment;
    if (before === 'no app') {
      const result = this.delete(app.id, removal, true);
      return typeof result === 'string' ? { deploymentId: undefined } : result;
    }
    const victims = this.endedByCancel(app);
    const instances = app.instances;
    Object.assign(app, { instances: before, scaledAtMs: this.stamp() });
    for (const task of victims) this.lives.end(task, removal);
    this.#changed();
    return { deploymentId: this.deploy(app, instances, victims) };
  }

  /** What taking this app's deployment back ends. */
  endedByCancel(app: WorldApp): WorldTask[] {
    const before = app.deployment?.before;
    if (before === undefined) return [];
    return before === 'no app' ? app.tasks.filter((task) => !isDead(task)) : this.surplusOf(app, before);
  }

  /** Which tasks Marathon ends to come down to a number of instances: staging before running, then the youngest. */
  surplusOf(app: WorldApp, instances: number): WorldTask[] {
    const there = app.tasks.filter(stays);
    const rank = ({ state }: WorldTask) => (state === 'TASK_STAGING' ? 0 : 1);
    const order = there.sort((a, b) => rank(a) - rank(b) || (b.startedMs ?? 0) - (a.startedMs ?? 0));
    return order.slice(0, Math.max(0, there.length - instances));
  }

  /** A kill of somebody else's that is under way at the beginning. */
  endBefore(app: WorldApp, count: number): void {
    const removal: Removal = {
      by: 'other',
      what: 'before',
      atMs: this.#time.nowMs,
      grownAtMs: undefined,
      isCovered: false,
    };
    const killed = app.tasks.slice(0, count);
    for (const task of killed) this.lives.end(task, removal);
    this.deploy(app, app.instances + count, killed);
  }

  /** @returns its id */
  deploy(app: WorldApp, before: WorldDeployment['before'], killed: readonly WorldTask[]): string {
    const id = `d${this.#counter++}`;
    const dying = app.tasks.filter((task) => !isDead(task) && task.removal !== undefined);
    app.deployment = { id, before, killed: new Set([...killed, ...dying]), started: new Set() };
    this.#time.note('marathon', () => `deploys ${app.id} with ${app.instances} instances (${id})`);
    this.#forget();
    this.#advance(app, 0);
    return id;
  }

  /** What is to be done for an app now: wait for the dying, launch what is missing, end its deployment. */
  #advance(app: WorldApp, delayMs: number): void {
    if (app.isDeleted) return;
    const { deployment } = app;
    const there = app.tasks.filter(stays);
    if (there.filter(serves).length >= app.instances)
      for (const wound of this.lives.openWounds(app)) wound.closedMs = this.#time.nowMs;
    if (deployment !== undefined && [...deployment.killed].some((task) => !isDead(task))) return;
    while (there.length + app.queued < app.instances) {
      app.queued += 1;
      this.#time.after(delayMs + this.#dice.between(this.#habits.launchMs), () => this.#launch(app));
    }
    if (deployment === undefined || there.length < app.instances) return;
    const isUp = (task: WorldTask) => isDead(task) || (task.isAlive === true && task.isReady);
    if (![...deployment.started].every(isUp)) return;
    app.deployment = undefined;
    this.#forget();
    this.#time.note('marathon', () => `${app.id} is deployed (${deployment.id})`);
  }

  #launch(app: WorldApp): void {
    app.queued -= 1;
    if (app.isDeleted) return;
    if (app.tasks.filter(stays).length >= app.instances) {
      this.#advance(app, 0);
      return;
    }
    const dead = app.tasks.find(isDead);
    if (dead !== undefined) app.tasks.splice(app.tasks.indexOf(dead), 1);
    const task = this.lives.launch(app);
    app.deployment?.started.add(task);
  }

  #changed(): void {
    this.#forget();
    this.#ears.change();
  }

  #forget(): void {
    this.#seen = undefined;
    this.#config = undefined;
  }
}
