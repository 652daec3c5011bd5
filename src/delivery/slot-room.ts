// pure
import {
  DEFAULT_SLOT,
  holderOf,
  type RefusedSlot,
  SLOTS,
  type Slot,
  type SlotRequest,
} from './slot-model.ts';

/** Who gets room, before it is decided where. */
export interface SlotRoom {
  /** Variable → certificate: those that stand there, or take the place of somebody else's. */
  homes: Map<string, string>;
  /** Certificates that get one of the free slots, the most preferred first. */
  newcomers: string[];
  /** Free slots in the order of the bind line. */
  free: string[];
  /** Variables with an older version of ours over which nothing can be put, since the new one does not fit. */
  pinned: Set<string>;
  /** May the default certificate be put into HAPROXY_SSL_CERT? */
  isDefaultOpen: boolean;
  refused: RefusedSlot[];
}

interface Claim {
  id: string;
  /** The slot that it stands in or takes over. */
  slot: Slot | undefined;
  isStanding: boolean;
  /** By how much all variables together grow. */
  growth: number;
}

/** Every certificate of ours is counted as if it stood in the variable with the longest name: then moving one
 * never changes what fits, at the price of at most three bytes. */
const LONGEST_NAME = `${SLOTS.at(-1)}=`.length;
const READ = new Set(SLOTS);

/** Which certificates fit, by size and number of slots. Pure. First come those that make nothing larger, then
 * those that stand already, then the default one, then the others as they are preferred; whoever does not fit is
 * passed over. Asked again about its own result, it answers the same. */
export function roomFor(request: SlotRequest): SlotRoom {
  const { certificates, limits } = request;
  const slots = new Map(request.slots.map((slot) => [slot.variable, slot]));
  const wanted = new Set(certificates.map(({ id }) => id));
  const standing = firstSlots(slots, wanted, ownerOf);
  const { free, isOpen } = freeSlots(request, slots, standing);
  const { claims, refused } = claimsOf(request, standing, firstSlots(slots, wanted, takerOf));
  const room: SlotRoom = {
    homes: new Map(),
    newcomers: [],
    free,
    pinned: new Set(),
    isDefaultOpen: isOpen,
    refused,
  };
  const needing = claims.filter(({ slot }) => slot === undefined).length;
  let total = bytesBefore(request, slots, standing, isOpen);
  for (const { id, slot, growth } of claims) {
    if (slot === undefined && room.newcomers.length === free.length) {
      const message = `${needing} certificate${needing === 1 ? ' needs' : 's need'} a slot and ${free.length} ${free.length === 1 ? 'is' : 'are'} free`;
      refused.push({ id, reason: 'no-slot', message });
    } else if (growth > 0 && total + growth > limits.totalBytes) {
      const message = `All certificates together would need ${counted(total + growth)} bytes with ${id}; ${counted(limits.totalBytes)} are allowed`;
      refused.push({ id, reason: 'total', message });
    } else {
      total += growth;
      if (slot === undefined) room.newcomers.push(id);
      else room.homes.set(slot.variable, id);
      if (slot?.variable === DEFAULT_SLOT) room.isDefaultOpen = true;
    }
  }
  for (const { id } of refused) {
    const variable = standing.get(id)?.variable;
    if (variable !== undefined) room.pinned.add(variable);
  }
  if (room.pinned.has(DEFAULT_SLOT)) room.isDefaultOpen = false;
  return room;
}

