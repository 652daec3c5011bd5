import { CertathonError, describeError } from '../lib/errors.ts';
import { execute } from './execute.ts';
import { afterAll, afterStep, newMemory, remember } from './memory.ts';
import type { RolloutMemory, RolloutObservation, RolloutPolicy, RolloutStep } from './model.ts';
import { type Observed, observeBalancers, observeMarathon } from './observe.ts';
import { nextStep } from './plan.ts';
import { progressOf, type RolloutProgress } from './progress.ts';
import { withinLimit } from './time-limit.ts';
import type { RolloutTools } from './tools.ts';

export interface RolloutRun {
  tools: RolloutTools;
  group: string;
  policy: RolloutPolicy;
  /** The longest time between two looks; HAProxy tells nothing by itself. */
  pollMs: number;
  /** How long all of it may take before it counts as failed; 0: as long as something moves on. */
  timeLimitMs: number;
  report: (progress: RolloutProgress) => void;
}

export interface RolloutResult {
  state: 'complete' | 'split' | 'reverted';
  /** In words. */
  reason: string;
}

/** Looks, decides and does one thing, again and again, until the group is as asked for. Nothing of it lives anywhere
 * else, so it may be cut at any line and begun anew by anybody.
 * @throws ROLLOUT_* with the state that was left; what made it turn back, once everything is back */
export async function runRollout(run: RolloutRun): Promise<RolloutResult> {
  const { tools, policy, group } = run;
  const { clock, log } = tools;
  const startedMs = clock.monotonicMs();
  let memory = newMemory(startedMs);
  let unsureSinceMs: number | undefined;
  const decide = ({ seen, drain }: Observed): RolloutStep => {
    memory = remember({ ...memory, drain }, seen, policy, clock.monotonicMs());
    const nowMs = clock.monotonicMs();
    return withinLimit(nextStep(seen, policy, memory, nowMs), seen, {
      ...{ policy, memory, tookMs: nowMs - startedMs, limitMs: run.timeLimitMs },
    });
  };
  let balancers: RolloutObservation['balancers'] = [];
  for (;;) {
    let observed = await observeOrWait(run, memory);
    if (observed === undefined) continue;
    let step = decide(observed);
    // Growing may need no look, and a look takes long while balancers reload for a task that was killed.
    if (step.do !== 'scale') {
      observed = await observeBalancers(tools, observed);
      balancers = observed.seen.balancers;
      step = decide(observed);
    }
    const nowMs = clock.monotonicMs();
    run.report(
      progressOf({
        observed: { ...observed.seen, balancers },
        ...{ step, policy, memory, nowMs, at: new Date(clock.nowMs()) },
      }),
    );
    switch (step.do) {
      case 'finish':
        if (memory.turned !== undefined) throw turnedBack(memory.turned, step);
        return { state: step.state, reason: step.reason };
      case 'stop':
        throw new CertathonError(step.code, stopWords(step.reason, memory));
      case 'wait':
        await tools.wait(Math.max(0, Math.min(pollOf(step, memory, nowMs, run), step.untilMs - nowMs)));
        break;
      case 'turn':
        log.warn('rollout.aborted', { group, code: step.code, reason: step.reason });
        memory = afterStep(memory, step, clock.monotonicMs());
        break;
      default: {
        const { reached, again } = await carryOut(step, observed, memory, run);
        memory = reached;
        unsureSinceMs = again === undefined ? undefined : (unsureSinceMs ?? nowMs);
        if (again !== undefined && nowMs - (unsureSinceMs ?? nowMs) >= policy.maxWaitMs)
          throw neverDone(step, again, policy);
      }
    }
  }
}

/** Marathon takes no step, however often it is asked. */
function neverDone(step: Effect, again: string, { maxWaitMs }: RolloutPolicy): CertathonError {
  const code = step.do === 'delete' ? 'ROLLOUT_DELETE_FAILED' : 'ROLLOUT_SCALE_FAILED';
  const what = `Marathon did not ${step.do} ${step.appId} within ${Math.round(maxWaitMs / 1_000)} s`;
  return new CertathonError(code, `${what}: ${again}`);
}

