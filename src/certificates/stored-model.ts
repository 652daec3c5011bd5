// pure
import type { CertificateFacts } from '../delivery/bundle.ts';

/** What the store holds of a certificate, as plain data without its key. */

/** `issued`: ordered by us. `inherited`: ordered by the predecessor whose place we take, so replaced like one of ours.
 * `adopted`: found in a target, so perhaps somebody else's. */
export type Origin = 'issued' | 'inherited' | 'adopted';

/** A bundle in the store, in use or not. */
export interface Version extends CertificateFacts {
  /** The identity of its key (delivery/bundle.ts). */
  keyHash: string;
  /** When it came into the store. */
  writtenAt: Date;
}

export interface StoredCertificate extends CertificateFacts {
  origin: Origin;
  /** When it came into the store. */
  storedAt?: Date | undefined;
  /** A person put it back: not renewed by its age before this time. */
  keptUntil?: Date | undefined;
  /** As the value of a variable. */
  bytes?: number | undefined;
  /** Of them the chain without the leaf. */
  chainBytes?: number | undefined;
  /** By which CA and account, where that is written down. */
  issuedBy?: IssuedBy | undefined;
}

export interface IssuedBy {
  directoryUrl: string;
  accountUrl: string;
  /** It is a test CA, whose certificates nobody trusts. */
  isTest?: true | undefined;
}
