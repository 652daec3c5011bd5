// pure
import type { CertificateFacts } from '../delivery/bundle.ts';
import type { Served } from '../delivery/delivery.ts';
import type {
  CertificateChoice,
  CertificateStep,
  DeliverReason,
  Hold,
  PlaceState,
  Postponed,
  Problem,
  StoredCertificate,
  Target,
  Version,
  WantedNames,
} from './model.ts';
import type { HeldName, NameHolds } from './set-aside.ts';
import type { LookHold, RenewalInfo, Revocation } from './store-schema.ts';

/** All certificates and all targets at once, as plain data. One certificate alone is in model.ts. */

/** `wanted`: somebody asks for its names. `grace`: nobody does any more, but it is renewed as before. `ended`: it
 * is no longer renewed, and goes when it expires. `replaced`: others cover all its names, so it goes at once. */
export type Life = 'wanted' | 'grace' | 'ended' | 'replaced';

/** A certificate that is wanted, or that is in the store. */
export interface ObservedCertificate {
  id: string;
  /** By which its names are packed together. */
  key: string;
  /** Sorted. Of one that nobody wants: those that it holds. */
  names: string[];
  choice: CertificateChoice;
  life: Life;
  /** Since when nobody wants it, as far as that is written down. */
  goneSince: Date | undefined;
  /** For whom it is in the store; absent for one that is not there yet or has no record. */
  recorded: { key: string; choice: CertificateChoice } | undefined;
  directoryUrl: string;
  stored: StoredCertificate | undefined;
  order: { names: string[]; url: string | undefined } | undefined;
  /** Of the CA that the certificate is ordered from. */
  orderHold: Hold | undefined;
  /** Names that are left out for now, since each failed by itself; `names` does not have them. */
  held?: readonly HeldName[] | undefined;
  /** Some of its names failed before, by themselves or with it. */
  hasFailed?: true;
  /** The order that is due would exceed a limit of the CA (limits/hold-back.ts). */
  waits?: Hold;
  /** At all CAs; absent where nothing failed. */
  holds?: readonly Hold[];
  /** It is ordered from another CA than the one that comes first, and why (choose-ca.ts). */
  insteadOf?: { directoryUrl: string; reason: string };
  /** A person asked to forget it. */
  forgotten?: true;
  /** The stored one is revoked, or is to be. */
  revoked?: true;
  /** Fingerprints of versions that are never taken into use again by themselves. */
  aside?: readonly string[];
  /** Earlier versions; only where one of them may spare an order. */
  versions?: readonly Version[];
  /** What a CA said about when to renew it, or one before it (certificates/renewal-info.ts). */
  renewal?: RenewalInfo | undefined;
}

/** What was revoked, or is to be. */
export interface Revoked {
  /** Fingerprints. */
  fingerprints: ReadonlySet<string>;
  /** Keys that are never used again, by their hashes. */
  lostKeys: ReadonlySet<string>;
  /** Those that the CA has still to be asked for. */
  asked: readonly Revocation[];
}

/** The place of one certificate in a target. */
export interface CertificatePlace {
  /** The variable or the file. */
  at: string;
  /** As sentences name it. */
  place: string;
  state: PlaceState;
  superfluous: readonly string[];
  rivals: readonly { place: string; facts: CertificateFacts }[];
}

/** A balancer, and what it showed for each name that it was asked for. */
export interface LookedBalancer {
  id: string;
  host: string;
  port: number;
  shown: ReadonlyMap<string, Served>;
  /** Why it shows nothing at all. */
  unreachable: string | undefined;
}

