// pure
import type { CertificateFacts } from '../delivery/bundle.ts';
import { coversAll } from './renewal.ts';
import type { ObservedCertificate } from './world.ts';

export interface Foreign {
  /** The variable or the file. */
  at: string;
  facts: CertificateFacts;
}

/** What becomes of certificates of somebody else. Pure. One that serves a name of ours is taken over by the
 * certificate with which it has most names in common, when ours together cover all its names, or when it covers all
 * names of that one (then it may be adopted). Another one that has a name of ours is a rival. One that has none is
 * left alone, but for the first place where replacing was allowed.
 * @param first the place where bundles begin   @param isBefore whether a certificate stands in a place before this
 *   one already, so that its names are shown with it whatever stands here
 * @param left places from which nothing may be adopted
 * @returns `by`: the certificate that takes a place, by place; `adopted`: the places of them whose certificate may
 *   only be adopted, not replaced; `rivals`: what else carries its names, by certificate */
export function takenOver(
  found: readonly Foreign[],
  certificates: readonly ObservedCertificate[],
  {
    replaceForeign,
    first,
    isBefore = () => false,
    left = new Set(),
  }: {
    replaceForeign: boolean;
    first: string;
    isBefore?: (id: string, at: string) => boolean;
    left?: ReadonlySet<string>;
  },
): { by: Map<string, string>; adopted: Set<string>; rivals: Map<string, Foreign[]> } {
  const adopted = new Set<string>();
  const by = new Map<string, string>();
  const rivals = new Map<string, Foreign[]>();
  const covered = certificates.flatMap(({ names }) => names);
  for (const foreign of found) {
    const { names } = foreign.facts;
    const common = (each: ObservedCertificate) =>
      each.names.filter((name) => coversAll(names, [name])).length;
    const rank = ({ id }: ObservedCertificate) => Number(isBefore(id, foreign.at));
    const concerned = certificates
      .flatMap((each) => {
        const count = common(each);
        return count === 0 ? [] : [{ each, count }];
      })
      .sort((a, b) => rank(a.each) - rank(b.each) || b.count - a.count);
    const best = concerned[0]?.each;
    if (best === undefined) {
      const taker = certificates[0];
      if (replaceForeign && foreign.at === first && taker !== undefined) by.set(foreign.at, taker.id);
      continue;
    }
    const isReplaced = names.length > 0 && coversAll(covered, names);
    const isAdopted = concerned.length === 1 && coversAll(names, best.names) && !left.has(foreign.at);
    if (isAdopted && !isReplaced && !replaceForeign) adopted.add(foreign.at);
    if (isReplaced || isAdopted || replaceForeign) by.set(foreign.at, best.id);
    for (const { each } of concerned) {
      const isTaken = by.get(foreign.at) === each.id;
      if (!isTaken && !isReplaced && !replaceForeign)
        rivals.set(each.id, [...(rivals.get(each.id) ?? []), foreign]);
    }
  }
  return { by, adopted, rivals };
}
