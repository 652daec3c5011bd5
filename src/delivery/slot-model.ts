// pure

/** The variable whose certificate is the default one, and without which marathon-lb reads none of the others. */
export const DEFAULT_SLOT = 'HAPROXY_SSL_CERT';

/** The variables that marathon-lb makes certificate files of, in the order of its bind line.
 * @source marathon-lb `run` */
export const SLOTS: readonly string[] = [
  DEFAULT_SLOT,
  ...Array.from({ length: 101 }, (_, number) => `${DEFAULT_SLOT}${number}`),
];

export type SlotContent =
  | { kind: 'empty' }
  | { kind: 'secret' }
  /** `takenOverBy`: only where replacing what is no bundle was allowed. */
  | { kind: 'unreadable'; takenOverBy?: string | undefined }
  | {
      kind: 'certificate';
      /** The certificate of ours that this is a version of, be it an older one; undefined: somebody else's. */
      owner: string | undefined;
      isPlaceholder: boolean;
      /** The certificate of ours that may replace this one of somebody else. */
      takenOverBy: string | undefined;
    };

export interface Slot {
  variable: string;
  /** Of `NAME=value`. */
  bytes: number;
  content: SlotContent;
}

export interface SlotRequest {
  /** Variables that begin with HAPROXY_SSL_CERT; those that are not set may be left out. One that marathon-lb
   * does not read counts by its size only. */
  slots: readonly Slot[];
  /** In order of preference. `bytes`: size of the value, measured or estimated. */
  certificates: readonly { id: string; bytes: number }[];
  /** The certificate for clients without SNI; undefined leaves that to whoever stands there. */
  defaultId: string | undefined;
  /** Where slots begin. A numbered one leaves HAPROXY_SSL_CERT to somebody else, unless one of ours is in it. */
  firstVariable: string;
  /** Of `NAME=value`, for when HAPROXY_SSL_CERT is left to somebody else and empty. */
  placeholderBytes: number;
  limits: SlotLimits;
}

export interface SlotLimits {
  /** Of one `NAME=value`. */
  variableBytes: number;
  /** Of all variables that begin with HAPROXY_SSL_CERT, whoever set them. */
  totalBytes: number;
}

export interface RefusedSlot {
  id: string;
  reason: 'no-slot' | 'too-large' | 'total';
  message: string;
}

export interface SlotPlan {
  /** In the order of the bind line. A refused certificate that has a slot keeps its older version there. */
  assigned: { id: string; variable: string }[];
  /** Variables whose certificate of ours is wanted no more, moved away or stands twice; and of somebody else's
   * whose successor moved on to HAPROXY_SSL_CERT at once. */
  clears: string[];
  /** HAPROXY_SSL_CERT would be empty while a numbered one is set. */
  needsPlaceholder: boolean;
  refused: RefusedSlot[];
}

/** Who decides about what a slot holds. */
export function holderOf(slot: Slot | undefined): 'nobody' | 'ours' | 'placeholder' | 'foreign' {
  if (slot === undefined || slot.content.kind === 'empty') return 'nobody';
  if (slot.content.kind !== 'certificate') return 'foreign';
  if (slot.content.isPlaceholder) return 'placeholder';
  return slot.content.owner === undefined ? 'foreign' : 'ours';
}
