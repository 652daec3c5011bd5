// pure
import type {
  CertificateObservation,
  CertificatePlan,
  CertificatePolicy,
  CertificateStep,
  Problem,
} from './model.ts';
import { planCertificate } from './plan.ts';
import { explanations, lookSteps } from './plan-looks.ts';
import { mergeDeliveries, mergeServing } from './plan-merge.ts';
import { revocationSteps } from './plan-revoke.ts';
import { isOver, lifeSteps, retiredOf } from './retire.ts';
import { heldNamesProblems } from './set-aside.ts';
import { settledUntil } from './settled.ts';
import { type Covering, coveringOf, viewOf } from './view.ts';
import type { Observation, ObservedCertificate, PassStep, Plan } from './world.ts';

/** So many undelivered certificates go out before more are ordered, where a delivery costs nobody anything. */
export const MOST_UNDELIVERED = 100;
/** Problems shown one by one. */
const MOST_PROBLEMS = 200;

/** What to do next for all certificates, in order, with reasons. Pure. Each is planned as if it were alone in its
 * place (plan.ts); what concerns one target is then one step, so that everything that changed goes out in one
 * deployment or one reload. Of several orders the one whose certificate ends first is the first.
 */
export function planAll(
  seen: Observation,
  policy: Omit<CertificatePolicy, 'forced' | 'restore'>,
  { isForced = never, restoreOf = () => undefined, isForgotten = never, asked }: Wishes = {},
): Plan {
  let known: Covering | undefined;
  const covering: Covering = (name) => {
    known ??= coveringOf(seen);
    return known(name);
  };
  const plans: Planned[] = [];
  let checkAgainMs = Number.POSITIVE_INFINITY;
  for (const certificate of seen.certificates) {
    if (!isPlanned(certificate, seen)) continue;
    const { id, held } = certificate;
    for (const { hold } of held ?? []) checkAgainMs = Math.min(checkAgainMs, hold.until.getTime());
    const forced = isForced(id) && certificate.life === 'wanted';
    const wish = { ...policy, forced, restore: restoreOf(id) };
    const untilMs = settledUntil(certificate, seen, wish);
    if (untilMs !== undefined) {
      checkAgainMs = Math.min(checkAgainMs, untilMs);
      continue;
    }
    const plan = planOne(certificate, viewOf(certificate, seen, covering), wish);
    checkAgainMs = Math.min(checkAgainMs, plan.checkAgainAt?.getTime() ?? checkAgainMs);
    plans.push({ certificate, plan });
  }
  const first: PassStep[] = [];
  const orders: { step: PassStep; endsAt: number }[] = [];
  for (const { certificate, plan } of plans) {
    for (const step of plan.steps) {
      if (step.do === 'adopt' || step.do === 'restore') first.push({ ...step, certificate: certificate.id });
      if (step.do === 'order')
        orders.push({
          step: { ...step, certificate: certificate.id },
          endsAt: certificate.stored?.notAfter.getTime() ?? 0,
        });
    }
  }
  const ordered = orders.toSorted((a, b) => a.endsAt - b.endsAt).map(({ step }) => step);
  const {
    steps: deliveries,
    postponed,
    pending,
  } = mergeDeliveries(seen, plans, { ...policy, forced: false });
  const isFull =
    pending >= MOST_UNDELIVERED && seen.targets.every(({ strategy }) => strategy === 'directory');
  const life = lifeSteps(seen, policy, isForgotten);
  const revocations = revocationSteps(seen, policy);
  for (const { checkAgainAt } of [life, revocations])
    checkAgainMs = Math.min(checkAgainMs, checkAgainAt?.getTime() ?? checkAgainMs);
  const looks = lookSteps(seen, policy, asked);
  checkAgainMs = Math.min(checkAgainMs, looks.checkAgainMs);
  return {
    steps: [
      ...revocations.steps,
      ...preparations(seen),
      ...life.before,
      ...first,
      ...looks.before,
      ...(isFull ? deliveries.flatMap((step) => parted(step).now) : []),
      ...ordered,
      ...(isFull ? deliveries.flatMap((step) => parted(step).later) : deliveries),
      ...mergeServing(plans),
      ...life.after,
      ...looks.after,
    ],
    problems: problemsOf(seen, plans, revocations.problems),
    notices: [...seen.notices, ...choicesNotFollowed(seen), ...explanations(seen, policy)],
    postponed,
    retired: retiredOf(seen, policy),
    checkAgainAt: checkAgainMs === Number.POSITIVE_INFINITY ? undefined : new Date(checkAgainMs),
  };
}

