// pure
import type { Group, Live } from './pack-groups.ts';
import { type Part, placeNames, rooms, roomsToFill, uncovered } from './pack-place.ts';

/** Places a group, and takes over certificates that nobody needs any more rather than ordering. Pure.
 *
 * Taken over is a certificate of another group (the mode changed, an app was renamed) or of the same names chosen
 * otherwise, when its names that are still wanted are all of this group, and when that makes no more certificates
 * and orders than without it: packing closer is what a change of the mode is for. One that covers exactly a set
 * that would be ordered is taken over in any case.
 * @param lives the certificates of the group, by id
 * @param free those in which no group has names; what is taken is taken out of it */
export function placeGroup(
  group: Group,
  lives: readonly Live[],
  free: Set<Live>,
  coverers: ReadonlyMap<string, Live[]>,
): Part[] {
  const own = [...lives];
  for (;;) {
    const parts = placeNames(group, own);
    const taken = usable(group, parts, free, coverers);
    if (taken.length === 0) return parts;
    for (const live of taken) free.delete(live);
    own.push(...taken);
    own.sort(
      (left, right) =>
        order(left, group) - order(right, group) || (left.before.id < right.before.id ? -1 : 1),
    );
  }
}

function usable(
  group: Group,
  parts: readonly Part[],
  free: ReadonlySet<Live>,
  coverers: ReadonlyMap<string, Live[]>,
): Live[] {
  const changed = parts.filter(({ isChanged }) => isChanged);
  if (changed.length === 0 || free.size === 0) return [];
  const missing = new Set(uncovered(parts));
  const members = new Set(group.names);
  const candidates = new Set<Live>();
  for (const name of changed.flatMap(({ names }) => names))
    for (const live of coverers.get(name) ?? []) if (free.has(live)) candidates.add(live);
  const alike = [...candidates].filter(
    (live) =>
      (live.choiceKey === group.choiceKey || live.before.key === group.key) &&
      live.covers.every((name) => members.has(name)),
  );
  if (alike.length === 0) return [];
  const left = rooms(
    parts.filter(({ live }) => live !== undefined).map((part) => withoutNew(part, missing)),
    group.limit,
  );
  const taken: Live[] = [];
  for (const live of alike.sort(byUse(group, missing))) {
    const count = Math.min(live.covers.filter((name) => missing.has(name)).length, group.limit);
    const without = roomsToFill(left, missing.size, group.limit);
    const rest = roomsToFill(left, missing.size - count, group.limit);
    const isMore = rest.fresh + 1 > without.fresh;
    const isDearer = order(live, group) + rest.filled + rest.fresh > without.filled + without.fresh;
    if (count === 0 || isMore || isDearer) continue;
    taken.push(live);
    for (const name of live.covers.slice(0, group.limit)) missing.delete(name);
  }
  return taken.length > 0 ? taken : alike.filter((live) => isOrdered(live, group, parts));
}

/** The part as it was before names were added that its certificate does not cover. */
function withoutNew(part: Part, missing: ReadonlySet<string>): Part {
  return part.isChanged ? { ...part, names: part.names.filter((name) => !missing.has(name)) } : part;
}

/** Those that need no order first, then those with the most names. */
function byUse(group: Group, missing: ReadonlySet<string>): (left: Live, right: Live) => number {
  const use = (live: Live) => live.covers.filter((name) => missing.has(name)).length;
  return (left, right) =>
    order(left, group) - order(right, group) ||
    use(right) - use(left) ||
    (left.before.id < right.before.id ? -1 : 1);
}

/** One that has to be ordered anew for its choice comes after those that need not. */
function order(live: Live, group: Group): 0 | 1 {
  return live.choiceKey === group.choiceKey ? 0 : 1;
}

/** Would exactly the names of this certificate be ordered again? */
function isOrdered(live: Live, group: Group, parts: readonly Part[]): boolean {
  if (live.choiceKey !== group.choiceKey) return false;
  const names = new Set(live.before.names);
  return parts.some(
    (part) =>
      part.isChanged && part.names.length === names.size && part.names.every((name) => names.has(name)),
  );
}
