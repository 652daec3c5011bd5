// pure
import { basename } from 'node:path';
import { deliveryTiming, type TimingVerdict } from '../delivery/timing.ts';
import { contentMark } from '../delivery/variable.ts';
import { foreignProblem } from './found.ts';
import { activeHold, heldProblem } from './held.ts';
import type {
  CertificateObservation,
  CertificatePlan,
  CertificatePolicy,
  CertificateStep,
  DeliverReason,
  ObservedBalancer,
  PlaceState,
  Problem,
  StoredCertificate,
  Target,
} from './model.ts';
import { coversAll } from './renewal.ts';

/** What one target adds to a plan. */
export type TargetPlan = CertificatePlan;

const NOTHING: TargetPlan = { steps: [], problems: [], postponed: [], checkAgainAt: undefined };

/** Steps that bring the stored certificate to one target and onto every balancer of it. Pure. */
export function targetSteps(
  target: Target,
  stored: StoredCertificate,
  now: Date,
  policy: CertificatePolicy,
): TargetPlan {
  const { state } = target;
  if (state.kind !== 'certificate' || state.facts.fingerprint !== stored.fingerprint)
    return stepsToDeliver(target, stored, now, policy);
  return stepsToServe(target, stored, now, policy);
}

/** The delivery that follows an order, as far as it can be told before. Pure. */
export function stepToDeliverNew(
  target: Target,
  seen: CertificateObservation,
  policy: CertificatePolicy,
): TargetPlan {
  const obstacle = restartObstacle(target);
  if (obstacle !== undefined) return failing(obstacle);
  const covers = { names: seen.wanted.names, storedAt: undefined };
  const timing = timingOf(target, covers, seen.now, policy);
  return timed(target, timing, [deliverStep(target, 'the new one', 'issued', timing, policy)]);
}

/** A restart of the balancers that would never come to an end is not begun: it leaves the app locked. Pure. */
export function restartObstacle({ id, restart }: Pick<Target, 'id' | 'restart'>): Problem | undefined {
  if (restart?.kind !== 'never' && restart?.kind !== 'needs-agent') return undefined;
  return { code: 'DELIVERY_WOULD_HANG', message: `${id} is not restarted: ${restart.sentence}` };
}

function stepsToDeliver(
  target: Target,
  stored: StoredCertificate,
  now: Date,
  policy: CertificatePolicy,
): TargetPlan {
  // While the order of a new one is held, the stored one may cover less than what is wanted.
  const obstacle = foreignProblem(target, policy, stored.names) ?? restartObstacle(target);
  if (obstacle !== undefined) return failing(obstacle);
  const held = activeHold(target.hold, now, policy);
  if (held !== undefined) return { ...failing(heldProblem('delivery', held)), checkAgainAt: held.until };
  const timing = timingOf(target, stored, now, policy);
  const reason = deliverReason(target.state, now);
  return timed(target, timing, [deliverStep(target, stored.fingerprint, reason, timing, policy)]);
}

/** Ours is in place. Who shows something else all the same is looked at again, reloaded or replaced: balancers
 * that have just started need a moment, others were changed by hand or run with an old file. */
function stepsToServe(
  target: Target,
  stored: StoredCertificate,
  now: Date,
  policy: CertificatePolicy,
): TargetPlan {
  const problems = target.unknownBalancers.map((message) => ({ code: 'BALANCERS_UNKNOWN', message }));
  if (target.balancers.length === 0) {
    const message =
      target.strategy === 'environment'
        ? `No balancer runs: ${target.id} has no task`
        : `No balancer was found that loads ${target.id}`;
    return { ...NOTHING, problems: [...problems, { code: 'DELIVERY_NOT_SERVED', message }] };
  }
  const { fingerprint } = stored;
  const behind = target.balancers.filter((balancer) => !serves(balancer, fingerprint));
  if (behind.length === 0) return { ...NOTHING, problems };
  const held = activeHold(target.hold, now, policy);
  const step = { target: target.id, fingerprint, balancers: behind.map(({ id }) => id) };
  const verify: CertificateStep = { do: 'verify', ...step, reason: 'not-served' };
  const repair: CertificateStep = { do: 'repair', ...step, reason: 'serves-another' };
  const shadow = policy.replaceForeign ? undefined : shadowProblem(target, behind, stored.names);
  if (shadow !== undefined) return { ...NOTHING, problems: [...problems, shadow] };
  if (target.strategy === 'directory') {
    const rivals = policy.replaceForeign ? target.rivals.map(({ place }) => basename(place)) : [];
    const removes = [...target.superfluous, ...rivals];
    if (held === undefined)
      return { ...NOTHING, problems, steps: [removes.length === 0 ? repair : { ...repair, removes }] };
    problems.push(heldProblem('delivery', held));
    return { ...NOTHING, problems, checkAgainAt: held.until };
  }
  const isProven = behind.length < target.balancers.length;
  const isWrong = behind.every(({ served, others }) => 'fingerprint' in served || others.length > 0);
  if (held !== undefined) {
    problems.push(heldProblem('delivery', held));
    return { ...NOTHING, problems, checkAgainAt: held.until };
  }
  if (!isProven || !isWrong || target.deployments.length > 0)
    return { ...NOTHING, problems, steps: [verify] };
  // Nothing of it is new, so only windows hold it back, until what is shown instead comes to its end.
  const timing = timingOf(target, { names: [], storedAt: undefined }, now, {
    ...policy,
    pace: { ...policy.pace, intervalMs: 0 },
  });
  if (timing.wait) problems.push(waitingProblem(step.balancers, target, timing.until));
  return { ...timed(target, timing, [repair]), problems };
}

