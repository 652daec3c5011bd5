// pure
import type { CertificateFacts } from '../delivery/bundle.ts';
import type { Served } from '../delivery/delivery.ts';
import type { RestartPrediction } from '../delivery/preflight.ts';
import type { Pace } from '../delivery/timing.ts';
import type { RenewalInfo } from './store-schema.ts';
import type { StoredCertificate, Version } from './stored-model.ts';
import type { WantedNames } from './wants.ts';

export type { CertificateChoice, RefusedName, Want, WantedNames } from './wants.ts';

/** What the certificates job knows and does, as plain data that can be printed, stored and compared.
 * Private keys are never part of it: they stay in the store and in the bundle that is delivered. */

export type { IssuedBy, Origin, StoredCertificate, Version } from './stored-model.ts';

/** What stands where the bundle is delivered to: a variable of an app, or a file. */
export type PlaceState =
  | { kind: 'empty' }
  | { kind: 'secret'; secret: string }
  | { kind: 'unreadable'; problem: string }
  | {
      kind: 'certificate';
      facts: CertificateFacts;
      ours: boolean;
      placeholder: boolean;
      /** It is another certificate of ours, which moves on: nothing to adopt, nothing to spare. */
      isOthers?: true;
    };

/** Where one bundle is delivered to, and who serves it from there: one marathon-lb app by its environment, or
 * one directory that all balancers load, as far as it concerns this certificate. */
export interface Target {
  /** The identity in steps, holds and records: the app's id, or the path of the directory. */
  id: string;
  strategy: 'environment' | 'directory';
  /** The place of the bundle, as sentences name it: `HAPROXY_SSL_CERT of /marathon-lb`, or a file. */
  place: string;
  state: PlaceState;
  /** The wanted names that its balancers serve. */
  names: string[];
  balancers: ObservedBalancer[];
  /** Addresses of balancers that could not be found. */
  unknownBalancers: string[];
  deployments: string[];
  /** What has to be made in the directory before HAProxy can load it. */
  missing: string[];
  /** Files in the directory beside the place that carry names of ours only. */
  superfluous: readonly string[];
  /** Files of somebody else in the directory that carry one of our names and others too. */
  rivals: readonly { place: string; facts: CertificateFacts }[];
  /** What a restart by Marathon would do; only where delivery restarts. */
  restart: RestartPrediction | undefined;
  /** When balancers were last restarted for a delivery. */
  deliveredAt: Date | undefined;
  hold: Hold | undefined;
  /** Names that all certificates of ours there are for; absent when this is the only one. */
  covered?: () => readonly string[];
  /** What stands in the place was revoked: its successor waits for nothing but others that come with it. */
  isRevoked?: true;
}

/** One balancer and the certificates that it showed in handshakes. */
export interface ObservedBalancer {
  id: string;
  host: string;
  port: number;
  /** For the first name that it should serve. */
  served: Served;
  /** The other names for which it shows something else. */
  others: { name: string; served: Served }[];
}

/** Why no new try is made before a time. Orders and deliveries are held apart, each target for itself. */
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
  /** The CA wants a person to end a pause: nothing is tried before somebody asks for it. */
  isPaused?: true | undefined;
  /** The CA at which an order failed; absent: the one that is configured. */
  directoryUrl?: string | undefined;
  /** How often in a row it failed for reasons of its own. */
  troubles?: number | undefined;
}

/** One certificate alone, as it is planned. */
export interface CertificateObservation {
  now: Date;
  directoryUrl: string;
  wanted: WantedNames;
  stored: StoredCertificate | undefined;
  /** The stored one was made by another choice (key type, profile, CA) than what is chosen now. */
  isOtherwise?: boolean;
  /** A person asked for the revocation of the stored one. */
  isRevoked?: boolean;
  /** Fingerprints of what is never taken into use again: revoked, or set aside. */
  refused?: ReadonlySet<string>;
  /** Earlier versions that may be taken into use again; only where one may spare an order. */
  versions?: readonly Version[];
  /** When the CA wants the stored one to be renewed. */
  renewal?: RenewalInfo | undefined;
  /** An order that was begun and not finished. */
  order: { names: string[]; url: string | undefined } | undefined;
  orderHold: Hold | undefined;
  /** Some of its names failed before. */
  hasFailed?: boolean | undefined;
  /** The order goes to another CA than the one that comes first, and why. */
  insteadOf?: { directoryUrl: string; reason: string } | undefined;
  targets: Target[];
  /** Targets that could not be looked at; the others go on without them. */
  unseen: Problem[];
}

