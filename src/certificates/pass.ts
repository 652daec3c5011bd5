import { forgetProven } from '../delivery/directory-proof.ts';
import { asCertathonError, CertathonError, describeError } from '../lib/errors.ts';
import { type ExecuteTools, execute } from './execute.ts';
import { askedCas, withinLimits } from './limits/hold-back.ts';
import type { CertificatePolicy, Problem } from './model.ts';
import { nextTry } from './next-try.ts';
import { observe } from './observe.ts';
import { exitStatusOf, merged, type PassResult, problemOf } from './pass-result.ts';
import { planAll, type Wishes } from './plan-all.ts';
import { tryInTurn, tryOrders } from './try-step.ts';
import type { Observation, PassStep, Plan } from './world.ts';

/** What a pass may do. */
export interface PassPolicy extends Omit<CertificatePolicy, 'forced' | 'restore'> {
  /** Renew before it is due: all that are wanted, or those with these names or ids. */
  forced: boolean | readonly string[];
  /** Versions that a person wants back: fingerprints by the ids of their certificates. */
  restores?: ReadonlyMap<string, string> | undefined;
  /** Ids of certificates that a person wants out of the store; one that is wanted stays. */
  forgets?: readonly string[] | undefined;
}

/** prepare, adopt, order, wait and deliver, and what somebody else's changes in between may add; a few for each
 * target and each certificate. */
const MOST_STEPS = 10;

/** Of these many are done before the next look, as far as they follow one another. */
const TOGETHER = new Set<PassStep['do']>(['order', 'adopt', 'assign', 'retire', 'remove']);
/** Once for each target in a pass: what is not shown then, although all is as it should be, is shown by others. */
const LOOKS = new Set<PassStep['do']>(['verify', 'repair']);
/** So many certificates are ordered before the next look. */
const ORDERS_AT_ONCE = 100;

/** One pass: observe → plan → execute the first steps, until none is left. The same for one-shot, schedule,
 * event and dry run. A failed step is recorded with the time of its next try, and the pass goes on with what
 * can be done without it: a renewal that fails keeps no other certificate from being ordered or delivered.
 * Never throws, except the reason of an aborted signal. */
export async function runPass(tools: ExecuteTools, policy: PassPolicy, dryRun: boolean): Promise<PassResult> {
  const startedAt = new Date(tools.clock.nowMs());
  const result: PassResult = {
    startedAt,
    finishedAt: startedAt,
    seen: undefined,
    plan: undefined,
    done: [],
    problems: [],
    notices: [],
    postponed: [],
    checkAgainAt: undefined,
    exitStatus: 0,
  };
  const failures: Problem[] = [];
  const findings: Problem[] = [];
  const failed = new Set<string>();
  const held = new Set<string>();
  const looked = new Set<string>();
  /** Fingerprints: their CAs were asked when to renew them. */
  const lookedUp = new Set<string>();
  let overtaken = false;
  const asked = askedFor(policy);
  const { forced: _forced, restores: _restores, forgets: _forgets, ...rest } = policy;
  const wish = { ...rest, askedAt: policy.forced === false ? rest.askedAt : startedAt };
  try {
    for (let count = 0; ; count += 1) {
      const { seen, plan } = await planned(await observe(tools, wish.askedAt), tools, (world) =>
        planAll(world, wish, { ...asked.wishes(world), asked: lookedUp }),
      );
      result.seen = seen;
      result.plan ??= plan;
      result.problems = plan.problems;
      result.notices = plan.notices;
      result.postponed = plan.postponed;
      result.checkAgainAt = plan.checkAgainAt;
      const steps = nextSteps(plan, seen, failed, looked);
      const [step] = steps;
      const isServed = step === undefined && plan.problems.length + plan.postponed.length === 0;
      if (isServed && !dryRun) await forgetDeliveries(seen, tools);
      if (step === undefined || dryRun) break;
      if (count >= MOST_STEPS + 3 * (seen.targets.length + seen.certificates.length))
        throw new CertathonError(
          'UNEXPECTED',
          `The plan did not come to an end after ${count} steps; the next would be ${step.do}`,
        );
      if (steps.every((each) => each.do === 'order')) {
        const ended = await tryOrders(steps, seen, tools);
        for (const { certificate } of steps) if (!ended.again.has(certificate)) asked.isDone(certificate);
        findings.push(...ended.found);
        result.done.push(...ended.done);
        failures.push(...ended.failures.map(problemOf));
        for (const { message } of ended.failures) held.add(message);
        continue;
      }
      for (const each of steps) if (each.do === 'restore') asked.isPutBack(each.certificate);
      if (step.do === 'ask-renewal') {
        for (const fingerprint of fingerprintsOf(step, seen)) lookedUp.add(fingerprint);
        await execute(step, seen, tools);
        continue;
      }
      // Of several small ones the next look comes after the last, or after the first that fails.
      const last = await tryInTurn(steps, seen, !overtaken, tools);
      result.done.push(...last.done);
      for (const each of last.done) if (LOOKS.has(each.do) && 'target' in each) looked.add(each.target);
      findings.push(...last.found);
      const { failure, failedAt } = last;
      if (failure === undefined || failedAt === undefined) continue;
      // Planned anew once: whoever changes it again and again is a person or a program with another mind.
      const isFirst = failure.code === 'DELIVERY_OVERTAKEN' && !overtaken;
      if (isFirst) {
        overtaken = true;
        continue;
      }
      failures.push(problemOf(failure));
      // A target that failed is left alone for now.
      if ('target' in failedAt) failed.add(failedAt.target);
      if (seen.targets.every(({ id }) => failed.has(id))) break;
    }
    result.budgets = await tools.limits?.used(casOf(result.seen));
    if (!dryRun) await keepMemory(tools);
  } catch (error) {
    if (tools.signal.aborted) throw tools.signal.reason;
    failures.push(problemOf(asCertathonError(error)));
  }
  if (failures.length > 0) result.checkAgainAt = await nextTry(tools, result.seen, result.checkAgainAt);
  result.problems = merged([...failures, ...findings], result.problems, held);
  result.finishedAt = new Date(tools.clock.nowMs());
  result.exitStatus = exitStatusOf(result.problems);
  return result;
}

