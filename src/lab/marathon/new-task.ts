// pure
import type { Slot } from './agents.ts';
import type { App } from './app.ts';
import type { Dialect } from './dialect.ts';
import { instanceIdOf, taskIdOf } from './ids.ts';
import type { Instance, Task } from './tracker.ts';

/** A request for one more task of an app, which no agent has taken yet. */
export const newInstance = (app: App, uuid: string, dialect: Dialect): Instance => ({
  id: instanceIdOf(app.id, uuid, dialect),
  appId: app.id,
  goal: 'Running',
  launches: 0,
  app,
  task: undefined,
  dead: undefined,
});

/** The next launch of an instance, on the slot that was found for it. */
export function newTask(
  instance: Instance,
  app: App,
  slot: Slot,
  facts: { dialect: Dialect; stagedAtMs: number; isNeverHealthy: boolean; sandboxOf: (id: string) => string },
): Task {
  const id = taskIdOf(instance.id, instance.launches, facts.dialect);
  return {
    id,
    instance,
    app,
    slot,
    sandbox: facts.sandboxOf(id),
    stagedAtMs: facts.stagedAtMs,
    isNeverHealthy: facts.isNeverHealthy,
    state: 'TASK_STAGING',
    startedAtMs: undefined,
    command: undefined,
    process: undefined,
    killReason: undefined,
    isEnded: false,
    health: [],
    readiness: undefined,
  };
}
