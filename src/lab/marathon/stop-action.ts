import type { Crew } from './crew.ts';
import type { EventBus } from './events.ts';
import type { RunningAction } from './restart-action.ts';

/** StopApplication: kills every task of an app that is no more, and waits until they are dead. */
export class StopAction implements RunningAction {
  readonly #leave: () => void;

  constructor(crew: Crew, events: EventBus, appId: string, done: () => void) {
    const finishWhenDead = () => {
      if (crew.tracker.ofApp(appId).length > 0) return;
      this.#leave();
      crew.lastFailures.delete(appId);
      events.publish('app_terminated_event', { appId });
      done();
    };
    this.#leave = crew.tracker.onChange(({ kind }) => kind === 'gone' && finishWhenDead());
    const instances = crew.tracker.ofApp(appId);
    for (const instance of instances) crew.decommission(instance, 'Killed because the app was deleted');
    if (instances.length === 0) setImmediate(finishWhenDead);
  }

  stop(): void {
    this.#leave();
  }
}
