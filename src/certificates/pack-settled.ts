// pure
import { choiceKey } from './choice.ts';
import type { CertificateChoice } from './model.ts';
import type { Packed } from './pack.ts';
import { type GroupSources, keyOf, type Live, limitFor, type PackedBefore } from './pack-groups.ts';

/** The packing where it changes nothing: every wanted name is covered by just one certificate, which is of its group and
 * within the limit. Pure. Of passes nearly all are so, and this is a third of the work; a property test compares the two.
 * @param sources `wants` sorted by name
 * @returns undefined where that is not plain to see */
export function settledPacking(
  sources: GroupSources & { existing: readonly PackedBefore[] },
): Packed[] | undefined {
  const coverer = new Map<string, Live>();
  for (const before of sources.existing) {
    const live: Live = { before, choiceKey: choiceKey(before.choice), covers: NONE };
    for (const name of before.names) {
      if (coverer.has(name) || name.startsWith('*.')) return undefined;
      coverer.set(name, live);
    }
  }
  const found: { live: Live; choice: CertificateChoice }[] = [];
  for (const want of sources.wants) {
    const live = coverer.get(want.name);
    const chosen = choiceKey(want.choice);
    if (live === undefined || live.choiceKey !== chosen) return undefined;
    const isOwn = want.choice.own === true;
    const key = isOwn ? want.name : keyOf(want, chosen, sources, [live]);
    if (key !== live.before.key) return undefined;
    if (live.covers === NONE) {
      live.covers = [want.name];
      found.push({ live, choice: want.choice });
    } else if (isOwn) return undefined;
    else live.covers.push(want.name);
  }
  const packed: Packed[] = [];
  for (const { live, choice } of found) {
    const { before, covers } = live;
    const { id, key } = before;
    if (covers.length > 1 && covers.length > limitFor(choice, sources)) return undefined;
    packed.push({ id, key, names: covers, choice, isNew: false });
  }
  return packed.sort((left, right) => (left.id < right.id ? -1 : 1));
}

const NONE: string[] = [];
