// pure

/** Why an agent was passed over, in the order in which Marathon asks; an agent counts for the first that applies.
 * @source mesosphere/mesos/NoOfferMatchReason.scala, reasonFunnel */
const REASONS = [
  'UnfulfilledRole',
  'UnfulfilledConstraint',
  'NoCorrespondingReservationFound',
  'AgentMaintenance',
  'InsufficientCpus',
  'InsufficientMemory',
  'InsufficientDisk',
  'InsufficientGpus',
  'InsufficientPorts',
  'DeclinedScarceResources',
] as const;
export type RejectReason = (typeof REASONS)[number];

/** What became of the offers of agents since an app waits. */
export interface OfferCounts {
  processed: number;
  unused: number;
  /** Why each agent was passed over the last time, and in all times together. */
  last: readonly RejectReason[];
  all: ReadonlyMap<RejectReason, number>;
}

export const NO_OFFERS: OfferCounts = { processed: 0, unused: 0, last: [], all: new Map() };

/** One more round over all agents, none of which fits. */
export function withRefusals(before: OfferCounts, reasons: readonly RejectReason[]): OfferCounts {
  const all = new Map(before.all);
  for (const reason of reasons) all.set(reason, (all.get(reason) ?? 0) + 1);
  return {
    processed: before.processed + reasons.length,
    unused: before.unused + reasons.length,
    last: reasons,
    all,
  };
}

/** `processedOffersSummary` of the queue. @source S/raml/QueueInfoConversion.scala */
export function viewOffers({ processed, unused, last, all }: OfferCounts): Record<string, unknown> {
  const lately = Map.groupBy(last, (reason) => reason);
  return {
    processedOffersCount: processed,
    unusedOffersCount: unused,
    rejectSummaryLastOffers: funnel(last.length, (reason) => lately.get(reason)?.length ?? 0),
    rejectSummaryLaunchAttempt: funnel(processed, (reason) => all.get(reason) ?? 0),
  };
}

/** Each step sees only what the one before it let through.
 *
 *   3 agents, one by its constraint, one by its memory → … UnfulfilledConstraint 1 of 3 … InsufficientMemory 1 of 2 */
function funnel(offers: number, declinedOf: (reason: RejectReason) => number) {
  let processed = offers;
  return REASONS.map((reason) => {
    const step = { reason, declined: declinedOf(reason), processed };
    processed -= step.declined;
    return step;
  });
}
