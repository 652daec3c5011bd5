// pure

import type { ServedFacts } from '../delivery/delivery.ts';
import { choiceKey } from './choice.ts';
import type { CertificateObservation, ObservedBalancer, Target } from './model.ts';
import { infoOf } from './renewal-info.ts';
import { isNamesFailure } from './set-aside.ts';
import type { LookedBalancer, Observation, ObservedCertificate, ObservedTarget } from './world.ts';

/** Which certificates of ours cover a name, by their fingerprints: a balancer may show any of them. */
export type Covering = (name: string) => ReadonlySet<string> | undefined;

/** By name, the fingerprints of the stored certificates that cover it. Only names of several matter, so the index
 * is small where every name has one certificate. Pure. */
export function coveringOf({ certificates }: Pick<Observation, 'certificates'>): Covering {
  const first = new Map<string, string>();
  const several = new Map<string, Set<string>>();
  let isWild = false;
  for (const { stored } of certificates) {
    if (stored === undefined) continue;
    for (const name of stored.names) {
      isWild ||= name.startsWith('*.');
      const other = first.get(name);
      if (other === undefined) first.set(name, stored.fingerprint);
      else if (other !== stored.fingerprint)
        several.set(name, (several.get(name) ?? new Set([other])).add(stored.fingerprint));
    }
  }
  if (!isWild) return (name) => several.get(name);
  const all = (name: string): string[] =>
    [...(several.get(name) ?? []), first.get(name) ?? ''].filter((each) => each !== '');
  return (name) => new Set([...all(name), ...all(wider(name))]);
}

/** The world as one certificate sees it, with which it is planned as if it were alone. Pure. */
export function viewOf(
  certificate: ObservedCertificate,
  seen: Observation,
  covering: Covering,
): CertificateObservation {
  return {
    now: seen.now,
    directoryUrl: certificate.directoryUrl,
    wanted: { names: certificate.names, wants: [], refused: [] },
    stored: certificate.stored,
    isOtherwise: isOtherwise(certificate),
    ...withdrawnFrom(certificate, seen.revoked),
    ...(certificate.renewal === undefined ? {} : { renewal: infoOf(certificate) }),
    order: certificate.order,
    orderHold: certificate.waits ?? certificate.orderHold,
    hasFailed: certificate.hasFailed === true || isNamesFailure(certificate.orderHold),
    ...(certificate.insteadOf === undefined ? {} : { insteadOf: certificate.insteadOf }),
    targets: seen.targets.flatMap((target) => targetFor(certificate, target, seen, covering) ?? []),
    unseen: [],
  };
}

const NONE: ReadonlySet<string> = new Set();

/** What is never taken into use again. */
function withdrawnFrom(
  { aside = [], revoked, versions }: ObservedCertificate,
  all: Observation['revoked'],
): Pick<CertificateObservation, 'isRevoked' | 'refused' | 'versions'> {
  const fingerprints = all?.fingerprints ?? NONE;
  const refused = aside.length === 0 ? fingerprints : new Set([...fingerprints, ...aside]);
  const usable = versions?.filter(
    (each) => !refused.has(each.fingerprint) && all?.lostKeys.has(each.keyHash) !== true,
  );
  return {
    ...(refused.size === 0 ? {} : { refused }),
    ...(revoked === true ? { isRevoked: true } : {}),
    ...(usable === undefined ? {} : { versions: usable }),
  };
}

/** Is another choice recorded than what is chosen now? */
function isOtherwise({ recorded, choice }: ObservedCertificate): boolean {
  return recorded !== undefined && choiceKey(recorded.choice) !== choiceKey(choice);
}

function targetFor(
  certificate: ObservedCertificate,
  target: ObservedTarget,
  { certificates, revoked }: Observation,
  covering: Covering,
): Target | undefined {
  const place = target.places.get(certificate.id);
  if (place === undefined) return undefined;
  const { id, strategy, unknownBalancers, deployments, restart, deliveredAt, hold } = target;
  const names = certificate.names.filter((name) => target.names.has(name));
  return {
    ...{ id, strategy, unknownBalancers, deployments, restart, deliveredAt, hold },
    place: place.place,
    state: place.state,
    superfluous: place.superfluous,
    rivals: place.rivals,
    ...(place.state.kind === 'certificate' &&
    revoked?.fingerprints.has(place.state.facts.fingerprint) === true
      ? { isRevoked: true as const }
      : {}),
    names,
    // Preparing concerns the target, not each certificate.
    missing: [],
    balancers: target.balancers.map((balancer) => balancerFor(balancer, certificate, names, covering)),
    covered: () => certificates.flatMap((each) => (target.places.has(each.id) ? each.names : [])),
  };
}

/** What a balancer shows for the names of one certificate. A name that another certificate of ours covers as well
 * counts as served by either; one that was not asked for in this look counts as it was last proven. */
function balancerFor(
  { id, host, port, shown, unreachable }: LookedBalancer,
  { stored, names: wanted }: ObservedCertificate,
  names: readonly string[],
  covering: Covering,
): ObservedBalancer {
  if (unreachable !== undefined) return { id, host, port, served: { unreachable }, others: [] };
  const has = new Set(stored?.names);
  const covers = (name: string) => stored === undefined || has.has(name) || has.has(wider(name));
  // While the order of a new one is held, the stored one may cover less than what is wanted; what it covers beside
  // is the matter of others.
  const own = [...new Set([...names, ...wanted])].filter(covers);
  const asked = (own.length > 0 ? own : [...has]).flatMap((name) => {
    const served = shown.get(name);
    if (served === undefined) return [];
    const isOurs = 'fingerprint' in served && covering(name)?.has(served.fingerprint) === true;
    return [{ name, served: isOurs && stored !== undefined ? { ...served, ...factsOf(stored) } : served }];
  });
  const served = asked[0]?.served ?? (stored === undefined ? { unreachable: 'not asked' } : factsOf(stored));
  const others = asked.slice(1).filter((other) => !isSame(served, other.served));
  return { id, host, port, served, others };
}

/** The wildcard that covers a name (RFC 6125 6.4.3). */
function wider(name: string): string {
  return name.replace(/^[^.]+/, '*');
}

function factsOf({ fingerprint, issuer, notAfter }: Omit<ServedFacts, 'serial'>): ServedFacts {
  return { fingerprint, issuer, serial: '', notAfter };
}

function isSame(left: ObservedBalancer['served'], right: ObservedBalancer['served']): boolean {
  return 'fingerprint' in left && 'fingerprint' in right && left.fingerprint === right.fingerprint;
}
