// pure
import { activeHold } from './held.ts';
import type { CertificatePolicy, CertificateStep, Postponed } from './model.ts';
import type { Planned } from './plan-all.ts';
import { restartObstacle } from './plan-target.ts';
import type { Observation, PassStep, Put } from './world.ts';

type Deliver = Extract<CertificateStep, { do: 'deliver' }>;
interface Wish {
  certificate: string;
  at: string;
  step: Deliver;
}

/** All deliveries to one target as one step. Pure. What only waits for its time goes along with what does not wait:
 * a second restart would cost more. What waits for others that come with it waits for the last of them.
 * @returns `pending`: how many stored certificates are delivered by the steps */
export function mergeDeliveries(
  seen: Observation,
  plans: readonly Planned[],
  policy: CertificatePolicy,
): { steps: PassStep[]; postponed: Postponed[]; pending: number } {
  const steps: PassStep[] = [];
  const postponed: Postponed[] = [];
  let pending = 0;
  // Deliveries to an app that is locked wait for it: the others come first.
  const turns = seen.targets.toSorted(
    (a, b) => Math.sign(a.deployments.length) - Math.sign(b.deployments.length),
  );
  for (const target of turns) {
    const [now, waiting, later]: [Wish[], Wish[], Wish[]] = [[], [], []];
    const waits: Postponed[] = [];
    const times: number[] = [];
    for (const { certificate, plan } of plans) {
      const place = target.places.get(certificate.id);
      if (place === undefined) continue;
      const until = plan.steps.find((step) => step.do === 'wait' && step.target === target.id);
      if (until?.do === 'wait') times.push(until.until.getTime());
      const wishes = (list: readonly CertificateStep[]): Wish[] =>
        list.flatMap((step) =>
          step.do === 'deliver' && step.target === target.id
            ? [{ certificate: certificate.id, at: place.at, step }]
            : [],
        );
      (until === undefined ? now : waiting).push(...wishes(plan.steps));
      later.push(...wishes(plan.later ?? []));
      waits.push(...plan.postponed.filter((each) => each.target === target.id));
    }
    const isOrdered = (wish: Wish): boolean => wish.step.fingerprint === 'the new one';
    if (now.length === 0 && waiting.length > 0)
      steps.push({
        do: 'wait',
        target: target.id,
        until: new Date(times.reduce((a, b) => Math.max(a, b))),
        reason: 'coalescing',
      });
    const due = now.length > 0 || waiting.length > 0 ? [...now, ...waiting, ...later] : [];
    if (due.length > 0) steps.push(deliverStep(target, due));
    else if (isClearedAlone(target, seen.now, policy))
      steps.push({
        do: 'deliver',
        target: target.id,
        puts: [],
        clears: target.clears,
        reason: 'no-longer-wanted',
      });
    if (due.length === 0) postponed.push(...latest(waits));
    pending += due.filter((wish) => !isOrdered(wish)).length;
  }
  return { steps, postponed, pending };
}

/** Taking out what nobody needs costs nothing in a directory; in the environment it is a restart, so it goes along
 * with the next delivery unless it does harm. */
function isClearedAlone(
  target: Observation['targets'][number],
  now: Date,
  policy: Pick<CertificatePolicy, 'askedAt' | 'forced'>,
): boolean {
  if (target.clears.length === 0 || activeHold(target.hold, now, policy) !== undefined) return false;
  if (target.strategy === 'directory') return true;
  return target.isClearDue === true && restartObstacle(target) === undefined;
}

function deliverStep({ id, clears }: Observation['targets'][number], wishes: readonly Wish[]): PassStep {
  const puts = wishes.map(({ certificate, at, step }): Put => {
    const { fingerprint, reason, replaces, removes } = step;
    return { certificate, at, fingerprint, reason, replaces, ...(removes === undefined ? {} : { removes }) };
  });
  const [first] = wishes;
  const urgency = wishes.some(({ step }) => step.urgency === 'urgent') ? ('urgent' as const) : undefined;
  const prediction = first?.step.prediction;
  return {
    do: 'deliver',
    target: id,
    puts,
    ...(clears.length === 0 ? {} : { clears }),
    reason: first?.step.reason ?? 'not-delivered',
    ...(urgency === undefined ? {} : { urgency }),
    ...(prediction === undefined ? {} : { prediction }),
  };
}

/** One entry a target: the delivery begins when the first of them may. */
function latest(waits: readonly Postponed[]): Postponed[] {
  const [first] = waits.toSorted((a, b) => a.until.getTime() - b.until.getTime());
  return first === undefined ? [] : [first];
}

/** Looking again and repairing, one step a target. Pure. */
export function mergeServing(plans: readonly Planned[]): PassStep[] {
  const merged = new Map<string, Extract<PassStep, { do: 'repair' | 'verify' }>>();
  for (const { certificate, plan } of plans) {
    for (const step of plan.steps) {
      if (step.do !== 'repair' && step.do !== 'verify') continue;
      const { fingerprint: _one, ...rest } = step;
      const before = merged.get(`${step.do} ${step.target}`);
      if (before === undefined) {
        merged.set(`${step.do} ${step.target}`, { ...rest, certificates: [certificate.id] });
        continue;
      }
      before.certificates.push(certificate.id);
      before.balancers = [...new Set([...before.balancers, ...step.balancers])];
      if (before.do === 'repair' && step.do === 'repair' && step.removes !== undefined)
        before.removes = [...new Set([...(before.removes ?? []), ...step.removes])];
    }
  }
  return [...merged.values()];
}
