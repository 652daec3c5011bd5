import { forgetProven } from '../delivery/directory-proof.ts';
import { asCertathonError, CertathonError, describeError, ERRORS, type ErrorCode } from '../lib/errors.ts';
import { holdAfter, isHeld, RELOAD_AGAIN_MS } from './backoff.ts';
import { type ExecuteTools, execute } from './execute.ts';
import type {
  CertificateObservation,
  CertificatePlan,
  CertificatePolicy,
  CertificateStep,
  Postponed,
  Problem,
} from './model.ts';
import { observe } from './observe.ts';
import { planCertificate } from './plan.ts';
import type { Held } from './store.ts';

export interface PassResult {
  startedAt: Date;
  finishedAt: Date;
  /** As last seen; undefined when nothing could be observed. */
  seen: CertificateObservation | undefined;
  /** What was planned first; with `dryRun` nothing of it was done. */
  plan: CertificatePlan | undefined;
  done: CertificateStep[];
  problems: Problem[];
  /** Deliveries that wait for their time. */
  postponed: Postponed[];
  /** When another pass makes sense, if no event comes before. */
  checkAgainAt: Date | undefined;
  /** 0: every wanted name has a valid certificate and every balancer serves it. */
  exitStatus: number;
}

/** When Marathon or the store is away, the next look is not left to the schedule. */
const SOON_MS = 60_000;

/** prepare, adopt, order, wait and deliver, and what somebody else's changes in between may add; a few for each
 * target. */
const MOST_STEPS = 10;

/** After these a target or the CA has shown that it works. */
const ENDS_HOLD = new Set<CertificateStep['do']>(['order', 'deliver', 'repair', 'verify']);

/** One pass: observe → plan → execute the first step, until no step is left. The same for one-shot, schedule,
 * event and dry run. A failed step is recorded with the time of its next try, and the pass goes on with what
 * can be done without it: a renewal that fails does not keep a valid certificate from being delivered.
 * Never throws, except the reason of an aborted signal. */
export async function runPass(
  tools: ExecuteTools,
  policy: CertificatePolicy,
  dryRun: boolean,
): Promise<PassResult> {
  const startedAt = new Date(tools.clock.nowMs());
  const result: PassResult = {
    startedAt,
    finishedAt: startedAt,
    seen: undefined,
    plan: undefined,
    done: [],
    problems: [],
    postponed: [],
    checkAgainAt: undefined,
    exitStatus: 0,
  };
  const failures: Problem[] = [];
  const findings: Problem[] = [];
  const failed = new Set<string>();
  let overtaken = false;
  let forced = policy.forced;
  const askedAt = forced ? startedAt : undefined;
  try {
    for (let count = 0; ; count += 1) {
      const seen = await observe(tools);
      const plan = planCertificate(seen, { ...policy, forced, askedAt });
      result.seen = seen;
      result.plan ??= plan;
      result.problems = plan.problems;
      result.postponed = plan.postponed;
      result.checkAgainAt = plan.checkAgainAt;
      const step = nextStep(plan, seen, failed);
      const isServed = step === undefined && plan.problems.length + plan.postponed.length === 0;
      if (isServed && !dryRun) await forgetDeliveries(seen, tools);
      if (step === undefined || dryRun) break;
      if (count >= MOST_STEPS + 3 * seen.targets.length)
        throw new CertathonError(
          'UNEXPECTED',
          `The plan did not come to an end after ${count} steps; the next would be ${step.do}`,
        );
      const { failure, found } = await tryStep(step, seen, !overtaken, tools);
      if (step.do === 'order') forced = false;
      findings.push(...found);
      if (failure === undefined) {
        result.done.push(step);
        continue;
      }
      // Planned anew once: whoever changes it again and again is a person or a program with another mind.
      const isFirst = failure.code === 'DELIVERY_OVERTAKEN' && !overtaken;
      if (isFirst) {
        overtaken = true;
        continue;
      }
      failures.push(problemOf(failure));
      // A failed order leaves the delivery of what is there; a target that failed is left alone for now.
      if ('target' in step) failed.add(step.target);
      if (step.do !== 'order' && seen.targets.every(({ id }) => failed.has(id))) break;
    }
  } catch (error) {
    if (tools.signal.aborted) throw tools.signal.reason;
    failures.push(problemOf(asCertathonError(error)));
  }
  if (failures.length > 0) result.checkAgainAt = await nextTry(tools, result.seen, result.checkAgainAt);
  result.problems = merged([...failures, ...findings], result.problems);
  result.finishedAt = new Date(tools.clock.nowMs());
  result.exitStatus = exitStatusOf(result.problems);
  return result;
}

/** The first step that is not for a target that has failed in this pass. Nothing is ordered that could go nowhere. */
function nextStep(
  { steps }: CertificatePlan,
  { targets }: CertificateObservation,
  failed: ReadonlySet<string>,
): CertificateStep | undefined {
  const isOpen = targets.length === 0 || targets.some(({ id }) => !failed.has(id));
  return steps.find((step) => ('target' in step ? !failed.has(step.target) : isOpen));
}

