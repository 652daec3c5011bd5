// pure
import { z } from 'zod';
import { CertathonError } from '../lib/errors.ts';

/** The JSON files of the store. Each is written by this program alone and read with suspicion all the same. */

const fingerprint = z.string().regex(/^[0-9a-f]{64}$/);

/** What must survive a crash between asking the CA and holding the certificate. Contains the new private key. */
export const BEGUN_ORDER = z.object({
  directoryUrl: z.string(),
  names: z.array(z.string()),
  /** Absent between writing the key and the CA's first answer. */
  url: z.string().optional(),
  keyPem: z.string(),
  /** How far it came, as far as was written down: the key is there, the CA knows the order, all names are proven. */
  step: z.enum(['begun', 'ordered', 'proven']).optional(),
  /** When the CA forgets it, as far as the CA said. */
  expiresAt: z.coerce.date().optional(),
});
export type BegunOrder = z.infer<typeof BEGUN_ORDER>;

/** Which bundle is in use, and which this program issued. */
export const CURRENT = z.object({
  fingerprint,
  origin: z.enum(['issued', 'inherited', 'adopted']),
  orderUrl: z.string().optional(),
  storedAt: z.coerce.date().optional(),
  /** A person put it back: not renewed by its age before this time. */
  keptUntil: z.coerce.date().optional(),
  /** Fingerprints issued by us, newest last; kept after their bundles are pruned. */
  issued: z.array(fingerprint),
  /** By which CA and account it was issued. */
  issuedBy: z
    .object({ directoryUrl: z.string(), accountUrl: z.string(), isTest: z.literal(true).optional() })
    .optional(),
});
export type Current = z.infer<typeof CURRENT>;

export const CHOICE = z.object({
  keyType: z.string().optional(),
  profile: z.string().optional(),
  directoryUrl: z.string().optional(),
  own: z.literal(true).optional(),
});

/** For whom a certificate is, beside its bundles. */
export const CERTIFICATE_RECORD = z.object({
  /** The owner by which names are packed: an app, a registered domain … (certificates/pack.ts). */
  key: z.string(),
  choice: CHOICE,
  /** What it was made for, for as long as there is neither a bundle nor an order. */
  names: z.array(z.string()).optional(),
  /** It was about to be ordered by another choice: once something newer than `after` was issued, it is by that. */
  ordered: z.object({ choice: CHOICE, after: fingerprint.optional() }).optional(),
  /** Since when nobody wants it. */
  goneSince: z.coerce.date().optional(),
  /** When a person asked to forget it; it goes as soon as no target holds it. */
  forgottenAt: z.coerce.date().optional(),
  /** Versions that are never taken into use again by themselves, newest last. */
  aside: z
    .array(z.object({ fingerprint, why: z.enum(['rolled-back', 'chosen-otherwise', 'unusable']) }))
    .optional(),
});
export type CertificateRecord = z.infer<typeof CERTIFICATE_RECORD>;

export const HOLD = z.object({
  since: z.coerce.date(),
  until: z.coerce.date(),
  code: z.string(),
  reason: z.string(),
  failures: z.number().int().nonnegative(),
  byCa: z.boolean(),
  isPaused: z.literal(true).optional(),
  directoryUrl: z.string().optional(),
  troubles: z.number().int().nonnegative().optional(),
});

/** Orders of one certificate may be held at several CAs. One alone stands as it is, as earlier versions wrote it. */
export const HOLDS = z.union([
  HOLD.transform((hold) => [hold]),
  z.object({ holds: z.array(HOLD) }).transform(({ holds }) => holds),
]);

const text = z.string().max(2048);

/** What a CA said about when to renew a certificate, or that it could not be learned. */
export const RENEWAL_INFO = z.object({
  fingerprint,
  directoryUrl: text,
  /** RFC 9773 4.2: the CA's window, the end excluded. */
  window: z.object({ start: z.coerce.date(), end: z.coerce.date() }).optional(),
  explanationUrl: text.optional(),
  /** The first look at this certificate. */
  since: z.coerce.date(),
  /** Before this the CA's word alone does not renew it (certificates/look-again.ts). */
  restUntil: z.coerce.date().optional(),
  /** When the window was last told. */
  seenAt: z.coerce.date().optional(),
  /** The next look. */
  askAt: z.coerce.date(),
  /** Looks in a row that failed. */
  failures: z.number().int().nonnegative(),
});
export type RenewalInfo = z.infer<typeof RENEWAL_INFO>;

/** A CA that is not asked about renewals before a time. */
export const LOOK_HOLD = z.object({
  since: z.coerce.date(),
  until: z.coerce.date(),
  /** Looks in a row that failed; 0: it does not speak of renewals. */
  failures: z.number().int().nonnegative(),
});
export type LookHold = z.infer<typeof LOOK_HOLD>;

/** A revocation that a person asked for. Written before the CA is asked, and kept: neither the certificate nor, where
 * it is lost, its key is used again. */
export const REVOCATION = z.object({
  certificate: z.string(),
  fingerprint,
  names: z.array(z.string()),
  reason: z.enum([
    'unspecified',
    'keyCompromise',
    'affiliationChanged',
    'superseded',
    'cessationOfOperation',
  ]),
  by: z.enum(['account', 'key']),
  directoryUrl: z.string(),
  /** Of its key (delivery/bundle.ts). */
  keyHash: fingerprint,
  askedAt: z.coerce.date(),
  /** `already`: it had been revoked before. `refused`: the CA did not do it, but the key counts as lost. */
  state: z.enum(['asked', 'revoked', 'already', 'refused']),
});
export type Revocation = z.infer<typeof REVOCATION>;

/** A delivery to a target that was begun and not seen to its end. */
export const BEGUN_DELIVERY = z.object({
  fingerprint: z.string(),
  appId: z.string(),
  /** Version of the app before our write: if the next version is ours, its deployment is too. */
  beforeVersion: z.string(),
  deploymentId: z.string().optional(),
  previous: z.object({ fingerprint: z.string(), names: z.array(z.string()) }).optional(),
});

export const DELIVERED = z.object({ at: z.coerce.date() });

/** A file of ours, which only we write: damage is reported by name and nothing is guessed.
 * @throws STORE_UNUSABLE */
export function parseStored<T>(path: string, text: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    // Without the cause: its words may quote the file, which may hold a key.
    throw new CertathonError(
      'STORE_UNUSABLE',
      `The file ${path} is damaged (no JSON of the expected form); move it away to go on without it`,
    );
  }
}
