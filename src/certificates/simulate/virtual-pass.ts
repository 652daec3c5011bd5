// pure
import { asCertathonError, CertathonError } from '../../lib/errors.ts';
import { holdAfter } from '../backoff.ts';
import { issued, notOrdered, notValidated, ordered, refused } from '../limits/changes.ts';
import { refusalOf } from '../limits/failures.ts';
import { withinLimits } from '../limits/hold-back.ts';
import { useOf } from '../limits/order-use.ts';
import { publishedBy } from '../limits/published.ts';
import { NOTHING_USED } from '../limits/state.ts';
import type { CaBudget } from '../limits/verdict.ts';
import { afterFailure } from '../look-again.ts';
import type { PassPolicy } from '../pass.ts';
import { planAll } from '../plan-all.ts';
import { infoOf } from '../renewal-info.ts';
import type { ObservedCertificate, PassStep, Plan } from '../world.ts';
import { domainOf, type Fleet, observed, placeOf } from './fleet.ts';
import type { Random } from './random.ts';
import type { VirtualCa } from './virtual-ca.ts';

/** What happened in a simulation. */
export interface Counts {
  /** First certificates. */
  issued: number;
  renewals: number;
  /** Renewals that were ordered outside the window that the CA had named. */
  outsideWindow: number;
  failedOrders: number;
  /** Reloads, and the certificates that they brought. */
  deliveries: number;
  delivered: number;
  failedDeliveries: number;
  /** Questions about the time of a renewal. */
  looks: number;
  failedLooks: number;
  /** Orders that waited for a limit of the CA. */
  waited: number;
  /** The least that was left of a served certificate, as a share of its lifetime; below 0 it had lapsed. */
  leastLeft: number;
  leastLeftOf: string | undefined;
}

export function noCounts(): Counts {
  return {
    ...{ issued: 0, renewals: 0, outsideWindow: 0, failedOrders: 0 },
    ...{ deliveries: 0, delivered: 0, failedDeliveries: 0, looks: 0, failedLooks: 0, waited: 0 },
    leastLeft: 1,
    leastLeftOf: undefined,
  };
}

export interface VirtualWorld {
  fleet: Fleet;
  ca: VirtualCa;
  counts: Counts;
  policy: Omit<PassPolicy, 'forced'>;
  failing: number;
  random: Random;
  directoryUrl: string;
  lifetimeMs: number;
}

/** More steps than any pass takes: each certificate once, and some for the whole. */
const MOST_STEPS = 50;

export interface VirtualPasses {
  /** One pass at a moment. @returns when the next one makes sense */
  at(nowMs: number): number | undefined;
  /** Looks at what is left at the end. @returns how many certificates are not served */
  end(nowMs: number): number;
}