/** What is planned stays within the limits of the CAs that it would ask, which are only read then. */
async function planned(
  seen: Observation,
  { limits }: ExecuteTools,
  planOf: (seen: Observation) => Plan,
): Promise<{ seen: Observation; plan: Plan }> {
  const plan = planOf(seen);
  const cas = askedCas(plan, seen);
  if (limits === undefined || cas.size === 0) return { seen, plan };
  return withinLimits(seen, plan, await limits.look(cas), planOf);
}

function casOf(seen: Observation | undefined): Set<string> {
  return new Set(seen?.certificates.map(({ directoryUrl }) => directoryUrl));
}

function fingerprintsOf(
  { certificates }: Extract<PassStep, { do: 'ask-renewal' }>,
  seen: Observation,
): string[] {
  const ids = new Set(certificates);
  return seen.certificates.flatMap(({ id, stored }) =>
    ids.has(id) && stored !== undefined ? [stored.fingerprint] : [],
  );
}

/** What a person asked for, each thing once in a pass. */
function askedFor({ forced, restores, forgets = [] }: PassPolicy) {
  const done = new Set<string>();
  const putBack = new Set<string>();
  return {
    isDone: (id: string): void => void done.add(id),
    isPutBack: (id: string): void => void putBack.add(id),
    wishes: (seen: Observation): Wishes => ({
      isForced: forcedIn(seen),
      restoreOf: (id) => (putBack.has(id) ? undefined : restores?.get(id)),
      isForgotten: (id) => forgets.includes(id),
    }),
  };

  function forcedIn(seen: Observation): (id: string) => boolean {
    if (forced === false) return () => false;
    if (forced === true) return (id) => !done.has(id);
    const ids = new Set(
      seen.certificates.flatMap(({ id, names }) =>
        forced.includes(id) || names.some((name) => forced.includes(name)) ? [id] : [],
      ),
    );
    return (id) => ids.has(id) && !done.has(id);
  }
}

/** The first step that is not for a target that has failed in this pass, with those of its kind that follow it where
 * many may come. Nothing is ordered that could go nowhere. */
function nextSteps(
  { steps }: Plan,
  { targets }: Observation,
  failed: ReadonlySet<string>,
  looked: ReadonlySet<string>,
): PassStep[] {
  const isOpen = targets.length === 0 || targets.some(({ id }) => !failed.has(id));
  const open = steps.filter((step) =>
    'target' in step
      ? !failed.has(step.target) && !(LOOKS.has(step.do) && looked.has(step.target))
      : step.do !== 'order' || isOpen,
  );
  const [first] = open;
  if (first === undefined || !TOGETHER.has(first.do)) return open.slice(0, 1);
  const taken = new Set<string>();
  const end = open.findIndex((step, at) => {
    // A certificate that was taken over for one is no longer free for another.
    const isTwice = step.do === 'adopt' && taken.has(step.fingerprint);
    if (step.do === 'adopt') taken.add(step.fingerprint);
    return step.do !== first.do || isTwice || (first.do === 'order' && at === ORDERS_AT_ONCE);
  });
  return end === -1 ? open : open.slice(0, end);
}

/** Everything is served: the record of a delivery that was killed before it saw this has no use any more, and a
 * failure of before must not hold back the next delivery. */
async function forgetDeliveries(
  { targets }: Observation,
  { stores: { targets: store }, shared }: ExecuteTools,
): Promise<void> {
  for (const { id, strategy, hold } of targets) {
    if (hold !== undefined) await store.removeHold(id);
    if (strategy === 'directory') await forgetProven(id, shared);
    const memory = store.deliveryMemory(id);
    if ((await memory.delivery()) !== undefined) await memory.removeDelivery();
  }
}

/** What was found out at some cost is there at the next start. It may be lost, so failing at it is no failure. */
async function keepMemory({ stores, files, log }: ExecuteTools): Promise<void> {
  for (const save of [stores.saveIndex, files.save]) {
    await save().catch((error: unknown) =>
      log.warn('store.written', { problem: describeError(asCertathonError(error)) }),
    );
  }
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