/** What is in the store can go out before the orders, what they bring can not. */
function parted(step: PassStep): { now: PassStep[]; later: PassStep[] } {
  if (step.do !== 'deliver') return { now: [step], later: [] };
  const { clears, ...rest } = step;
  const puts = step.puts.filter(({ fingerprint }) => fingerprint !== 'the new one');
  const ordered = step.puts.filter(({ fingerprint }) => fingerprint === 'the new one');
  if (ordered.length === 0) return { now: [step], later: [] };
  return {
    now: puts.length === 0 ? [] : [{ ...step, puts, reason: puts[0]?.reason ?? step.reason }],
    later: [puts.length === 0 ? step : { ...rest, puts: ordered, reason: ordered[0]?.reason ?? step.reason }],
  };
}

/** What a person asks for, by certificate. */
export interface Wishes {
  /** Renewed before it is due. */
  isForced?: ((id: string) => boolean) | undefined;
  /** The fingerprint of the version that is to be taken into use again. */
  restoreOf?: ((id: string) => string | undefined) | undefined;
  /** Taken out of the store, where nobody wants it. */
  isForgotten?: ((id: string) => boolean) | undefined;
  /** Fingerprints of which their CA was asked in this pass, as nobody wants it twice. */
  asked?: ReadonlySet<string> | undefined;
}

function never(): boolean {
  return false;
}

export interface Planned {
  certificate: ObservedCertificate;
  plan: CertificatePlan;
}

/** One that ended is delivered for as long as it lasts, but never ordered again. */
function planOne(
  { life }: ObservedCertificate,
  view: CertificateObservation,
  policy: CertificatePolicy,
): CertificatePlan {
  const plan = planCertificate(
    view,
    life === 'wanted' || life === 'grace' ? policy : { ...policy, renewAt: 0 },
  );
  if (life === 'wanted' || life === 'grace') return plan;
  // It may have to make room for another one in its place.
  const isKept = (step: CertificateStep) =>
    step.do === 'deliver' ? step.fingerprint !== 'the new one' : step.do !== 'order' && step.do !== 'adopt';
  return { ...plan, steps: plan.steps.filter(isKept), problems: [] };
}

/** Not one that nobody needs, nor one for which there is no room anywhere: what can not be delivered would only burn
 * the CA's budget. */
function isPlanned(certificate: ObservedCertificate, { targets, now }: Observation): boolean {
  const { id, life, names } = certificate;
  if (names.length === 0 || life === 'replaced') return false;
  if (life === 'ended' && isOver(certificate, now)) return false;
  const isPlaced = targets.some(({ places }) => places.has(id));
  // Nobody asks for its names, so nowhere is a place for it, once it has none.
  if (life !== 'wanted') return isPlaced;
  const isRefused = targets.some(({ refused }) => refused.has(id));
  return isPlaced || !isRefused;
}

/** The names of such a port have their certificate all the same. */
function choicesNotFollowed({ wanted }: Observation): Problem[] {
  return wanted.refused.flatMap(({ name, source, reason, option }) =>
    option === true
      ? [{ code: 'NAMES_INVALID', message: `The choice "${name}" (${source}) is not followed: ${reason}` }]
      : [],
  );
}

function preparations({ targets }: Observation): PassStep[] {
  return targets.flatMap(({ id, missing }) =>
    missing.length === 0 ? [] : [{ do: 'prepare', target: id, missing, reason: 'not-prepared' } as const],
  );
}

function problemsOf(
  seen: Observation,
  plans: readonly Planned[],
  ofRevocations: readonly Problem[],
): Problem[] {
  const all = [
    ...ofRevocations,
    ...seen.wanted.refused.flatMap(({ name, source, reason, option }) =>
      option === true
        ? []
        : [
            {
              code: 'NAMES_INVALID',
              message: `The name "${name}" (${source}) gets no certificate: ${reason}`,
            },
          ],
    ),
    ...seen.unseen,
    ...seen.targets.flatMap(({ refused }) => [...refused.values()]),
    ...plans.flatMap(({ plan }) => plan.problems),
    ...seen.certificates.flatMap(({ held }) => heldNamesProblems(held)),
  ].map(({ code, message }) => ({ code, message }));
  if (all.length === 0 && !seen.certificates.some(({ life }) => life === 'wanted'))
    all.push({ code: 'NAMES_MISSING', message: 'No name wants a certificate' });
  const told = [...new Map(all.map((each) => [`${each.code} ${each.message}`, each])).values()];
  if (told.length <= MOST_PROBLEMS) return told;
  const rest = told.length - MOST_PROBLEMS;
  return [
    ...told.slice(0, MOST_PROBLEMS),
    { code: told[MOST_PROBLEMS]?.code ?? '', message: `${rest} further problems are not shown` },
  ];
}
