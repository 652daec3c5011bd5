// pure
import { coveringOf, viewOf } from './view.ts';
import type { LookedBalancer, Observation } from './world.ts';

/** What one balancer shows, held against what is stored. */
export interface ServedBy {
  target: string;
  balancer: LookedBalancer;
  /** Names for which it shows another certificate than the stored one. */
  otherwise: string[];
  /** It serves what is stored, for every name that it was asked for. */
  isCurrent: boolean;
}

/** Each balancer, and where it shows something else than what is stored. Pure. */
export function servedBy(seen: Observation): ServedBy[] {
  const covering = coveringOf(seen);
  const views = seen.certificates.map((certificate) => ({
    certificate,
    view: viewOf(certificate, seen, covering),
  }));
  return seen.targets.flatMap((target) =>
    target.balancers.map((balancer): ServedBy => {
      const otherwise = views.flatMap(({ certificate, view }) => {
        const seenBy = view.targets
          .find((each) => each.id === target.id)
          ?.balancers.find((each) => each.id === balancer.id);
        if (seenBy === undefined) return [];
        const fingerprint = certificate.stored?.fingerprint;
        const isServed = 'fingerprint' in seenBy.served && seenBy.served.fingerprint === fingerprint;
        const first = isServed ? [] : certificate.names.slice(0, 1);
        return [...first, ...seenBy.others.map(({ name }) => name)];
      });
      const isCurrent = balancer.unreachable === undefined && otherwise.length === 0;
      return { target: target.id, balancer, otherwise, isCurrent };
    }),
  );
}
