import { DEFAULT_SLOT, type Slot, type SlotPlan, type SlotRequest } from '../../src/delivery/slot-model.ts';

/** What stands in a variable: `ours:a`, a placeholder, or something of somebody else. */
export type Held =
  | { kind: 'ours'; id: string; bytes: number }
  | { kind: 'placeholder' }
  | { kind: 'foreign' | 'unreadable'; bytes: number; takenOverBy?: string | undefined }
  | { kind: 'secret' };

/** The variables of an app and the certificates that are wanted there. */
export interface SlotWorld {
  held: Map<string, Held>;
  certificates: { id: string; bytes: number }[];
  defaultId: string | undefined;
  firstVariable: string;
  limits: { variableBytes: number; totalBytes: number };
}

export const PLACEHOLDER_BYTES = 120;

export function requestOf({ held, ...world }: SlotWorld): SlotRequest {
  const slots = [...held].map(([variable, one]) => slotOf(variable, one));
  return { ...world, slots, placeholderBytes: PLACEHOLDER_BYTES };
}

/** What the app holds when the plan was written. */
export function written({ held, certificates }: SlotWorld, plan: SlotPlan): Map<string, Held> {
  const next = new Map(held);
  for (const variable of plan.clears) next.delete(variable);
  for (const { id, variable } of plan.assigned) {
    const bytes = certificates.find((one) => one.id === id)?.bytes ?? 0;
    next.set(variable, { kind: 'ours', id, bytes });
  }
  if (plan.needsPlaceholder) next.set(DEFAULT_SLOT, { kind: 'placeholder' });
  return next;
}

/** Variables that another certificate, or none, stands in afterwards; a new version is no such change. */
export function movedBetween(before: Map<string, Held>, after: Map<string, Held>): string[] {
  const variables = new Set([...before.keys(), ...after.keys()]);
  return [...variables].filter((variable) => nameOf(before.get(variable)) !== nameOf(after.get(variable)));
}

export function nameOf(held: Held | undefined): string {
  return held === undefined ? '' : held.kind === 'ours' ? `ours:${held.id}` : held.kind;
}

export function totalOf(held: Map<string, Held>): number {
  return [...held].reduce((sum, [variable, one]) => sum + sizeOf(variable, one), 0);
}

function sizeOf(variable: string, held: Held): number {
  if (held.kind === 'secret') return 0;
  if (held.kind === 'placeholder') return PLACEHOLDER_BYTES;
  return variable.length + 1 + held.bytes;
}

function slotOf(variable: string, held: Held): Slot {
  const bytes = sizeOf(variable, held);
  const none = { owner: undefined, isPlaceholder: false, takenOverBy: undefined };
  switch (held.kind) {
    case 'secret':
      return { variable, bytes, content: { kind: 'secret' } };
    case 'unreadable':
      return { variable, bytes, content: { kind: 'unreadable', takenOverBy: held.takenOverBy } };
    case 'placeholder':
      return { variable, bytes, content: { kind: 'certificate', ...none, isPlaceholder: true } };
    case 'foreign':
      return { variable, bytes, content: { kind: 'certificate', ...none, takenOverBy: held.takenOverBy } };
    case 'ours':
      return { variable, bytes, content: { kind: 'certificate', ...none, owner: held.id } };
  }
}