/** One pass after the other over the fleet: observe, plan, and do as if. Pure, but for the state of what it is given. */
export function virtualPass(world: VirtualWorld): VirtualPasses {
  const { fleet, counts, policy, directoryUrl } = world;
  const names = new Set(fleet.certificates.flatMap((each) => each.names));
  const at = new Map(fleet.certificates.map(({ id }, index) => [id, index]));
  const budget: CaBudget = { published: publishedBy(directoryUrl), state: NOTHING_USED, domainOf };

  return { at: passAt, end };

  function end(nowMs: number): number {
    let unserved = 0;
    for (const { id } of fleet.certificates) {
      tellLeft(id, nowMs);
      if (fleet.places.get(id)?.state.kind !== 'certificate') unserved += 1;
    }
    return unserved;
  }

  function passAt(startMs: number): number | undefined {
    const asked = new Set<string>();
    let hasFailed = false;
    for (let [nowMs, count] = [startMs, 0]; count < MOST_STEPS; count += 1) {
      const wishes = { asked };
      const observedNow = observed(fleet, names, nowMs);
      const planOf = (seen: typeof observedNow): Plan => planAll(seen, policy, wishes);
      const first = planOf(observedNow);
      const budgets = new Map([[directoryUrl, budget]]);
      const { plan } = withinLimits(observedNow, first, budgets, planOf);
      counts.waited += ordersIn(first) - ordersIn(plan);
      const steps = plan.steps.filter((step) => !hasFailed || !('target' in step));
      const [step] = steps;
      if (step === undefined) return plan.checkAgainAt?.getTime();
      if (step.do === 'order') for (const each of steps) if (each.do === 'order') order(each, nowMs);
      if (step.do === 'order') continue;
      if (step.do === 'ask-renewal') look(step, asked, nowMs);
      else if (step.do === 'wait') nowMs = step.until.getTime();
      else if (step.do === 'deliver') hasFailed = !deliver(step, nowMs);
      else throw new CertathonError('UNEXPECTED', `A simulation knows no step "${step.do}"`);
    }
    throw new CertathonError('UNEXPECTED', 'A virtual pass did not come to an end');
  }

  function change(id: string, part: Partial<ObservedCertificate>): void {
    const index = at.get(id) ?? -1;
    const before = fleet.certificates[index];
    if (before !== undefined) fleet.certificates[index] = { ...before, ...part };
  }

  function of(id: string): ObservedCertificate | undefined {
    return fleet.certificates[at.get(id) ?? -1];
  }

  function order(step: Extract<PassStep, { do: 'order' }>, nowMs: number): void {
    const certificate = of(step.certificate);
    if (certificate === undefined) return;
    const { id, stored, orderHold } = certificate;
    const now = new Date(nowMs);
    const use = useOf(certificate, step.names, false, budget.published, now);
    budget.state = ordered(use, budget, nowMs);
    try {
      const facts = world.ca.order(step.names, stored, nowMs);
      budget.state = issued(use, budget, nowMs);
      if (stored === undefined) counts.issued += 1;
      else renewed(certificate, nowMs);
      const issuedBy = { directoryUrl, accountUrl: ACCOUNT };
      const fresh = { ...facts, origin: 'issued' as const, storedAt: now, issuedBy };
      change(id, { stored: fresh, orderHold: undefined });
    } catch (error) {
      const failure = asCertathonError(error);
      if (failure.code === 'UNEXPECTED') throw failure;
      counts.failedOrders += 1;
      if (failure.code === 'ACME_CHALLENGE_FAILED') budget.state = notValidated(step.names, budget, nowMs);
      else budget.state = notOrdered(use, budget, nowMs);
      const refusal = refusalOf(failure);
      if (refusal !== undefined) budget.state = refused(refusal.words, refusal.until, use, budget, nowMs);
      change(id, { orderHold: holdAfter(failure, orderHold, now, stored?.notAfter) });
    }
  }

  function renewed(certificate: ObservedCertificate, nowMs: number): void {
    counts.renewals += 1;
    const { stored } = certificate;
    if (stored === undefined || infoOf(certificate)?.window === undefined) return;
    const { startMs, endMs } = world.ca.windowOf(stored);
    if (nowMs < startMs || nowMs >= endMs) counts.outsideWindow += 1;
  }

  function look(
    { certificates }: Extract<PassStep, { do: 'ask-renewal' }>,
    asked: Set<string>,
    nowMs: number,
  ): void {
    for (const id of certificates) {
      const certificate = of(id);
      const stored = certificate?.stored;
      if (certificate === undefined || stored === undefined) continue;
      asked.add(stored.fingerprint);
      const since = infoOf(certificate)?.since ?? new Date(nowMs);
      const subject = { fingerprint: stored.fingerprint, directoryUrl, since };
      try {
        const told = world.ca.renewalInfo(stored, nowMs);
        counts.looks += 1;
        change(id, { renewal: { ...subject, ...told, seenAt: new Date(nowMs), failures: 0 } });
      } catch (error) {
        counts.failedLooks += 1;
        change(id, { renewal: afterFailure(subject, infoOf(certificate), asCertathonError(error), nowMs) });
      }
    }
  }

  function deliver({ puts }: Extract<PassStep, { do: 'deliver' }>, nowMs: number): boolean {
    const now = new Date(nowMs);
    if (world.random() < world.failing) {
      counts.failedDeliveries += 1;
      const failure = new CertathonError('DELIVERY_NOT_SERVED', 'A balancer does not serve it');
      fleet.targetHold = holdAfter(failure, fleet.targetHold, now, undefined);
      return false;
    }
    counts.deliveries += 1;
    fleet.targetHold = undefined;
    fleet.deliveredAt = now;
    for (const { certificate: id } of puts) {
      tellLeft(id, nowMs);
      counts.delivered += 1;
      fleet.places.set(id, placeOf(id, of(id)?.stored));
    }
    return true;
  }

  /** What was served until now had so much left. */
  function tellLeft(id: string, nowMs: number): void {
    const state = fleet.places.get(id)?.state;
    if (state?.kind !== 'certificate') return;
    const left = (state.facts.notAfter.getTime() - nowMs) / world.lifetimeMs;
    if (left >= counts.leastLeft) return;
    counts.leastLeft = left;
    counts.leastLeftOf = id;
  }
}

const ACCOUNT = 'https://acme-v02.api.letsencrypt.org/acme/acct/1';

function ordersIn({ steps }: Plan): number {
  return steps.filter((step) => step.do === 'order').length;
}
