import type { Told } from '../../src/rollout/memory.ts';
import type { Growing, RolloutObservation, RolloutStep } from '../../src/rollout/model.ts';
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
type Done = Told | 'again';

/** How the tool's steps reach Marathon: each takes some time, may be lost with its answer or without, and may be the
 * last thing that the tool does. */
export class Writes {
  readonly #world: World;
  readonly #cut: Cut | undefined;
  #count = 0;
  /** By the last deployment that was taken back. */
  #ended: readonly string[] = [];

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
    if ('grow' in step && step.grow !== undefined && done !== 'again') {
      const { appId, instances } = step.grow;
      const killed = step.do === 'kill' ? step.taskIds : this.#ended;
      const cover = yield* this.#send(() => this.#scale(appId, instances, seen, killed));
      done = cover === 'again' ? cover : { ...done, coverId: cover.deploymentId };
    }
    if (this.#isCut('after')) return 'cut';
    if (done === 'again') return done;
    return { ...done, takenBackBy: yield* this.#takenBackBy(step, done, seenMs) };
  }

  /** What is for a moment alone is taken back with the next request, unless that is lost. */
  *#takenBackBy(step: Effect, done: Told, seenMs: number): Generator<number, string | null | undefined> {
    const brief: Growing | undefined = step.do === 'scale' ? step : 'grow' in step ? step.grow : undefined;
    const id = step.do === 'scale' ? done.deploymentId : done.coverId;
    if (brief?.isBrief !== true || id === undefined) return undefined;
    const back = yield* this.#send(() => this.#cancel(brief.appId, id, 'cancel', seenMs));
    return back === 'again' ? null : back.deploymentId;
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
    const { marathon } = this.#world;
    const app = marathon.apps.find(({ id }) => id === step.appId);
    const isFree = app?.deployment === undefined;
    const removal = (what: Removal['what'], victims: readonly WorldTask[] = []) =>
      this.#removal(what, victims, seenMs);
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
        const what = step.grow === undefined ? 'cancel' : 'cancel and grow';
        return this.#cancel(step.appId, step.deploymentId, what, seenMs);
      }
    }
  }

  #cancel(id: string, deploymentId: string, what: 'cancel' | 'cancel and grow', seenMs: number): Done {
    const { marathon } = this.#world;
    const app = marathon.apps.find((each) => each.id === id);
    const victims = app?.deployment?.id === deploymentId ? marathon.endedByCancel(app) : [];
    this.#ended = victims.map((task) => task.id);
    return marathon.cancel(deploymentId, this.#removal(what, victims, seenMs));
  }

  #removal(what: Removal['what'], victims: readonly WorldTask[], seenMs: number): Removal {
    const { judge, time } = this.#world;
    judge.removes(what, victims, seenMs);
    return { by: 'tool', what, atMs: time.nowMs, grownAtMs: undefined, isCovered: false };
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
