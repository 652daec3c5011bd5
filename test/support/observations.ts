import { basename } from 'node:path';
import type {
  CertificateObservation,
  CertificatePolicy,
  Hold,
  ObservedBalancer,
  PlaceState,
  StoredCertificate,
  Target,
  WantedNames,
} from '../../src/certificates/model.ts';
import type { Observation, ObservedCertificate, ObservedTarget } from '../../src/certificates/world.ts';
import type { CertificateFacts } from '../../src/delivery/bundle.ts';
import type { Served, ServedFacts } from '../../src/delivery/delivery.ts';

/** A calm moment: ten days after the certificate was issued. */
export const NOW = new Date('2026-01-11T00:00:00Z');
const DAY_MS = 86_400_000;
export const daysFrom = (days: number, from = NOW) => new Date(from.getTime() + days * DAY_MS);

export const OURS = 'a'.repeat(64);
export const THEIRS = 'b'.repeat(64);

/** A certificate of 90 days for shop.example.com, ten days old. */
export function facts(changes: Partial<CertificateFacts> = {}): CertificateFacts {
  return {
    names: ['shop.example.com'],
    fingerprint: OURS,
    issuer: 'C=US, O=Test, CN=Test CA',
    notBefore: daysFrom(-10),
    notAfter: daysFrom(80),
    selfSigned: false,
    ...changes,
  };
}

export function stored(changes: Partial<StoredCertificate> = {}): StoredCertificate {
  return { ...facts(), origin: 'issued', ...changes };
}

/** What the variable holds: our own certificate unless told otherwise. */
export function holding(
  changes: Partial<CertificateFacts> = {},
  { ours = false, placeholder = false } = {},
): PlaceState {
  return { kind: 'certificate', facts: facts(changes), ours, placeholder };
}

export function balancer(id: string, served: string | { unreachable: string } = OURS): ObservedBalancer {
  return {
    id,
    host: '10.0.0.11',
    port: 443,
    served: typeof served === 'string' ? servedFacts(served) : served,
    others: [],
  };
}

/** What a handshake showed. */
export function servedFacts(fingerprint: string): ServedFacts {
  return { fingerprint, issuer: 'C=US, O=Test, CN=Test CA', serial: '01', notAfter: daysFrom(80) };
}

export function hold(changes: Partial<Hold> = {}): Hold {
  return {
    since: daysFrom(-0.01),
    until: daysFrom(0.01),
    code: 'ACME_CHALLENGE_FAILED',
    reason: 'CA did not validate shop.example.com',
    failures: 1,
    byCa: false,
    ...changes,
  };
}

/** Where the bundle is delivered to: a marathon-lb app with two balancers, and everything is well. */
export function target(changes: Partial<Target> = {}): Target {
  return {
    id: '/marathon-lb',
    strategy: 'environment',
    place: 'HAPROXY_SSL_CERT of /marathon-lb',
    state: holding({}, { ours: true }),
    names: ['shop.example.com'],
    balancers: [balancer('lb.1'), balancer('lb.2')],
    unknownBalancers: [],
    deployments: [],
    missing: [],
    superfluous: [],
    rivals: [],
    restart: undefined,
    deliveredAt: undefined,
    hold: undefined,
    ...changes,
  };
}

/** Names of our own list, without a choice. */
export function wanted(names: string[]): WantedNames {
  return { names, wants: names.map((name) => ({ name, keys: ['own'], choice: {} })), refused: [] };
}

/** Everything is well: the wanted certificate is stored, in the variable, and served by two balancers. */
export function observation(changes: ObservationChanges = {}): CertificateObservation {
  const { state, names, balancers, deliveryHold, at, ...rest } = changes;
  const only = target({
    ...(state === undefined ? {} : { state }),
    ...(names === undefined ? {} : { names }),
    ...(balancers === undefined ? {} : { balancers }),
    ...(deliveryHold === undefined ? {} : { hold: deliveryHold }),
    ...at,
  });
  return {
    now: NOW,
    directoryUrl: 'https://acme.example/directory',
    wanted: wanted(names ?? ['shop.example.com']),
    stored: stored(),
    order: undefined,
    orderHold: undefined,
    targets: [only],
    unseen: [],
    ...rest,
  };
}

/** Changes to the one target stand beside those to the whole. */
export type ObservationChanges = Partial<CertificateObservation> & {
  state?: PlaceState;
  /** The wanted names. */
  names?: string[];
  balancers?: ObservedBalancer[];
  deliveryHold?: Hold;
  at?: Partial<Target>;
};

/** Nothing waits for windows, the pace or others. */
export const AT_ONCE = { windows: [], timeZone: 'UTC', intervalMs: 0, coalesceMs: 0 };

export function policy(changes: Partial<CertificatePolicy> = {}): CertificatePolicy {
  return { renewAt: 1 / 3, forced: false, replaceForeign: false, pace: AT_ONCE, ...changes };
}

/** A wanted certificate of which there is nothing yet. */
export function observedCertificate(changes: Partial<ObservedCertificate> = {}): ObservedCertificate {
  return {
    id: 'shop.example.com',
    key: 'own',
    names: ['shop.example.com'],
    choice: {},
    life: 'wanted',
    goneSince: undefined,
    recorded: { key: 'own', choice: {} },
    directoryUrl: 'https://acme.example/directory',
    stored: undefined,
    order: undefined,
    orderHold: undefined,
    ...changes,
  };
}

/** The same world as the whole job sees it, with this one certificate. */
export function whole(
  {
    now,
    directoryUrl,
    wanted: names,
    stored: held,
    order,
    orderHold,
    targets,
    unseen,
  }: CertificateObservation,
  changes: Partial<ObservedCertificate> = {},
): Observation {
  const certificate = observedCertificate({
    names: names.names,
    directoryUrl,
    stored: held,
    order,
    orderHold,
    ...changes,
  });
  return {
    now,
    wanted: names,
    certificates: [certificate],
    targets: targets.map((each) => wholeTarget(each, certificate)),
    unseen,
    notices: [],
  };
}

function wholeTarget(
  { place, state, superfluous, rivals, names, balancers, covered: _covered, ...rest }: Target,
  { id }: ObservedCertificate,
): ObservedTarget {
  const at = rest.strategy === 'environment' ? (place.split(' ')[0] ?? '') : basename(place);
  return {
    ...rest,
    names: new Set(names),
    places: new Map([[id, { at, place, state, superfluous, rivals }]]),
    holds: new Set(state.kind === 'certificate' && state.ours ? [id] : []),
    refused: new Map(),
    clears: [],
    marks: new Map(),
    balancers: balancers.map(({ id: task, host, port, served, others }) => ({
      id: task,
      host,
      port,
      shown: new Map([
        [names[0] ?? '', served],
        ...others.map((other): [string, Served] => [other.name, other.served]),
      ]),
      unreachable: 'unreachable' in served ? served.unreachable : undefined,
    })),
  };
}