/** Balancers show what is somebody else's and carries more than our names: no reload or restart changes that, and it
 * is not ours to take out. */
function shadowProblem(
  target: Target,
  behind: readonly ObservedBalancer[],
  ours: readonly string[],
): Problem | undefined {
  const shown = behind.flatMap(({ served, others }) =>
    [served, ...others.map((other) => other.served)].flatMap((each) =>
      'fingerprint' in each ? each.fingerprint : [],
    ),
  );
  const rivals = target.rivals.filter(({ facts }) => shown.includes(facts.fingerprint));
  return foreignProblem({ ...target, rivals }, { replaceForeign: false }, ours);
}

/** A repair that waits is no renewal that waits: somebody is shown another certificate meanwhile. */
function waitingProblem(balancers: readonly string[], { id }: Target, until: Date): Problem {
  const message = `${balancers.join(', ')} of ${id} shows another certificate; its task is replaced at ${until.toISOString()}, when balancers may be restarted`;
  return { code: 'DELIVERY_NOT_SERVED', message };
}

export function serves({ served, others }: ObservedBalancer, fingerprint: string): boolean {
  return 'fingerprint' in served && served.fingerprint === fingerprint && others.length === 0;
}

/** The steps, or when their time comes. */
function timed(target: Target, timing: TimingVerdict, steps: CertificateStep[]): TargetPlan {
  if (!timing.wait) return { ...NOTHING, steps };
  const { until, reason } = timing;
  if (reason === 'coalescing')
    return { ...NOTHING, steps: [{ do: 'wait', target: target.id, until, reason }, ...steps] };
  return { ...NOTHING, later: steps, postponed: [{ target: target.id, until, reason }], checkAgainAt: until };
}

function timingOf(
  target: Target,
  next: { names: readonly string[]; storedAt?: Date | undefined },
  now: Date,
  policy: CertificatePolicy,
): TimingVerdict {
  const { state } = target;
  const current = state.kind === 'certificate' && !state.placeholder ? state.facts : undefined;
  // An adopted certificate may cover names that nobody wants.
  const wanted = next.names.filter((name) => target.names.includes(name));
  return deliveryTiming(
    {
      isDisruptive: target.strategy === 'environment',
      isFirst: current === undefined || target.isRevoked === true || !coversAll(current.names, wanted),
      isAsked: policy.forced || policy.askedAt !== undefined,
      issuedAt: next.storedAt,
      lastDeliveryAt: target.deliveredAt,
      current,
      now,
    },
    policy.pace,
  );
}

function deliverStep(
  { id, place, state, superfluous, rivals, restart }: Target,
  fingerprint: string,
  reason: DeliverReason,
  timing: TimingVerdict,
  { replaceForeign }: CertificatePolicy,
): CertificateStep {
  const urgency = !timing.wait && timing.reason === 'urgent' ? ('urgent' as const) : undefined;
  const prediction = restart?.sentence;
  const removes = [...superfluous, ...(replaceForeign ? rivals.map((rival) => basename(rival.place)) : [])];
  return {
    do: 'deliver',
    target: id,
    place,
    fingerprint,
    reason,
    ...(urgency === undefined ? {} : { urgency }),
    ...(prediction === undefined ? {} : { prediction }),
    ...(removes.length === 0 ? {} : { removes }),
    replaces: contentMark(state),
  };
}

function deliverReason(state: PlaceState, now: Date): DeliverReason {
  if (state.kind === 'empty') return 'empty';
  if (state.kind === 'certificate' && state.placeholder) return 'placeholder';
  if (state.kind === 'certificate' && state.facts.notAfter <= now) return 'expired';
  return 'not-delivered';
}

function failing(problem: Problem): TargetPlan {
  return { ...NOTHING, problems: [problem] };
}