/** Everything is served: the record of a delivery that was killed before it saw this has no use any more, and a
 * failure of before must not hold back the next delivery. */
async function forgetDeliveries(
  { targets }: CertificateObservation,
  { store, shared }: ExecuteTools,
): Promise<void> {
  for (const { id, strategy, hold } of targets) {
    if (hold !== undefined) await store.removeHold({ deliveryTo: id });
    if (strategy === 'directory') await forgetProven(id, shared);
    const memory = store.deliveryMemory(id);
    if ((await memory.delivery()) !== undefined) await memory.removeDelivery();
  }
}

/** A pass that could not even begin, as a result like any other. */
export function failedPass(error: CertathonError, before: PassResult | undefined, now: Date): PassResult {
  const problems = [problemOf(error)];
  const again = new Date(now.getTime() + SOON_MS);
  const result: PassResult = {
    startedAt: now,
    finishedAt: now,
    seen: before?.seen,
    plan: undefined,
    done: [],
    problems,
    postponed: before?.postponed ?? [],
    checkAgainAt: again,
    exitStatus: exitStatusOf(problems),
  };
  return result;
}

/** The same tools under another signal. */
export function withSignal(tools: ExecuteTools, signal: AbortSignal): ExecuteTools {
  return {
    ...tools,
    signal,
    delivery: { ...tools.delivery, signal },
    shared: { ...tools.shared, signal },
  };
}

async function tryStep(
  step: CertificateStep,
  seen: CertificateObservation,
  mayBeOvertaken: boolean,
  tools: ExecuteTools,
): Promise<{ failure: CertathonError | undefined; found: Problem[] }> {
  const held: Held = 'target' in step ? { deliveryTo: step.target } : 'order';
  const target = 'target' in step ? seen.targets.find(({ id }) => id === step.target) : undefined;
  const before = 'target' in step ? target?.hold : seen.orderHold;
  try {
    const found = await execute(step, seen, tools);
    if (before !== undefined && ENDS_HOLD.has(step.do)) await tools.store.removeHold(held);
    return { failure: undefined, found };
  } catch (error) {
    if (tools.signal.aborted) throw error;
    const failure = asCertathonError(error);
    if (failure.code === 'UNEXPECTED' || failure.code === 'STORE_UNUSABLE') throw failure;
    if (failure.code === 'DELIVERY_OVERTAKEN' && mayBeOvertaken) {
      tools.log.warn('delivery.failed', { code: failure.code, reason: failure.message, hint: failure.hint });
      return { failure, found: [] };
    }
    const isReload = step.do === 'repair' && target?.strategy === 'directory';
    const mostMs = isReload ? RELOAD_AGAIN_MS : undefined;
    const now = new Date(tools.clock.nowMs());
    const hold = holdAfter(failure, before, now, seen.stored?.notAfter, mostMs);
    await tools.store.saveHold(held, hold);
    const event = step.do === 'order' ? 'certificate.failed' : 'delivery.failed';
    tools.log.error(event, {
      code: failure.code,
      reason: failure.message,
      hint: failure.hint,
      nextTryAt: hold.until,
    });
    return { failure, found: [] };
  }
}

/** The earliest end of a hold; soon, when what failed has none. */
async function nextTry(
  tools: ExecuteTools,
  seen: CertificateObservation | undefined,
  planned: Date | undefined,
): Promise<Date> {
  const nowMs = tools.clock.nowMs();
  const targets = (seen?.targets ?? []).map(({ id }) => ({ deliveryTo: id }));
  const holds = await Promise.all(['order' as const, ...targets].map((held) => tools.store.hold(held))).catch(
    () => [],
  );
  const now = new Date(nowMs);
  const held = holds.flatMap((hold) => (isHeld(hold, now) ? [hold.until] : []));
  const ends = [planned, ...held].flatMap((end) =>
    end !== undefined && end.getTime() > nowMs ? [end.getTime()] : [],
  );
  return new Date(held.length > 0 ? Math.min(...ends) : Math.min(nowMs + SOON_MS, ...ends));
}

function problemOf(error: CertathonError): Problem {
  return { code: error.code, message: describeError(error) };
}

/** The failures of this pass first; a hold that only repeats one of them says nothing new. */
function merged(failures: Problem[], planned: Problem[]): Problem[] {
  return [...failures, ...planned.filter(({ code }) => !failures.some((failure) => failure.code === code))];
}

/** The status of the first problem: failures of this pass come before what holds from earlier ones. */
export function exitStatusOf(problems: readonly Problem[]): number {
  const first = problems[0];
  return first === undefined ? 0 : (ERRORS[first.code as ErrorCode]?.exit ?? 1);
}
