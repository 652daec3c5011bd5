// pure
import type { Group, Live } from './pack-groups.ts';

/** The names that one certificate is to have; without `live` it is a new one. */
export interface Part {
  live: Live | undefined;
  /** Sorted. */
  names: string[];
  /** It has names that its certificate does not cover, or is chosen otherwise: it has to be ordered. */
  isChanged: boolean;
}

/** Where the names of a group go. Pure.
 *
 * A name that a certificate of the group covers stays in the first such one with room, by id: asking again gives
 * the same answer, and what a certificate covers without need never counts. The others go where the fewest
 * certificates change: into the room that there is, and else into new ones.
 * @param lives the certificates of the group, by id */
export function placeNames(group: Group, lives: readonly Live[]): Part[] {
  if (lives.length === 0) return fill([], group.names, group.limit);
  const [live] = lives;
  const [name] = group.names;
  // Of ten thousand groups nearly all are so.
  if (lives.length === 1 && live !== undefined && group.names.length === 1 && name !== undefined) {
    if (live.covers.includes(name))
      return [{ live, names: group.names, isChanged: live.choiceKey !== group.choiceKey }];
  }
  const rest = new Set(group.names);
  const parts: Part[] = [];
  for (const live of lives) {
    const names = live.covers.filter((name) => rest.has(name)).slice(0, group.limit);
    for (const name of names) rest.delete(name);
    if (names.length > 0) parts.push({ live, names, isChanged: live.choiceKey !== group.choiceKey });
  }
  return rest.size === 0 ? parts : fill(parts, [...rest], group.limit);
}

/** The names of a group that none of these parts' certificates cover. Pure. */
export function uncovered(parts: readonly Part[]): string[] {
  return parts.flatMap(({ live, names, isChanged }) => {
    if (!isChanged) return [];
    const covered = new Set(live?.covers);
    return names.filter((name) => !covered.has(name));
  });
}

function fill(parts: readonly Part[], names: readonly string[], limit: number): Part[] {
  if (parts.length === 0) return fresh(names, limit);
  const open = parts.filter((part) => part.names.length < limit);
  open.sort((left, right) => left.names.length - right.names.length);
  const { filled } = roomsToFill(rooms(parts, limit), names.length, limit);
  const added = new Map<Part, string[]>();
  let at = 0;
  for (const part of open.slice(0, filled)) {
    const end = at + limit - part.names.length;
    added.set(part, names.slice(at, end));
    at = end;
  }
  const grown = parts.map((part) => {
    const more = added.get(part);
    return more === undefined
      ? part
      : { live: part.live, names: [...part.names, ...more].sort(), isChanged: true };
  });
  return [...grown, ...fresh(names.slice(at), limit)];
}

function fresh(names: readonly string[], limit: number): Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < names.length; at += limit)
    parts.push({ live: undefined, names: names.slice(at, at + limit), isChanged: true });
  return parts;
}

/** The rooms that are left in certificates, largest first. Pure. */
export function rooms(parts: readonly Part[], limit: number): number[] {
  const left = parts.flatMap(({ live, names }) => (live === undefined ? [] : [limit - names.length]));
  return left.filter((room) => room > 0).sort((one, other) => other - one);
}

/** How many certificates with room take new names, the largest room first, and how many new ones there are. Pure.
 * The fewest changes win, and of those the fewest certificates.
 *   ([3], 12, 10) → { filled: 1, fresh: 1 }: 3 + 9; ([1], 12, 10) → { filled: 0, fresh: 2 } */
export function roomsToFill(
  largestFirst: readonly number[],
  count: number,
  limit: number,
): { filled: number; fresh: number } {
  let best = { filled: 0, fresh: Math.ceil(count / limit) };
  let left = count;
  for (const [index, room] of largestFirst.entries()) {
    if (best.fresh === 0 || left <= 0) break;
    left -= room;
    const further = Math.ceil(Math.max(0, left) / limit);
    if (index + 1 + further <= best.filled + best.fresh) best = { filled: index + 1, fresh: further };
  }
  return best;
}