/** A target with all certificates that belong there. */
export interface ObservedTarget
  extends Pick<
    Target,
    'id' | 'strategy' | 'unknownBalancers' | 'deployments' | 'missing' | 'restart' | 'deliveredAt' | 'hold'
  > {
  /** The wanted names that its balancers serve, and those of certificates that nobody wants any more. */
  names: ReadonlySet<string>;
  /** By certificate. */
  places: ReadonlyMap<string, CertificatePlace>;
  /** Certificates of which a version stands there, whether it belongs there or not. */
  holds: ReadonlySet<string>;
  /** Certificates for which there is no room, and why. */
  refused: ReadonlyMap<string, Refusal>;
  /** Variables or files of ours that hold what nobody needs any more. */
  clears: string[];
  /** One of them has a wanted name and is over, or soon will be: HAProxy may show it all the same. */
  isClearDue?: boolean;
  /** What each variable holds, in one word (delivery/variable.ts); only with environment. */
  marks: ReadonlyMap<string, string>;
  balancers: LookedBalancer[];
}

/** The whole world of the certificates job. */
export interface Observation {
  now: Date;
  wanted: WantedNames;
  certificates: ObservedCertificate[];
  targets: ObservedTarget[];
  /** Targets that could not be looked at; the others go on without them. */
  unseen: Problem[];
  /** What a person may want to know; nothing is wrong. */
  notices: Problem[];
  revoked?: Revoked;
  /** Names that failed, until they succeed. */
  nameHolds?: NameHolds | undefined;
  /** By directory: CAs that are not asked about renewals for a while. */
  lookHolds?: ReadonlyMap<string, LookHold>;
}

/** One certificate of a delivery. */
export interface Put {
  certificate: string;
  /** The variable or the file. */
  at: string;
  fingerprint: string | 'the new one';
  reason: DeliverReason;
  replaces: string;
  removes?: string[] | undefined;
}

type OfOne<K extends CertificateStep['do']> = Extract<CertificateStep, { do: K }>;

/** Steps of the whole plan: those that concern one target are one step, whichever certificates they are for. */
export type PassStep =
  | OfOne<'prepare'>
  | (OfOne<'adopt'> & { certificate: string })
  | (OfOne<'restore'> & { certificate: string })
  | {
      do: 'revoke';
      certificate: string;
      names: string[];
      fingerprint: string;
      by: Revocation['by'];
      reason: Revocation['reason'];
    }
  /** Asks their CAs when they want them to be renewed. */
  | { do: 'ask-renewal'; certificates: string[]; reason: 'look-due' }
  | (OfOne<'order'> & { certificate: string })
  | OfOne<'wait'>
  | {
      do: 'deliver';
      target: string;
      puts: Put[];
      /** Variables or files that are emptied on the way. */
      clears?: string[] | undefined;
      reason: DeliverReason | 'no-longer-wanted';
      urgency?: 'urgent' | undefined;
      /** What a restart will do, in one sentence. */
      prediction?: string | undefined;
    }
  | (Omit<OfOne<'repair'>, 'fingerprint'> & { certificates: string[] })
  | (Omit<OfOne<'verify'>, 'fingerprint'> & { certificates: string[] })
  /** Writes down for whom it is: a new owner, or that it is wanted again. */
  | { do: 'assign'; certificate: string; key: string; reason: 'packed' | 'wanted-again' }
  | { do: 'retire'; certificate: string; names: string[]; renewedUntil: Date; reason: 'not-wanted' }
  /** Writes down that a person wants it out: it is taken out of the targets, and then removed. */
  | { do: 'forget'; certificate: string; names: string[]; reason: 'asked' }
  /** Out of the store, once no target holds it. */
  | {
      do: 'remove';
      certificate: string;
      names: string[];
      reason: 'expired' | 'replaced' | 'revoked' | 'forgotten';
    };

/** Why a certificate gets no place. */
export interface Refusal extends Problem {
  /** Fewer certificates of more names each would fit. */
  isFull: boolean;
}

/** A certificate that nobody wants any more, and what becomes of it. */
export interface Retired {
  certificate: string;
  names: string[];
  life: Exclude<Life, 'wanted'>;
  since: Date;
  renewedUntil: Date;
  removedAt: Date | undefined;
}

export interface Plan {
  steps: PassStep[];
  problems: Problem[];
  notices: Problem[];
  postponed: Postponed[];
  retired: Retired[];
  checkAgainAt: Date | undefined;
}