/** Who asks for room, in the order in which it is given; and who needs more than a variable can hold. */
function claimsOf(
  { certificates, limits, defaultId }: SlotRequest,
  standing: ReadonlyMap<string, Slot>,
  takeovers: ReadonlyMap<string, Slot>,
): { claims: Claim[]; refused: RefusedSlot[] } {
  const refused: RefusedSlot[] = [];
  const claims = certificates.flatMap(({ id, bytes }): Claim[] => {
    const size = bytes + LONGEST_NAME;
    if (size > limits.variableBytes) {
      const message = `${id} would need ${counted(size)} bytes; ${counted(limits.variableBytes)} are allowed for a variable`;
      refused.push({ id, reason: 'too-large', message });
      return [];
    }
    const own = standing.get(id);
    if (own !== undefined) return [{ id, slot: own, isStanding: true, growth: size - sizeOfOurs(own) }];
    const taken = takeovers.get(id);
    return [{ id, slot: taken, isStanding: false, growth: size - (taken?.bytes ?? 0) }];
  });
  const rank = ({ id, slot, isStanding, growth }: Claim): number => {
    if (slot !== undefined && growth <= 0) return 0;
    return isStanding ? 1 : id === defaultId ? 2 : 3;
  };
  return { claims: claims.sort((one, other) => rank(one) - rank(other)), refused };
}

function ownerOf(slot: Slot): string | undefined {
  const { content } = slot;
  return content.kind === 'certificate' && holderOf(slot) === 'ours' ? content.owner : undefined;
}

function takerOf(slot: Slot): string | undefined {
  const { content } = slot;
  const isReplaceable = holderOf(slot) === 'foreign' && 'takenOverBy' in content;
  return isReplaceable ? content.takenOverBy : undefined;
}

function firstSlots(
  slots: ReadonlyMap<string, Slot>,
  wanted: ReadonlySet<string>,
  idOf: (slot: Slot) => string | undefined,
): Map<string, Slot> {
  const found = new Map<string, Slot>();
  for (const variable of SLOTS) {
    const slot = slots.get(variable);
    const id = slot === undefined ? undefined : idOf(slot);
    if (slot !== undefined && id !== undefined && wanted.has(id) && !found.has(id)) found.set(id, slot);
  }
  return found;
}

function freeSlots(
  { firstVariable }: SlotRequest,
  slots: ReadonlyMap<string, Slot>,
  standing: ReadonlyMap<string, Slot>,
): { free: string[]; isOpen: boolean } {
  const occupied = new Set([...standing.values()].map(({ variable }) => variable));
  const atDefault = holderOf(slots.get(DEFAULT_SLOT));
  const isOpen = atDefault !== 'foreign' && (firstVariable === DEFAULT_SLOT || atDefault === 'ours');
  const range = SLOTS.slice(Math.max(1, SLOTS.indexOf(firstVariable)));
  const free = [...(isOpen ? [DEFAULT_SLOT] : []), ...range].filter(
    (variable) => !occupied.has(variable) && holderOf(slots.get(variable)) !== 'foreign',
  );
  return { free, isOpen };
}

/** What stays when those of ours that are wanted no more are gone, and nothing new has come. */
function bytesBefore(
  { slots, placeholderBytes }: SlotRequest,
  known: ReadonlyMap<string, Slot>,
  standing: ReadonlyMap<string, Slot>,
  isDefaultOpen: boolean,
): number {
  const kept = new Set(standing.values());
  const sizes = slots.map((slot) => {
    const holder = READ.has(slot.variable) ? holderOf(slot) : 'foreign';
    if (holder === 'ours') return kept.has(slot) ? sizeOfOurs(slot) : 0;
    // Ours replaces a placeholder as soon as there is one of ours.
    if (holder === 'placeholder') return slot.variable === DEFAULT_SLOT && !isDefaultOpen ? slot.bytes : 0;
    return holder === 'foreign' ? slot.bytes : 0;
  });
  const isLeftEmpty = !isDefaultOpen && holderOf(known.get(DEFAULT_SLOT)) === 'nobody';
  return sizes.reduce((sum, size) => sum + size, isLeftEmpty ? placeholderBytes : 0);
}

function sizeOfOurs({ variable, bytes }: Slot): number {
  return bytes - variable.length - 1 + LONGEST_NAME;
}

function counted(bytes: number): string {
  return bytes.toLocaleString('en');
}
