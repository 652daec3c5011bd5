// pure
import type { RolloutMemory, RolloutObservation, RolloutPolicy, RolloutStep } from './model.ts';
import { isGoingBack } from './sides.ts';

export interface Elapsed {
  policy: Pick<RolloutPolicy, 'direction' | 'onFailure'>;
  memory: Pick<RolloutMemory, 'turned'>;
  /** Of this run; one that was cut off before began anew. */
  tookMs: number;
  /** 0: none. */
  limitMs: number;
}

/** The step, or the end of a rollout that takes too long as a whole, although something moves on now and then. The way
 * back has no limit but that something moves on: to stop there would leave more behind. Pure. */
export function withinLimit(
  step: RolloutStep,
  seen: RolloutObservation,
  { policy, memory, tookMs, limitMs }: Elapsed,
): RolloutStep {
  const isEnd = step.do === 'finish' || step.do === 'stop' || step.do === 'turn';
  if (isEnd || limitMs === 0 || tookMs < limitMs || isGoingBack(policy, memory)) return step;
  const reason = `Not over after ${Math.round(tookMs / 1_000)} s: ${step.reason}`;
  const canTurn = seen.apps.length === 2 && policy.onFailure === 'rollback';
  return { do: canTurn ? 'turn' : 'stop', code: 'ROLLOUT_STUCK', reason };
}
