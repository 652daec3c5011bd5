// pure
import { certificateId } from './certificate-id.ts';
import type { CertificateChoice } from './model.ts';
import {
  coverage,
  type Group,
  type GroupSources,
  groupsOfWants,
  identityOf,
  type Live,
  PACK_MODES,
  type PackedBefore,
  type PackMode,
} from './pack-groups.ts';
import { type Part, placeNames } from './pack-place.ts';
import { placeGroup } from './pack-reuse.ts';
import { settledPacking } from './pack-settled.ts';

const NONE: readonly Live[] = [];

export interface PackSources extends GroupSources {
  existing: readonly PackedBefore[];
}

/** One certificate that there is to be. */
export interface Packed {
  id: string;
  /** The key of its group: a name, an owner, a registered domain or `all`. */
  key: string;
  /** The wanted names that it is to cover, sorted; the present one may cover more, and is kept then. */
  names: string[];
  choice: CertificateChoice;
  /** No certificate of this id is there yet. */
  isNew: boolean;
}

/** Which certificates there are to be for the wanted names. Pure, and the order of the input changes nothing.
 *
 * - Every wanted name is in exactly one; none has more names than its limit.
 * - Names share a certificate only within a group (by the mode) and with the same choice; one with `own` is alone.
 * - A name that a certificate of its group covers stays there; one that goes away changes nothing; new ones change
 *   as few certificates as can be. The answer for what the answer leads to is the same answer.
 * - A set of names that a certificate has is never ordered as another one.
 * A certificate that is not in the answer has no wanted name any more, or its names are covered by another.
 * @returns by id */
export function packNames(sources: PackSources): Packed[] {
  const wants = [...sources.wants].sort((left, right) => (left.name < right.name ? -1 : 1));
  return settledPacking({ ...sources, wants }) ?? packAnew({ ...sources, wants });
}

/** The same, whatever has to change. @param sources `wants` sorted by name */
export function packAnew(sources: PackSources): Packed[] {
  const { wants } = sources;
  const { lives, coverers } = coverage(wants, sources.existing);
  const groups = groupsOfWants(sources, coverers);
  const members = livesByGroup(lives);
  const livesOf = (group: Group) => members.get(group.identity) ?? NONE;
  const settled = groups.map((group) => placeNames(group, livesOf(group)));
  const free = new Set(lives);
  for (const parts of settled) for (const { live } of parts) if (live !== undefined) free.delete(live);
  const placed = groups.map((group, index) => {
    const parts = settled[index] ?? [];
    const isSettled = parts.every(({ isChanged }) => !isChanged);
    return { group, parts: isSettled ? parts : placeGroup(group, livesOf(group), free, coverers) };
  });
  return named(placed, lives);
}

/** How many certificates each mode would need for these names, packed anew. Pure. */
export function packingCounts(sources: Omit<GroupSources, 'mode'>): Record<PackMode, number> {
  const count = (mode: PackMode) =>
    groupsOfWants({ ...sources, mode }, new Map()).reduce(
      (sum, { names, limit }) => sum + Math.ceil(names.length / limit),
      0,
    );
  return Object.fromEntries(PACK_MODES.map((mode) => [mode, count(mode)])) as Record<PackMode, number>;
}

function livesByGroup(lives: readonly Live[]): Map<string, Live[]> {
  const members = new Map<string, Live[]>();
  for (const live of lives) {
    const identity = identityOf(live.before.key, live.choiceKey);
    const others = members.get(identity);
    if (others === undefined) members.set(identity, [live]);
    else others.push(live);
  }
  return members;
}

/** New ones get their ids in the order of their first names, whatever group they are of. */
function named(
  placed: readonly { group: Group; parts: readonly Part[] }[],
  lives: readonly Live[],
): Packed[] {
  const all = placed.flatMap(({ group, parts }) =>
    parts.map(({ live, names }) => ({ id: live?.before.id, group, names })),
  );
  const taken = new Set(lives.map(({ before }) => before.id));
  const first = ({ names }: { names: string[] }) => names[0] ?? '';
  return all
    .sort((left, right) => (first(left) < first(right) ? -1 : 1))
    .map(({ id, group: { key, choice }, names }) => ({
      id: id ?? certificateId(names[0] ?? '', taken),
      key,
      names,
      choice,
      isNew: id === undefined,
    }))
    .sort((left, right) => (left.id < right.id ? -1 : 1));
}
