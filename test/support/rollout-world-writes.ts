import type { RolloutObservation, RolloutStep } from '../../src/rollout/model.ts';
import type { World } from './rollout-world.ts';
import type { Removal, WorldTask } from './rollout-world-tasks.ts';

export type Effect = Extract<RolloutStep, { do: 'scale' | 'ask' | 'kill' | 'delete' | 'cancel' }>;

/** Where a run of the tool is cut by `kill -9`. */
export interface Cut {
  /** At which write of this run. */
  writes: number;
  /** `between`: after the kill of a step, before the scaling that belongs to it. */
  at: 'before' | 'between' | 'after';
}

/** `again`: nothing was changed, or nobody knows. */
type Done = { deploymentId: string | undefined } | 'again';

/** How the tool's steps reach Marathon: each takes some time, may be lost with its answer or without, and may be the
 * last thing that the tool does. */
export class Writes {
  readonly #world: World;
  readonly #cut: Cut | undefined;
  #count = 0;

  constructor(world: World, cut: Cut | undefined) {
    this.#world = world;
    this.#cut = cut;
  }

  /** @param seenMs when the look began that it was decided on */
  *carryOut(step: Effect, seen: RolloutObservation, seenMs: number): Generator<number, Done | 'cut'> {
    if (step.do === 'ask') return { deploymentId: undefined };
    this.#count += 1;
    if (this.#isCut('before')) return 'cut';
    let done = yield* this.#send(() => this.#first(step, seen, seenMs));
    if (this.#isCut('between')) return 'cut';
    if (step.do === 'kill' && step.grow !== undefined && done !== 'again') {
      const { appId, instances } = step.grow;
      done = yield* this.#send(() => this.#scale(appId, instances, seen, step.taskIds));
    }
    return this.#isCut('after') ? 'cut' : done;
  }

  #isCut(at: Cut['at']): boolean {
    return this.#cut?.at === at && this.#cut.writes === this.#count;
  }

  *#send(act: () => Done): Generator<number, Done> {
    const { dice, lossShare, time } = this.#world;
    const isLost = dice.isLucky(lossShare);
    yield dice.between([2, 15]);
    if (isLost && dice.isLucky(0.5)) {
      time.note('tool', () => 'the request is lost');
      yield dice.between([1_000, 4_000]);
      return 'again';
    }
    const done = act();
    yield isLost ? dice.between([1_000, 4_000]) : dice.between([1, 5]);
    if (isLost) time.note('tool', () => 'the answer is lost');
    return isLost ? 'again' : done;
  }

  #first(step: Exclude<Effect, { do: 'ask' }>, seen: RolloutObservation, seenMs: number): Done {
    const { judge, marathon, time } = this.#world;
    const app = marathon.apps.find(({ id }) => id === step.appId);
    const isFree = app?.deployment === undefined;
    const removal = (what: Removal['what'], victims: readonly WorldTask[] = []): Removal => {
      judge.removes(what, victims, seenMs);
      return { by: 'tool', what, atMs: time.nowMs, grownAtMs: undefined, isCovered: false };
    };
    switch (step.do) {
      case 'scale':
        return this.#scale(step.appId, step.instances, seen, []);
      case 'kill': {
        const what = step.grow === undefined ? 'kill' : 'kill and grow';
        const victims = isFree ? app?.tasks.filter(({ id }) => step.taskIds.includes(id)) : [];
        return doneOf(marathon.kill(step.taskIds, removal(what, victims)));
      }
      case 'delete':
        return doneOf(marathon.delete(step.appId, removal('delete', isFree ? app?.tasks : [])));
      case 'cancel': {
        const isThere = app?.deployment?.id === step.deploymentId;
        const victims = isThere ? marathon.endedByCancel(app) : [];
        return marathon.cancel(step.deploymentId, removal('cancel', victims));
      }
    }
  }

  /** As the client: nothing is sent while a deployment was seen. */
  #scale(id: string, instances: number, seen: RolloutObservation, killed: readonly string[]): Done {
    const { judge, marathon, time } = this.#world;
    if (seen.apps.some((app) => app.id === id && app.deployments.length > 0)) return 'again';
    const app = marathon.apps.find((each) => each.id === id);
    if (app?.deployment === undefined && app !== undefined && instances < app.instances)
      judge.removes('kill', marathon.surplusOf(app, instances), time.nowMs);
    const done = doneOf(marathon.scale(id, instances));
    if (done === 'again') return done;
    judge.grew(killed.flatMap((taskId) => marathon.lives.living.get(taskId) ?? []));
    return done;
  }
}

function doneOf(result: { deploymentId: string | undefined } | 'locked' | 'gone'): Done {
  if (result === 'gone') return { deploymentId: undefined };
  return result === 'locked' ? 'again' : result;
}
