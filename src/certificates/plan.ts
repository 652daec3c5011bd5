// pure
import { adoptionStep, currentVerdict, obstacleInPlace } from './found.ts';
import { activeHold, heldProblem } from './held.ts';
import type {
  CertificateObservation,
  CertificatePlan,
  CertificatePolicy,
  CertificateStep,
  OrderReason,
  Problem,
  Target,
} from './model.ts';
import { askedVersion, restoreStep } from './plan-restore.ts';
import { restartObstacle, stepToDeliverNew, type TargetPlan, targetSteps } from './plan-target.ts';

/** What to do next for the certificate, in order, with reasons. Pure: any pass may be repeated and may follow
 * a crash at any line, since everything is decided anew from what is seen.
 *
 * A ladder of questions, most urgent first: is any name wanted? can the targets be delivered to at all? is a
 * valid certificate already in one? is a new one due, and does no earlier one do? is ours in each? does every balancer serve it? One target
 * that can not be delivered to does not hold up the others. */
export function planCertificate(seen: CertificateObservation, policy: CertificatePolicy): CertificatePlan {
  const problems = [...refusedNames(seen), ...seen.unseen.map(({ code, message }) => ({ code, message }))];
  const prepare = preparations(seen.targets);
  const done = (parts: Partial<CertificatePlan> = {}): CertificatePlan => ({
    postponed: [],
    checkAgainAt: undefined,
    ...parts,
    steps: [...prepare, ...(parts.steps ?? [])],
    problems: [...problems, ...(parts.problems ?? [])],
  });
  const { names } = seen.wanted;
  if (names.length === 0)
    return done(
      problems.length > 0 ? {} : { problems: [problem('NAMES_MISSING', 'No name wants a certificate')] },
    );

  // A delivery to an app that is locked waits for it: the others come first.
  const turns = seen.targets.toSorted((a, b) => Number(isLocked(a)) - Number(isLocked(b)));
  const open = turns.filter((target) => {
    const obstacle = obstacleInPlace(target, seen, policy);
    if (obstacle !== undefined) problems.push(obstacle);
    return obstacle === undefined;
  });
  if (open.length === 0) {
    if (problems.length === 0)
      problems.push(problem('BALANCERS_UNKNOWN', `No balancer serves ${names.join(', ')}: see their groups`));
    return done();
  }
  if (!policy.forced) {
    const adopt = open.flatMap((target) => adoptionStep(target, seen, policy) ?? [])[0];
    if (adopt !== undefined) return done({ steps: [adopt] });
  }

  const asked = askedVersion(seen, policy);
  if (asked !== undefined) return done({ steps: [asked] });
  const verdict = currentVerdict(seen, policy);
  if (!verdict.due) {
    if (verdict.clockWrong) problems.push(clockProblem(seen));
    return done(servePlan(open, seen, policy, verdict.dueAt));
  }
  const restore = verdict.reason === 'names-missing' ? restoreStep(seen, policy) : undefined;
  if (restore !== undefined) return done({ steps: [restore] });
  const held = activeHold(seen.orderHold, seen.now, policy);
  if (held !== undefined) {
    // What waits for a limit is told together (limits/hold-back.ts).
    if (held.code !== 'ACME_BUDGET_SPENT') problems.push(heldProblem('order', held));
    return done(isUsable(seen) ? servePlan(open, seen, policy, held.until) : { checkAgainAt: held.until });
  }
  const stuck = open.flatMap((target) => restartObstacle(target) ?? []);
  if (stuck.length === open.length) {
    problems.push(...stuck);
    return done(isUsable(seen) ? servePlan(open, seen, policy, undefined) : {});
  }
  return done(obtainPlan(open, seen, policy, verdict.reason));
}

function isLocked({ deployments }: Target): boolean {
  return deployments.length > 0;
}

function preparations(targets: readonly Target[]): CertificateStep[] {
  return targets.flatMap(({ id, missing }) =>
    missing.length === 0 ? [] : [{ do: 'prepare', target: id, missing, reason: 'not-prepared' } as const],
  );
}

/** Order, then bring it to every target: what is planned for each then is planned anew when it is there. */
function obtainPlan(
  open: readonly Target[],
  seen: CertificateObservation,
  policy: CertificatePolicy,
  reason: OrderReason,
): TargetPlan {
  const { names } = seen.wanted;
  const resumes = seen.order !== undefined && sameNames(seen.order.names, names) ? seen.order.url : undefined;
  const plans = open.map((target) => stepToDeliverNew(target, seen, policy));
  const merged = mergePlans(plans, undefined);
  // One that was begun is finished where it was begun.
  const stagingFirst =
    resumes === undefined && isStagingFirst(seen, reason) ? { stagingFirst: true as const } : {};
  const { insteadOf, directoryUrl: ca } = seen;
  const elsewhere = insteadOf === undefined ? {} : { ca, passedOver: insteadOf.reason };
  const order = { do: 'order' as const, names, reason, resumes, ...stagingFirst, ...elsewhere };
  return { ...merged, steps: [order, ...merged.steps] };
}

/** After a failure the test CA is asked first, where failures cost nothing; never when what is served is revoked. */
function isStagingFirst({ hasFailed }: CertificateObservation, reason: OrderReason): boolean {
  return hasFailed === true && reason !== 'revoked' && reason !== 'expired';
}

/** Steps that bring the stored certificate to every target and onto every balancer. */
function servePlan(
  open: readonly Target[],
  seen: CertificateObservation,
  policy: CertificatePolicy,
  dueAt: Date | undefined,
): TargetPlan {
  const { stored } = seen;
  if (stored === undefined) return mergePlans([], dueAt);
  return mergePlans(
    open.map((target) => targetSteps(target, stored, seen.now, policy)),
    dueAt,
  );
}

function mergePlans(plans: readonly TargetPlan[], dueAt: Date | undefined): TargetPlan {
  const moments = [dueAt, ...plans.map(({ checkAgainAt }) => checkAgainAt)].flatMap(
    (at) => at?.getTime() ?? [],
  );
  return {
    steps: plans.flatMap(({ steps }) => steps),
    later: plans.flatMap(({ later }) => later ?? []),
    problems: plans.flatMap(({ problems }) => problems),
    postponed: plans.flatMap(({ postponed }) => postponed),
    checkAgainAt: moments.length === 0 ? undefined : new Date(Math.min(...moments)),
  };
}

function isUsable(seen: CertificateObservation): boolean {
  return seen.stored !== undefined && seen.stored.notAfter > seen.now;
}

function refusedNames(seen: CertificateObservation): Problem[] {
  return seen.wanted.refused.map(({ name, source, reason, option }) =>
    problem(
      'NAMES_INVALID',
      option === true
        ? `The choice "${name}" (${source}) is not followed: ${reason}`
        : `The name "${name}" (${source}) gets no certificate: ${reason}`,
    ),
  );
}

function clockProblem({ now, stored }: CertificateObservation): Problem {
  const begins = stored?.notBefore.toISOString();
  return problem(
    'CLOCK_WRONG',
    `It is ${now.toISOString()} here, but the installed certificate begins at ${begins}`,
  );
}

function problem(code: string, message: string): Problem {
  return { code, message };
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return [...left].sort().join() === [...right].sort().join();
}