export interface CertificatePolicy {
  /** Renew when this share of the lifetime is left, where the CA does not tell a time. */
  renewAt: number | 'auto';
  /** Whether CAs are asked when they want certificates to be renewed. */
  asksRenewal?: boolean | undefined;
  /** When the program is started again; absent when it wakes at any moment by itself. */
  nextRunAt?: Date | undefined;
  /** Renew before it is due. */
  forced: boolean;
  /** The fingerprint of the version that a person wants back. */
  restore?: string | undefined;
  /** When a person asked for a try: failures from before do not hold it back, a limit of the CA does. */
  askedAt?: Date | undefined;
  replaceForeign: boolean;
  /** When balancers may be restarted. */
  pace: Pace;
  /** How long a certificate that nobody wants any more is renewed. */
  graceMs?: number | undefined;
}

export type OrderReason =
  | 'missing'
  | 'expired'
  | 'renewal-info'
  | 'lifetime-share'
  | 'emergency'
  | 'names-missing'
  | 'test-certificate'
  | 'chosen-otherwise'
  | 'revoked'
  | 'forced';
export type DeliverReason = 'issued' | 'not-delivered' | 'empty' | 'expired' | 'placeholder';

/** `target` is the id of one. `replaces` is the mark of what stood in the place when this was planned
 * (delivery/variable.ts). `urgency` says why a delivery does not wait for a window or the pace. */
export type CertificateStep =
  | { do: 'prepare'; target: string; missing: string[]; reason: 'not-prepared' }
  | {
      do: 'adopt';
      target: string;
      fingerprint: string;
      names: string[];
      reason: 'valid-in-place' | 'newer-in-place';
    }
  /** Takes an earlier version into use again: it covers what is wanted now, or a person asked for it. */
  | { do: 'restore'; fingerprint: string; names: string[]; reason: 'names-covered' | 'asked' }
  | {
      do: 'order';
      names: string[];
      reason: OrderReason;
      resumes: string | undefined;
      /** The names failed before: first it is tried at the test CA, where there is one. */
      stagingFirst?: true | undefined;
      /** Where from, and why, when it is another CA than the one that comes first. */
      ca?: string | undefined;
      passedOver?: string | undefined;
    }
  | { do: 'wait'; target: string; until: Date; reason: 'coalescing' }
  | {
      do: 'deliver';
      target: string;
      place: string;
      fingerprint: string | 'the new one';
      reason: DeliverReason;
      urgency?: 'urgent' | undefined;
      /** What a restart will do, in one sentence. */
      prediction?: string | undefined;
      /** Files of somebody else beside it that HAProxy may prefer; only where that is allowed. */
      removes?: string[] | undefined;
      replaces: string;
    }
  | {
      do: 'repair';
      target: string;
      fingerprint: string;
      balancers: string[];
      /** Files that HAProxy may prefer to ours. */
      removes?: string[] | undefined;
      reason: 'serves-another';
    }
  | { do: 'verify'; target: string; fingerprint: string; balancers: string[]; reason: 'not-served' };

/** A finding that a person has to see; `code` is one of lib/errors.ts. */
export interface Problem {
  code: string;
  message: string;
}

/** A delivery that waits for its time; nothing is wrong. */
export interface Postponed {
  target: string;
  until: Date;
  reason: 'window' | 'pace' | 'coalescing';
}

export interface CertificatePlan {
  steps: CertificateStep[];
  /** Deliveries that wait for their time, as they would be made if another one were made now. */
  later?: CertificateStep[];
  problems: Problem[];
  postponed: Postponed[];
  /** When this plan changes by itself: the due time, or the end of a hold. */
  checkAgainAt: Date | undefined;
}
