import { type BundleKeyType, estimatedBytes } from '../delivery/bundle-size.ts';
import { type RefusedSlot, SLOTS, type SlotContent } from '../delivery/slot-model.ts';
import { planSlots } from '../delivery/slots.ts';
import { urgentAt } from '../delivery/timing.ts';
import { contentMark, type VariableContent } from '../delivery/variable.ts';
import type { PlaceState } from './model.ts';
import { certificateState, type Known, type Owners, type TargetTools } from './observe-targets.ts';
import { takenOver } from './take-over.ts';
import type { CertificatePlace, ObservedCertificate, ObservedTarget, Refusal } from './world.ts';

/** A variable whose name begins like that of a slot, and what it holds. */
export interface HeldVariable {
  variable: string;
  /** Of `NAME=value`. */
  bytes: number;
  content: VariableContent;
}

/** In which variable each certificate stands, or is to stand. Pure.
 * @param known with those certificates only that are delivered there
 * @param left variables from which nothing may be adopted */
export function placesAmong(
  variables: readonly HeldVariable[],
  appId: string,
  { certificates: here, owners, now }: Pick<Known, 'certificates' | 'owners' | 'now'>,
  tools: Pick<TargetTools, 'variable' | 'replaceForeign' | 'variableLimits' | 'defaultName' | 'keyType'>,
  left: ReadonlySet<string> = new Set(),
): Pick<ObservedTarget, 'places' | 'holds' | 'refused' | 'clears' | 'isClearDue' | 'marks'> {
  const { variable: first, replaceForeign, variableLimits: limits, defaultName } = tools;
  const held = variables.filter(({ variable }) => SLOTS.includes(variable)).sort(byVariable);
  const stateOf = new Map(held.map((each) => [each.variable, stateIn(each.content, owners)]));
  const holds = holdsOf(held, owners);
  const marks = new Map(held.map(({ variable, content }) => [variable, contentMark(content)]));
  const blocked = stateOf.get(first);
  // What stands in the first variable decides what clients are shown; without knowing it nothing is delivered.
  if (blocked?.kind === 'secret' || (blocked?.kind === 'unreadable' && !replaceForeign)) {
    const place = placeAt(first, appId, blocked, []);
    return {
      places: new Map(here.map(({ id }) => [id, place])),
      holds,
      marks,
      refused: new Map(),
      clears: [],
    };
  }
  const takes = takenOver(
    held.flatMap(({ variable, content }) =>
      content.kind === 'certificate' && owners.ownerOf(content.facts.fingerprint) === undefined
        ? [{ at: variable, facts: content.facts }]
        : [],
    ),
    here,
    { replaceForeign, first, isBefore: (id, at) => standsBefore(id, at, held, owners), left },
  );
  const behind = standingBehind(takes.by, held, owners);
  const slots = variables.map(({ variable, bytes, content }) => ({
    variable,
    bytes,
    content: behind.has(variable)
      ? { ...LEFT, owner: '' }
      : slotContent(content, stateOf.get(variable), takes.by.get(variable), owners, replaceForeign),
  }));
  const planFor = (certificates: readonly ObservedCertificate[]) =>
    planSlots({
      slots,
      certificates: certificates.map((each) => ({ id: each.id, bytes: bytesOf(each, here, tools.keyType) })),
      defaultId: certificates.find(({ names }) => defaultName !== undefined && names.includes(defaultName))
        ?.id,
      firstVariable: first,
      placeholderBytes: PLACEHOLDER_BYTES,
      limits,
    });
  // What is not issued yet can not be written with the others, so it moves none of them.
  const all = planFor(here);
  // One whose bundle was lost stays where it stands until it is adopted or ordered anew; one that is over without
  // having been written is as good as none.
  const issued = planFor(
    here.filter(({ id, stored }) => holds.has(id) || (stored !== undefined && stored.notAfter > now)),
  );
  const refused = new Map([...all.refused, ...issued.refused].map((each) => [each.id, refusal(each, appId)]));
  const assigned = new Map([...all.assigned, ...issued.assigned].map(({ id, variable }) => [id, variable]));
  // What may only be adopted in its place is left alone when its taker would get another one.
  const missed = [...takes.by].flatMap(([at, id]) =>
    takes.adopted.has(at) && assigned.get(id) !== at ? [at] : [],
  );
  if (missed.length > 0)
    return placesAmong(
      variables,
      appId,
      { certificates: here, owners, now },
      tools,
      new Set([...left, ...missed]),
    );
  const places = new Map(
    [...assigned].map(([id, variable]): [string, CertificatePlace] => {
      // HAProxy shows the first of equal names.
      const before = (takes.rivals.get(id) ?? []).filter(
        ({ at }) => SLOTS.indexOf(at) < SLOTS.indexOf(variable),
      );
      const rivals = before.map(({ at, facts }) => ({ place: `${at} of ${appId}`, facts }));
      return [id, placeAt(variable, appId, stateFor(id, stateOf.get(variable), owners), rivals)];
    }),
  );
  const names = new Set(here.flatMap((each) => each.names));
  const { clears } = issued;
  const current = new Set(here.flatMap((each) => each.stored?.names ?? []));
  const isClearDue = held.some(
    ({ variable, content }) =>
      clears.includes(variable) &&
      content.kind === 'certificate' &&
      content.facts.names.some((name) => names.has(name) && current.has(name)) &&
      now >= urgentAt(content.facts),
  );
  return { places, holds, marks, refused, clears, isClearDue };
}

