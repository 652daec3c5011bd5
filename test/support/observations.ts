import type {
  CertificateObservation,
  CertificatePolicy,
  Hold,
  ObservedBalancer,
  StoredCertificate,
  VariableState,
} from '../../src/certificates/model.ts';
import type { CertificateFacts } from '../../src/delivery/bundle.ts';
import type { ServedFacts } from '../../src/delivery/delivery.ts';

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
): VariableState {
  return { kind: 'certificate', facts: facts(changes), ours, placeholder };
}

export function balancer(id: string, served: string | { unreachable: string } = OURS): ObservedBalancer {
  return {
    id,
    host: '10.0.0.11',
    port: 443,
    served: typeof served === 'string' ? servedFacts(served) : served,
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

/** Everything is well: the wanted certificate is stored, in the variable, and served by two balancers. */
export function observation(changes: ObservationChanges = {}): CertificateObservation {
  const { state = holding({}, { ours: true }), names, ...rest } = changes;
  return {
    now: NOW,
    directoryUrl: 'https://acme.example/directory',
    wanted: { names: names ?? ['shop.example.com'], refused: [] },
    stored: stored(),
    order: undefined,
    holds: { order: undefined, delivery: undefined },
    app: { id: '/marathon-lb', variable: 'HAPROXY_SSL_CERT', state, deployments: [] },
    balancers: [balancer('lb.1'), balancer('lb.2')],
    ...rest,
  };
}

export type ObservationChanges = Partial<CertificateObservation> & {
  state?: VariableState;
  /** The wanted names. */
  names?: string[];
};

export function policy(changes: Partial<CertificatePolicy> = {}): CertificatePolicy {
  return { renewAt: 1 / 3, forced: false, replaceForeign: false, ...changes };
}
