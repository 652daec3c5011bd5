import type { App } from './app.ts';
import type { Crew } from './crew.ts';
import type { RunningAction } from './restart-action.ts';
import { type Change, type Instance, isReady, wasPlaced } from './tracker.ts';

/** When what is missing is asked for again, up to 1.7; in milliseconds.
 * @source S/core/deployment/impl/StartingBehavior.scala, firstSyncDelay, syncInterval */
const FIRST_SYNC_MS = 1000;
const SYNC_INTERVAL_MS = 5000;

/** ScaleApplication: first the surplus dies, then what is missing starts and becomes healthy.
 * @source S/core/deployment/impl/{DeploymentActor,TaskStartActor}.scala */
export class ScaleAction implements RunningAction {
  readonly #crew: Crew;
  readonly #app: App;
  readonly #instances: number;
  readonly #done: () => void;
  readonly #dying: Set<Instance>;
  readonly #leave: () => void;
  readonly #started = new Set<Instance>();
  /** How many of the started have to be ready; known once the surplus is dead. */
  #wantedReady: number | undefined;
  #sync: NodeJS.Timeout | undefined;

  /** @param sentenced instance ids that die before any other */
  constructor(crew: Crew, app: App, instances: number, sentenced: string[], done: () => void) {
    this.#crew = crew;
    this.#app = app;
    this.#instances = instances;
    this.#done = done;
    const wanted = crew.tracker.wanted(app.id);
    const first = wanted.filter((instance) => sentenced.includes(instance.id));
    const others = wanted.filter((instance) => !first.includes(instance));
    this.#dying = new Set([...first, ...surplusOf(others, instances, app.killSelection)]);
    this.#leave = crew.tracker.onChange((change) => this.#changed(change));
    for (const instance of [...this.#dying]) crew.decommission(instance, 'Killed because the app was scaled');
    this.#startWhenDead();
  }

  stop(): void {
    clearTimeout(this.#sync);
    this.#leave();
  }

  #changed({ kind, instance }: Change): void {
    if (kind === 'purged') this.#started.delete(instance);
    else if (kind === 'gone' && this.#dying.delete(instance)) this.#startWhenDead();
    else if (kind === 'gone' && this.#started.delete(instance)) this.#startedIsGone();
    this.#finishWhenReady();
  }

  #startedIsGone(): void {
    if (!this.#crew.dialect.keepsInstances) this.#start(1);
    else if (this.#wantedReady !== undefined) this.#wantedReady -= 1;
  }

  #start(count: number): void {
    for (const instance of this.#crew.request(this.#app, count)) this.#started.add(instance);
  }

  /** Up to 1.7 nobody else replaces what was lost while the deployment locks the app. */
  #syncAfter(waitMs: number): void {
    if (this.#crew.dialect.keepsInstances) return;
    this.#sync = setTimeout(() => {
      this.#start(this.#missing());
      this.#syncAfter(SYNC_INTERVAL_MS);
    }, waitMs);
  }

  #missing(): number {
    return this.#instances - this.#crew.tracker.wanted(this.#app.id).length;
  }

  #startWhenDead(): void {
    if (this.#dying.size > 0 || this.#wantedReady !== undefined) return;
    this.#wantedReady = Math.max(0, this.#missing());
    this.#start(this.#wantedReady);
    this.#syncAfter(FIRST_SYNC_MS);
    this.#finishWhenReady();
  }

  #finishWhenReady(): void {
    if (this.#wantedReady === undefined) return;
    const ready = [...this.#started].filter(({ task }) => task && isReady(task));
    if (ready.length < this.#wantedReady) return;
    this.stop();
    this.#done();
  }
}

/** Which instances die to reach a count: those that do not run first, then by the app's kill selection.
 * @param wanted in the order of their launch */
export function surplusOf(
  wanted: Instance[],
  target: number,
  selection: 'YOUNGEST_FIRST' | 'OLDEST_FIRST',
): Instance[] {
  const rank = (instance: Instance) => {
    if (!instance.task) return wasPlaced(instance) ? 1 : 0;
    return instance.task.state === 'TASK_STAGING' ? 2 : 3;
  };
  const age = (instance: Instance) => instance.task?.startedAtMs ?? 0;
  const inOrder = wanted.map((instance, index) => ({ instance, index }));
  inOrder.sort((a, b) => {
    const older = age(a.instance) - age(b.instance) || a.index - b.index;
    return rank(a.instance) - rank(b.instance) || (selection === 'OLDEST_FIRST' ? older : -older);
  });
  return inOrder.slice(0, Math.max(0, wanted.length - target)).map(({ instance }) => instance);
}
