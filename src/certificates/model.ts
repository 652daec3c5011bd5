// pure
import type { CertificateFacts } from '../delivery/bundle.ts';
import type { Served } from '../delivery/delivery.ts';

/** What the certificates job knows and does, as plain data that can be printed, stored and compared.
 * Private keys are never part of it: they stay in the store and in the bundle that is delivered. */

/** The one certificate of this program for now; packing names into several gives more ids later. */
export const CERTIFICATE_ID = 'main';

/** `issued`: ordered by us. `adopted`: found in the marathon-lb app, so perhaps somebody else's. */
export type Origin = 'issued' | 'adopted';

export interface StoredCertificate extends CertificateFacts {
  origin: Origin;
}

/** What the variable of the marathon-lb app holds. */
export type VariableState =
  | { kind: 'empty' }
  | { kind: 'secret'; secret: string }
  | { kind: 'unreadable'; problem: string }
  | { kind: 'certificate'; facts: CertificateFacts; ours: boolean; placeholder: boolean };

export interface RefusedName {
  name: string;
  /** Where the name came from: `domains` or the label with its app. */
  source: string;
  reason: string;
}

export interface WantedNames {
  /** Sorted, lower-case, in the ASCII form of RFC 5890. */
  names: string[];
  refused: RefusedName[];
}

/** One balancer and the certificate that it showed in a handshake. */
export interface ObservedBalancer {
  id: string;
  host: string;
  port: number;
  served: Served;
}

/** Why no new try is made before a time. Orders and deliveries are held apart. */
export interface Hold {
  /** When it was decided; a time in the future shows that the clock was wrong then, and ends the hold. */
  since: Date;
  until: Date;
  code: string;
  reason: string;
  /** Failures in a row that count towards the back-off. */
  failures: number;
  /** A limit of the CA is kept also when a person asks for a try now. */
  byCa: boolean;
}

export interface CertificateObservation {
  now: Date;
  directoryUrl: string;
  wanted: WantedNames;
  stored: StoredCertificate | undefined;
  /** An order that was begun and not finished. */
  order: { names: string[]; url: string | undefined } | undefined;
  holds: { order: Hold | undefined; delivery: Hold | undefined };
  app: { id: string; variable: string; state: VariableState; deployments: string[] };
  balancers: ObservedBalancer[];
}

export interface CertificatePolicy {
  /** Renew when this share of the lifetime is left. */
  renewAt: number;
  /** Renew before it is due. */
  forced: boolean;
  /** When a person asked for a try: failures from before do not hold it back, a limit of the CA does. */
  askedAt?: Date | undefined;
  replaceForeign: boolean;
}

export type OrderReason =
  | 'missing'
  | 'expired'
  | 'lifetime-share'
  | 'names-missing'
  | 'test-certificate'
  | 'forced';
export type DeliverReason =
  | 'issued'
  | 'not-delivered'
  | 'variable-empty'
  | 'variable-expired'
  | 'placeholder';

/** `replaces` is the mark of what the variable held when this was planned (delivery/variable.ts). */
export type CertificateStep =
  | {
      do: 'adopt';
      fingerprint: string;
      names: string[];
      reason: 'valid-in-marathon-lb' | 'newer-in-marathon-lb';
    }
  | { do: 'order'; names: string[]; reason: OrderReason; resumes: string | undefined }
  | {
      do: 'deliver';
      variable: string;
      fingerprint: string | 'the new one';
      reason: DeliverReason;
      replaces: string;
    }
  | { do: 'verify'; fingerprint: string; balancers: string[]; reason: 'not-served' };

/** A finding that a person has to see; `code` is one of lib/errors.ts. */
export interface Problem {
  code: string;
  message: string;
}

export interface CertificatePlan {
  steps: CertificateStep[];
  problems: Problem[];
  /** When this plan changes by itself: the due time, or the end of a hold. */
  checkAgainAt: Date | undefined;
}
