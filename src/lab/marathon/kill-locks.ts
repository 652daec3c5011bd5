import type { Crew } from './crew.ts';
import type { Instance } from './tracker.ts';

/** Kills without scaling as Marathon up to 1.7 does them: the app is locked until its tasks are dead and their
 * number is made up for. While anything else holds the lock a kill does nothing, and its caller never learns it.
 * @source releases/1.7, S/MarathonSchedulerActor.scala, KillTasks */
export class KillLocks {
  readonly #held = new Set<string>();
  readonly #crew: Crew;
  readonly #isDeploying: (appId: string) => boolean;
  readonly #makeUp: (appId: string) => void;

  constructor(
    crew: Crew,
    isDeploying: (appId: string) => boolean,
    /** Starts what is missing, whatever holds the app by then. */
    makeUp: (appId: string) => void,
  ) {
    this.#crew = crew;
    this.#isDeploying = isDeploying;
    this.#makeUp = makeUp;
  }

  holds(appId: string): boolean {
    return this.#held.has(appId);
  }

  kill(appId: string, instances: Instance[], reason: string): void {
    const dying = new Set(instances.filter(({ task }) => task !== undefined));
    if (dying.size === 0 || this.#held.has(appId) || this.#isDeploying(appId)) return;
    this.#held.add(appId);
    const leave = this.#crew.tracker.onChange(({ kind, instance }) => {
      if (kind !== 'gone' || !dying.delete(instance) || dying.size > 0) return;
      leave();
      this.#held.delete(appId);
      this.#makeUp(appId);
    });
    for (const instance of [...dying]) this.#crew.kill(instance, reason);
  }
}
