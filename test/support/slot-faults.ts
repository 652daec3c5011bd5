import { DEFAULT_SLOT, SLOTS, type SlotPlan } from '../../src/delivery/slot-model.ts';
import { planSlots } from '../../src/delivery/slots.ts';
import { type Held, nameOf, PLACEHOLDER_BYTES, requestOf, type SlotWorld, totalOf } from './slot-world.ts';

/** Which promises of planSlots() a plan breaks, in words.
 * @param next what the app holds when the plan was written */
export function faults(before: SlotWorld, plan: SlotPlan, next: Map<string, Held>): string[] {
  const { certificates, limits, defaultId } = before;
  const found: string[] = [];
  const must = (holds: boolean, fault: string) => {
    if (!holds) found.push(fault);
  };
  const slotOf = new Map(plan.assigned.map(({ id, variable }) => [id, variable]));
  const ours = (held: Held | undefined) => (held?.kind === 'ours' ? held.id : undefined);
  const wanted = new Set(certificates.map(({ id }) => id));
  const refused = new Set(plan.refused.map(({ id }) => id));

  // Nobody is forgotten, nobody stands twice.
  must(slotOf.size === plan.assigned.length, 'one certificate is assigned twice');
  for (const id of wanted) must(slotOf.has(id) !== refused.has(id), `${id} is neither or both`);
  must(
    [...slotOf.keys(), ...refused].every((id) => wanted.has(id)),
    'somebody is assigned who is not wanted',
  );
  const standing = [...next.values()].flatMap((held) => ours(held) ?? []);
  must(new Set(standing).size === standing.length, 'one certificate stands twice');
  must(
    standing.every((id) => wanted.has(id)),
    'one that ended is left',
  );
  must(
    plan.clears.every((variable) => !plan.assigned.some((one) => one.variable === variable)),
    'cleared and assigned',
  );

  // What is somebody else's stays, unless it is taken over by one without a slot.
  for (const [variable, held] of before.held) {
    if (held.kind === 'ours' || held.kind === 'placeholder') continue;
    if (nameOf(next.get(variable)) === nameOf(held)) continue;
    const taker = held.kind === 'secret' ? undefined : held.takenOverBy;
    const hadSlot = [...before.held.values()].some((one) => ours(one) === taker);
    must(taker !== undefined && slotOf.has(taker) && !hadSlot, `${variable} is somebody else's`);
  }

  // marathon-lb reads all of them.
  const set = [...next.keys()];
  must(set.length === 0 || next.has(DEFAULT_SLOT), 'HAPROXY_SSL_CERT is empty');
  must(
    !plan.needsPlaceholder || !before.held.has(DEFAULT_SLOT) || plan.clears.includes(DEFAULT_SLOT),
    'the placeholder overwrites something',
  );

  // Sizes.
  for (const { id, variable } of plan.assigned) {
    const bytes = certificates.find((one) => one.id === id)?.bytes ?? 0;
    must(`${variable}=`.length + bytes <= limits.variableBytes, `${variable} is too large`);
  }
  const spare = plan.needsPlaceholder ? PLACEHOLDER_BYTES : 0;
  const most = Math.max(limits.totalBytes, totalOf(before.held) + spare);
  must(totalOf(next) <= most, 'all together are too large');

  // Each keeps its first slot, but for the default certificate and who makes room for it.
  const inDefault = ours(next.get(DEFAULT_SLOT));
  const wasInDefault = ours(before.held.get(DEFAULT_SLOT));
  const all = [...before.held.keys()];
  for (const id of wanted) {
    const former = all.filter((variable) => ours(before.held.get(variable)) === id);
    const first = SLOTS.find((variable) => former.includes(variable));
    if (first === undefined || ours(next.get(first)) === id) continue;
    const isExcused = inDefault === id || (wasInDefault === id && inDefault === defaultId);
    must(isExcused, `${id} left ${first}`);
  }
  const isOpen = inDefault !== undefined && !refused.has(inDefault);
  if (isOpen && defaultId !== undefined && slotOf.has(defaultId))
    must(inDefault === defaultId, 'the chosen one is not the default certificate');
  if (before.firstVariable === DEFAULT_SLOT && next.get(DEFAULT_SLOT)?.kind === 'placeholder')
    must(plan.assigned.length === 0, 'a placeholder stands before one of ours');

  // Nothing happens twice.
  const again = planSlots(requestOf({ ...before, held: next }));
  must(JSON.stringify(again.assigned) === JSON.stringify(plan.assigned), 'the second plan assigns otherwise');
  must(again.clears.length === 0 && !again.needsPlaceholder, 'the second plan changes something');
  must(
    again.refused.every(({ id }) => refused.has(id)),
    'the second plan refuses otherwise',
  );
  return found;
}