/** For a look the balancer starts a program, and it may have thousands of lines to tell of. */
const SHORTEST_POLL_MS = 100;

/** Marathon's part comes with events; what HAProxy does has to be asked for. It takes a fraction of a second, or as long
 * as somebody's download: the longer it has taken, the more seldom it is asked.
 *   0.5 s → after 0.1 s     4 s → after 0.5 s     8 s and more → after 1 s */
function pollOf(
  step: Extract<RolloutStep, { do: 'wait' }>,
  { movedAtMs }: RolloutMemory,
  nowMs: number,
  { pollMs }: RolloutRun,
): number {
  if (step.for === 'healthy' || step.for === 'deployment') return pollMs;
  return Math.min(pollMs, Math.max(SHORTEST_POLL_MS, (nowMs - movedAtMs) / 8));
}

type Effect = Parameters<typeof execute>[0];

async function carryOut(
  step: Effect,
  observed: Observed,
  memory: RolloutMemory,
  { tools, policy, group, pollMs }: RolloutRun,
): Promise<{ reached: RolloutMemory; again?: string }> {
  const { clock, log } = tools;
  log.info('rollout.step', { group, ...step });
  const done = await execute(step, observed, tools);
  if (done.kind === 'done') return { reached: afterAll(memory, step, clock.monotonicMs(), done) };
  if (done.kind === 'again') {
    log.warn('rollout.waiting', { group, do: step.do, reason: done.reason });
    await tools.wait(pollMs);
    // It may have been carried out all the same: whatever is there next is taken as it is.
    return { reached: { ...memory, expected: unsure(memory, step) }, again: done.reason };
  }
  // Going back is what a no leads to otherwise; a no to that leaves everything as it is.
  if (policy.onFailure === 'stop' || policy.direction === 'back' || done.code === 'ROLLOUT_DECLINED')
    throw new CertathonError(done.code, done.sentence);
  log.warn('rollout.aborted', { group, code: done.code, reason: done.sentence });
  const turn: RolloutStep = { do: 'turn', code: done.code, reason: done.sentence };
  return { reached: afterStep(memory, turn, clock.monotonicMs()) };
}

function unsure(memory: RolloutMemory, step: Effect): RolloutMemory['expected'] {
  const ids = 'grow' in step && step.grow !== undefined ? [step.appId, step.grow.appId] : [step.appId];
  return { ...memory.expected, ...Object.fromEntries(ids.map((id) => [id, 'any' as const])) };
}

/** Marathon may be away for a while; an election takes seconds. Nothing is decided on what was seen before.
 * @throws ROLLOUT_READ_FAILED when it stays away for as long as nothing may move on */
async function observeOrWait(run: RolloutRun, memory: RolloutMemory): Promise<Observed | undefined> {
  const { tools, group, policy, pollMs } = run;
  try {
    return await observeMarathon(tools, group, memory);
  } catch (error) {
    tools.signal.throwIfAborted();
    const isAway = error instanceof CertathonError && isUnreachable(error.cause);
    if (!isAway || tools.clock.monotonicMs() - memory.movedAtMs >= policy.maxWaitMs) throw error;
    tools.log.warn('rollout.waiting', { group, reason: describeError(error) });
    await tools.wait(pollMs);
    return undefined;
  }
}

function isUnreachable(cause: unknown): boolean {
  return cause instanceof CertathonError && cause.code === 'MARATHON_UNREACHABLE';
}

function turnedBack(
  { code, sentence }: NonNullable<RolloutMemory['turned']>,
  step: Extract<RolloutStep, { do: 'finish' }>,
): CertathonError {
  return new CertathonError(code, `${sentence}; it was rolled back: ${step.reason}`);
}

function stopWords(reason: string, { turned }: RolloutMemory): string {
  return turned === undefined ? reason : `${reason}; it was going back because: ${turned.sentence}`;
}
