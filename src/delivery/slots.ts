// pure
import { DEFAULT_SLOT, holderOf, SLOTS, type SlotPlan, type SlotRequest } from './slot-model.ts';
import { roomFor, type SlotRoom } from './slot-room.ts';

/** Which certificate stands in which variable of the marathon-lb app. Pure. Asked again about its own result, it
 * changes nothing.
 * - A certificate keeps its slot while it lives; of two slots it keeps the first. Gaps are filled lowest first.
 * - Only a chosen default certificate (`defaultId`) makes another one move: the two change places.
 * - HAPROXY_SSL_CERT is never empty while a numbered one is set: one of ours moves there, or a placeholder.
 * - What is somebody else's stays, except where a certificate of ours without a slot may take it over.
 *
 * To know before an order whether there is room, ask with all certificates that are wanted. To deliver, ask with
 * those that are issued or stand in a variable already: who is not asked for is taken out. */
export function planSlots(request: SlotRequest): SlotPlan {
  const room = roomFor(request);
  const slots = new Map(request.slots.map((slot) => [slot.variable, slot]));
  const homes = arranged(request, room);
  const assigned: SlotPlan['assigned'] = [];
  const clears: string[] = [];
  const left: string[] = [];
  for (const variable of SLOTS) {
    const id = homes.get(variable);
    const holder = holderOf(slots.get(variable));
    const isForeign = holder === 'foreign' && !room.homes.has(variable);
    // marathon-lb has no use for a placeholder in a numbered one.
    const isPlaceholder = holder === 'placeholder' && variable === DEFAULT_SLOT;
    if (id !== undefined) assigned.push({ id, variable });
    else if (isForeign || isPlaceholder || room.pinned.has(variable)) left.push(variable);
    else if (holder !== 'nobody') clears.push(variable);
  }
  const set = [...assigned.map(({ variable }) => variable), ...left];
  const needsPlaceholder = set.length > 0 && !set.includes(DEFAULT_SLOT);
  return { assigned, clears, needsPlaceholder, refused: room.refused };
}

/** Variable → certificate. */
function arranged(request: SlotRequest, room: SlotRoom): Map<string, string> {
  const homes = new Map(room.homes);
  let homeless = room.newcomers;
  const gaps = new Set(room.free);
  const former = homes.get(DEFAULT_SLOT);
  const next = room.isDefaultOpen ? nextDefault(request, room) : former;
  if (next !== undefined && next !== former) {
    const from = SLOTS.find((variable) => homes.get(variable) === next);
    homes.set(DEFAULT_SLOT, next);
    homeless = homeless.filter((id) => id !== next);
    if (from === undefined) homeless = former === undefined ? homeless : [former, ...homeless];
    else if (former !== undefined) homes.set(from, former);
    else {
      homes.delete(from);
      if (SLOTS.indexOf(from) >= SLOTS.indexOf(request.firstVariable)) gaps.add(from);
    }
  }
  const open = SLOTS.filter((variable) => gaps.has(variable) && !homes.has(variable));
  for (const [index, id] of homeless.entries()) homes.set(open[index] as string, id);
  return homes;
}

/** The chosen one, or whoever stands there. When nobody does: one that has no slot yet, so that none moves. */
function nextDefault(
  { certificates, defaultId }: SlotRequest,
  { homes, newcomers }: SlotRoom,
): string | undefined {
  const placed = new Set(homes.values());
  if (defaultId !== undefined && (placed.has(defaultId) || newcomers.includes(defaultId))) return defaultId;
  return homes.get(DEFAULT_SLOT) ?? newcomers[0] ?? certificates.find(({ id }) => placed.has(id))?.id;
}