function standsBefore(id: string, at: string, held: readonly HeldVariable[], { ownerOf }: Owners): boolean {
  const own = held.find(
    ({ content }) => content.kind === 'certificate' && ownerOf(content.facts.fingerprint) === id,
  );
  return own !== undefined && SLOTS.indexOf(own.variable) < SLOTS.indexOf(at);
}

/** A version of ours that is not needed where it stands. */
const LEFT = { kind: 'certificate', isPlaceholder: false, takenOverBy: undefined } as const;

/** Variables of certificates that take over a place before their own: HAProxy shows the first of equal names, so
 * they have to move there. */
function standingBehind(
  by: ReadonlyMap<string, string>,
  held: readonly HeldVariable[],
  { ownerOf }: Owners,
): Set<string> {
  const first = new Map<string, string>();
  for (const [at, id] of by)
    if (!first.has(id) || SLOTS.indexOf(at) < SLOTS.indexOf(first.get(id) ?? '')) first.set(id, at);
  return new Set(
    held.flatMap(({ variable, content }) => {
      const owner = content.kind === 'certificate' ? ownerOf(content.facts.fingerprint) : undefined;
      const before = owner === undefined ? undefined : first.get(owner);
      return before !== undefined && SLOTS.indexOf(before) < SLOTS.indexOf(variable) ? [variable] : [];
    }),
  );
}

/** RSA, with a chain of nothing. */
const PLACEHOLDER_BYTES = 3_200;

function slotContent(
  content: VariableContent,
  state: PlaceState | undefined,
  takenOverBy: string | undefined,
  { ownerOf }: Owners,
  replaceForeign: boolean,
): SlotContent {
  if (content.kind === 'unreadable' && replaceForeign) return { kind: 'empty' };
  if (content.kind !== 'certificate') return { kind: content.kind };
  return {
    kind: 'certificate',
    owner: ownerOf(content.facts.fingerprint),
    isPlaceholder: state?.kind === 'certificate' && state.placeholder,
    takenOverBy,
  };
}

/** Certificates of ours of which a version is held. Pure. */
export function holdsOf(held: readonly HeldVariable[], { ownerOf }: Owners): Set<string> {
  return new Set(
    held.flatMap(({ content }) =>
      content.kind === 'certificate' ? (ownerOf(content.facts.fingerprint) ?? []) : [],
    ),
  );
}

function byVariable(one: HeldVariable, other: HeldVariable): number {
  return SLOTS.indexOf(one.variable) - SLOTS.indexOf(other.variable);
}

/** Whatever does not fit alone does not fit in another packing either. */
function refusal({ id, reason, message }: RefusedSlot, appId: string): Refusal {
  const words = `${id} gets no place in ${appId}: ${message}`;
  return { code: 'DELIVERY_TOO_LARGE', message: words, isFull: reason !== 'too-large' };
}

/** What a certificate finds in its place. */
function stateFor(id: string, state: PlaceState = { kind: 'empty' }, { ownerOf }: Owners): PlaceState {
  if (state.kind !== 'certificate') return state;
  const owner = ownerOf(state.facts.fingerprint);
  return owner === undefined || owner === id ? state : { ...state, isOthers: true };
}

function placeAt(
  at: string,
  appId: string,
  state: PlaceState,
  rivals: CertificatePlace['rivals'],
): CertificatePlace {
  return { at, place: `${at} of ${appId}`, state, superfluous: [], rivals };
}

function stateIn(content: VariableContent, owners: Owners): PlaceState {
  return content.kind === 'certificate' ? certificateState(content.facts, owners) : content;
}

/** What is not issued yet is estimated, best by another one of ours. */
function bytesOf(
  { stored, names, choice }: ObservedCertificate,
  here: readonly ObservedCertificate[],
  keyType: string,
): number {
  const covers = stored !== undefined && names.every((name) => stored.names.includes(name));
  if (covers && stored.bytes !== undefined) return stored.bytes;
  const type = (choice.keyType ?? keyType) as BundleKeyType;
  const like = here.find((each) => each.stored?.chainBytes !== undefined)?.stored;
  return estimatedBytes(type, names, like?.chainBytes);
}
