// pure
import { listed } from '../../acme/refusal.ts';
import type { OrderReason, Problem } from '../model.ts';
import type { Observation, ObservedCertificate, PassStep, Plan } from '../world.ts';
import { useOf } from './order-use.ts';
import { type CaBudget, reserving } from './verdict.ts';

/** Orders of a plan that would exceed a limit of their CA. */

/** What is known of the limits of each CA, by the address of its directory. */
export type Budgets = ReadonlyMap<string, CaBudget>;

export interface WaitingOrder {
  certificate: string;
  /** What is used up (state.ts). */
  key: string;
  until: Date;
  words: string;
  /** What is there now does not do until then. */
  isUrgent: boolean;
}

/** The code of an order that waits, or that was not sent. */
export const WAITS = 'ACME_BUDGET_SPENT';

type Order = Extract<PassStep, { do: 'order' }>;

/** The CAs that a plan would ask. Pure. */
export function askedCas({ steps }: Plan, { certificates }: Observation): Set<string> {
  const ids = new Set(ordersOf(steps).map(({ certificate }) => certificate));
  if (ids.size === 0) return ids;
  return new Set(certificates.flatMap(({ id, directoryUrl }) => (ids.has(id) ? [directoryUrl] : [])));
}

/** Which orders of a plan have to wait. Pure. They stand in the order of their urgency: those before take what is left. */
export function waitingOrders(
  { steps }: Plan,
  { certificates, now }: Observation,
  budgets: Budgets,
): WaitingOrder[] {
  const orders = ordersOf(steps);
  const byId = new Map(certificates.map((each) => [each.id, each]));
  const reserve = reserving(now.getTime());
  return orders.flatMap((step): WaitingOrder[] => {
    const certificate = byId.get(step.certificate);
    const budget = certificate === undefined ? undefined : budgets.get(certificate.directoryUrl);
    if (certificate === undefined || budget === undefined) return [];
    const use = useOf(certificate, step.names, step.resumes !== undefined, budget.published, now);
    const verdict = reserve(use, budget);
    if (verdict.fits) return [];
    const { key, until, words } = verdict;
    return [
      { certificate: step.certificate, key, until, words, isUrgent: isUrgent(step, certificate, until) },
    ];
  });
}

function ordersOf(steps: readonly PassStep[]): Order[] {
  return steps.filter((step): step is Order => step.do === 'order');
}

/** Those that no certificate serves now as they should be. */
const UNSERVED = new Set<OrderReason>(['missing', 'expired', 'names-missing', 'test-certificate', 'revoked']);

function isUrgent({ reason }: Order, { stored }: ObservedCertificate, until: Date): boolean {
  return UNSERVED.has(reason) || stored === undefined || stored.notAfter <= until;
}

/** Plans anew where orders have to wait. Pure. @param planOf as `plan` was made   @returns the world that was planned in */
export function withinLimits(
  seen: Observation,
  plan: Plan,
  budgets: Budgets,
  planOf: (seen: Observation) => Plan,
): { seen: Observation; plan: Plan } {
  const waiting = waitingOrders(plan, seen, budgets);
  if (waiting.length === 0) return { seen, plan };
  const held = whileWaiting(seen, waiting);
  return { seen: held, plan: telling(planOf(held), waiting) };
}

/** The same world, in which these wait: what is in the store is delivered and served meanwhile. Pure. */
function whileWaiting(seen: Observation, waiting: readonly WaitingOrder[]): Observation {
  const byId = new Map(waiting.map((each) => [each.certificate, each]));
  const certificates = seen.certificates.map((certificate): ObservedCertificate => {
    const waits = byId.get(certificate.id);
    if (waits === undefined) return certificate;
    const { until, words } = waits;
    const hold = { since: seen.now, until, code: WAITS, reason: words, failures: 0, byCa: true };
    return { ...certificate, waits: hold };
  });
  return { ...seen, certificates };
}

/** A plan of that world, which says what waits: as a problem where what is there does not last until then, else as
 * something that a person may want to know. Pure. */
function telling(plan: Plan, waiting: readonly WaitingOrder[]): Plan {
  const told = (isMeant: boolean) => sentences(waiting.filter((each) => each.isUrgent === isMeant));
  return { ...plan, problems: [...plan.problems, ...told(true)], notices: [...plan.notices, ...told(false)] };
}

/** `a.example.com and b.example.com wait: 50th of 50 certificates for example.com in 7 days; next slot …` */
function sentences(waiting: readonly WaitingOrder[]): Problem[] {
  const groups = new Map<string, WaitingOrder[]>();
  for (const each of waiting) {
    const group = groups.get(each.key);
    if (group === undefined) groups.set(each.key, [each]);
    else group.push(each);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group.toSorted((a, b) => a.until.getTime() - b.until.getTime());
    if (first === undefined) return [];
    const verb = group.length === 1 ? 'waits' : 'wait';
    const ids = listed(group.map(({ certificate }) => certificate));
    return [{ code: WAITS, message: `${ids} ${verb} to be ordered: ${first.words}` }];
  });
}
