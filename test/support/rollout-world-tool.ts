import { rememberLook, stateOf } from '../../src/rollout/drain.ts';
import { afterAll, afterStep, newMemory, remember } from '../../src/rollout/memory.ts';
import type {
  ObservedBalancer,
  RolloutMemory,
  RolloutObservation,
  RolloutPolicy,
  RolloutStep,
} from '../../src/rollout/model.ts';
import { nextStep } from '../../src/rollout/plan.ts';
import type { World } from './rollout-world.ts';
import type { WorldBalancer } from './rollout-world-balancer.ts';
import { type Cut, type Effect, Writes } from './rollout-world-writes.ts';

export type Outcome =
  | { kind: 'finish'; state: 'complete' | 'split' | 'reverted'; turned: string | undefined }
  | { kind: 'stop'; code: string; reason: string }
  | { kind: 'cut' };

/** One life of the tool: the loop of `runRollout()` in miniature, with the real decisions. Yields the milliseconds that
 * it does nothing. */
export function* rollout(
  world: World,
  policy: RolloutPolicy,
  cut: Cut | undefined,
): Generator<number, Outcome> {
  const { time, dice } = world;
  const writes = new Writes(world, cut);
  let memory = newMemory(time.nowMs);
  let unsureSinceMs: number | undefined;
  for (;;) {
    const seenMs = time.nowMs;
    const { seen, drain } = yield* look(world, memory);
    memory = remember({ ...memory, drain }, seen, policy, time.nowMs);
    const step = nextStep(seen, policy, memory, time.nowMs);
    world.time.note('tool', () => inWords(step));
    switch (step.do) {
      case 'finish':
        return { kind: 'finish', state: step.state, turned: memory.turned?.code };
      case 'stop':
        return { kind: 'stop', code: step.code, reason: step.reason };
      case 'wait':
        yield Math.max(0, Math.min(dice.between([300, 1_000]), step.untilMs - time.nowMs));
        break;
      case 'turn':
        memory = afterStep(memory, step, time.nowMs);
        break;
      default: {
        yield dice.between([2, 20]);
        const done = yield* writes.carryOut(step, seen, seenMs);
        if (done === 'cut') return { kind: 'cut' };
        unsureSinceMs = done === 'again' ? (unsureSinceMs ?? time.nowMs) : undefined;
        if (unsureSinceMs !== undefined && time.nowMs - unsureSinceMs >= policy.maxWaitMs)
          return { kind: 'stop', code: 'ROLLOUT_SCALE_FAILED', reason: step.do };
        if (done === 'again') {
          yield dice.between([300, 1_000]);
          memory = { ...memory, expected: unsure(memory, step) };
        } else memory = afterAll(memory, step, time.nowMs, done);
      }
    }
  }
}

/** Marathon first, then every balancer: pids, statistics, pids again. */
function* look(
  world: World,
  memory: RolloutMemory,
): Generator<number, { seen: RolloutObservation; drain: RolloutMemory['drain'] }> {
  const { dice, marathon } = world;
  let { drain } = memory;
  const ending = marathon.stillEnding(memory.ending);
  const apps = marathon.read();
  const watched = apps.flatMap(({ tasks }) => tasks.flatMap(({ listeners }) => listeners));
  const looked: ObservedBalancer[] = [];
  yield dice.between([1, 10]);
  for (const balancer of world.balancers.filter(({ isListed }) => isListed)) {
    if (!canBeSeen(balancer)) {
      looked.push({ id: balancer.id, kind: 'unreachable', reason: 'refused' });
      continue;
    }
    const pids = balancer.workers.pids.join();
    yield dice.between([1, 5]);
    const answer = canBeSeen(balancer) ? balancer.look() : undefined;
    yield dice.between([1, 5]);
    if (answer === undefined || pids !== balancer.workers.pids.join()) {
      looked.push({ id: balancer.id, kind: 'reloading' });
      continue;
    }
    drain = rememberLook(drain, answer, watched);
    looked.push({ id: balancer.id, kind: 'seen', listeners: {} });
  }
  const balancers = looked.map((each): ObservedBalancer => {
    if (each.kind !== 'seen') return each;
    const states = watched.flatMap((listener) => {
      const state = stateOf(drain, each.id, listener);
      return state === undefined ? [] : [[listener, state] as const];
    });
    return { ...each, listeners: Object.fromEntries(states) };
  });
  return { seen: { group: 'web', apps, balancers, waiting: {}, ending }, drain };
}

const canBeSeen = ({ isReachable, isUp }: WorldBalancer): boolean => isReachable && isUp;

function unsure(memory: RolloutMemory, step: Effect): RolloutMemory['expected'] {
  const ids = 'grow' in step && step.grow !== undefined ? [step.appId, step.grow.appId] : [step.appId];
  return { ...memory.expected, ...Object.fromEntries(ids.map((id) => [id, 'any' as const])) };
}

function inWords(step: RolloutStep): string {
  const { do: what, reason, ...rest } = step;
  return `${what} ${Object.values(rest)
    .map((value) => JSON.stringify(value))
    .join(' ')}  (${reason})`;
}
