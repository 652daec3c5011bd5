import type { App } from './app.ts';
import type { Crew } from './crew.ts';
import { launchableNow, rollingLimits } from './rolling.ts';
import { type Change, type Instance, isConsideredHealthy, isReady, wasPlaced } from './tracker.ts';

/** One action of a running step. It ends by calling `done`, or silently when it is stopped. */
export interface RunningAction {
  stop(): void;
}

/** RestartApplication: replaces the old tasks by new ones inside the app's upgrade strategy. It never gives up.
 * @source S/core/deployment/impl/TaskReplaceActor.scala; to 1.4 S/upgrade/TaskReplaceActor.scala */
export class RestartAction implements RunningAction {
  readonly #crew: Crew;
  readonly #app: App;
  readonly #done: () => void;
  readonly #old: Set<Instance>;
  readonly #toKill: Instance[];
  readonly #new: Set<Instance>;
  readonly #ready = new Set<Instance>();
  readonly #maxCapacity: number;
  readonly #leave: () => void;

  constructor(crew: Crew, app: App, done: () => void) {
    this.#crew = crew;
    this.#app = app;
    this.#done = done;
    crew.queue.dropNeverPlaced(app.id);
    const there = this.#instancesThere();
    this.#toKill = there.filter((instance) => instance.app.version !== app.version);
    this.#old = new Set(this.#toKill);
    this.#new = new Set(there.filter((instance) => instance.app.version === app.version));
    const limits = rollingLimits({
      ...app.upgradeStrategy,
      instances: app.instances,
      base: there.length,
      ...this.#healthAwareCount(there),
    });
    this.#maxCapacity = limits.maxCapacity;
    this.#leave = crew.tracker.onChange((change) => this.#changed(change));
    for (let count = 0; count < limits.killNow; count++) this.#killNextOld();
    // One that waits for its next launch would come back with the new definition, and count as old all the same.
    for (const instance of [...this.#old])
      if (!instance.task) crew.decommission(instance, 'Replaced by a newer version');
    this.#launch();
    crew.queue.resetDelay(app);
    for (const instance of [...this.#new]) this.#lookAt(instance);
    this.#finishWhenDone();
  }

  stop(): void {
    this.#leave();
  }

  /** Up to 1.7 also tasks that were asked to die already: they are killed again, to no use. */
  #instancesThere(): Instance[] {
    const { tracker, dialect } = this.#crew;
    return dialect.restartCounts === 'living'
      ? tracker.ofApp(this.#app.id).filter(({ task }) => task !== undefined)
      : tracker.wanted(this.#app.id).filter(wasPlaced);
  }

  /** Late versions count only the healthy, and kill the unhealthy first. */
  #healthAwareCount(there: Instance[]): { base?: number; total?: number } {
    if (this.#crew.dialect.restartCounts !== 'healthy') return {};
    this.#toKill.sort((a, b) => Number(isConsideredHealthy(a)) - Number(isConsideredHealthy(b)));
    return {
      base: there.filter(isConsideredHealthy).length,
      total: this.#crew.tracker.ofApp(this.#app.id).length,
    };
  }

  #changed({ kind, instance }: Change): void {
    // What a refused write purged still counts as started, so that nothing takes its place.
    if (kind === 'purged') return;
    if (this.#old.has(instance)) {
      // An old task that died by itself is not replaced by another old one.
      if (kind === 'dead') this.#crew.decommission(instance, 'Replaced by a newer version');
      if (kind !== 'gone') return;
      this.#old.delete(instance);
      this.#launch();
      this.#finishWhenDone();
    } else if (this.#new.has(instance)) {
      if (kind === 'gone') {
        this.#new.delete(instance);
        this.#ready.delete(instance);
        this.#launch();
      } else if (kind === 'dead') this.#ready.delete(instance);
      else this.#lookAt(instance);
    }
  }

  #lookAt(instance: Instance): void {
    if (!instance.task || !isReady(instance.task) || this.#ready.has(instance)) return;
    this.#ready.add(instance);
    this.#killNextOld();
    this.#finishWhenDone();
  }

  #killNextOld(): void {
    for (let next = this.#toKill.shift(); next; next = this.#toKill.shift()) {
      if (!this.#old.has(next)) continue;
      this.#crew.decommission(next, 'Killed for an upgrade');
      return;
    }
  }

  #launch(): void {
    const count = launchableNow({
      instances: this.#app.instances,
      maxCapacity: this.#maxCapacity,
      oldNotDead: this.#old.size,
      started: this.#new.size,
    });
    for (const instance of this.#crew.request(this.#app, count)) this.#new.add(instance);
  }

  #finishWhenDone(): void {
    if (this.#old.size > 0 || this.#ready.size < this.#app.instances) return;
    this.#leave();
    this.#done();
  }
}
