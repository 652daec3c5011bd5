// pure
import { choiceKey } from './choice.ts';
import type { CertificateChoice, Want } from './model.ts';

/** Which names may share a certificate: none, those of one owner, those of one registered domain, or all. */
export type PackMode = 'name' | 'app' | 'registered-domain' | 'all';
export const PACK_MODES = ['name', 'app', 'registered-domain', 'all'] as const satisfies readonly PackMode[];

/** A certificate that there is, or whose order was begun. */
export interface PackedBefore {
  id: string;
  /** The key of the group that it was packed for. */
  key: string;
  /** What it covers; a wildcard covers one label. */
  names: readonly string[];
  choice: CertificateChoice;
}

/** One of them, as packing looks at it. */
export interface Live {
  before: PackedBefore;
  choiceKey: string;
  /** The wanted names that it covers, sorted, of whatever group. */
  covers: string[];
}

/** Names that share certificates, and only with each other. */
export interface Group {
  key: string;
  choice: CertificateChoice;
  choiceKey: string;
  /** Key and choice: certificates with the same are its own. */
  identity: string;
  /** The most names that one certificate holds. */
  limit: number;
  /** Sorted. */
  names: string[];
}

export interface GroupSources {
  /** Sorted by name, each name once. */
  wants: readonly Want[];
  mode: PackMode;
  /** The most names in one certificate of this choice; less than one is read as one. */
  mostNames: (choice: CertificateChoice) => number;
  /** The registered domain of a name (registered-domain.ts). */
  domainOf: (name: string) => string;
}

const NONE: string[] = [];
const NOBODY: Live[] = [];

/** The certificates by id, each with the wanted names that it covers, and the same from the names' side. Pure. */
export function coverage(wants: readonly Want[], existing: readonly PackedBefore[]) {
  const lives = [...existing]
    .sort((left, right) => (left.id < right.id ? -1 : 1))
    .map((before): Live => ({ before, choiceKey: choiceKey(before.choice), covers: NONE }));
  // Lists begin with their first entry: one that grows from nothing makes room for seventeen.
  const coverers = new Map<string, Live[]>();
  for (const { name } of wants) coverers.set(name, NOBODY);
  const wild = new Map<string, Live[]>();
  for (const live of lives) {
    for (const name of live.before.names) {
      const others = coverers.get(name);
      // A list may tell a name twice.
      if (others === NOBODY) coverers.set(name, [live]);
      else if (others !== undefined && others.at(-1) !== live) others.push(live);
      if (name.startsWith('*.')) wild.set(name, [...(wild.get(name) ?? []), live]);
    }
  }
  for (const { name } of wants) {
    let all = coverers.get(name) ?? [];
    const wider = wild.size === 0 ? undefined : wild.get(name.replace(/^[^.]+/, '*'));
    if (wider !== undefined) {
      all = [...new Set([...all, ...wider])];
      coverers.set(name, all);
    }
    for (const live of all)
      if (live.covers === NONE) live.covers = [name];
      else live.covers.push(name);
  }
  return { lives, coverers };
}

/** The groups of the wanted names, by their keys. Pure.
 * @param coverers who covers each name today: in the mode `app` a name stays with the owner whose certificate
 *   has it as long as that owner wants it; a new one goes to its first owner */
export function groupsOfWants(sources: GroupSources, coverers: ReadonlyMap<string, Live[]>): Group[] {
  const groups = new Map<string, Group>();
  for (const want of sources.wants) {
    const { choice } = want;
    const chosen = choiceKey(choice);
    const key = choice.own === true ? want.name : keyOf(want, chosen, sources, coverers.get(want.name) ?? []);
    const identity = identityOf(key, chosen);
    const group = groups.get(identity);
    if (group !== undefined) {
      group.names.push(want.name);
      continue;
    }
    const limit = limitFor(choice, sources);
    groups.set(identity, { key, choice, choiceKey: chosen, identity, limit, names: [want.name] });
  }
  return [...groups.values()].sort((left, right) => (left.identity < right.identity ? -1 : 1));
}

/** The most names of one certificate. Pure. What comes from a mistaken directory of the CA must not stop the packing. */
export function limitFor(choice: CertificateChoice, { mostNames }: Pick<GroupSources, 'mostNames'>): number {
  return Math.max(1, Math.floor(mostNames(choice)) || 1);
}

/** The identity of the group that a certificate or a name with this key and choice is in. Pure. */
export function identityOf(key: string, chosen: string): string {
  return chosen === '' ? key : `${key}\n${chosen}`;
}

/** The key of the group of a name whose choice is not its own. Pure. */
export function keyOf(
  want: Want,
  chosen: string,
  { mode, domainOf }: GroupSources,
  covering: Live[],
): string {
  if (mode === 'name') return want.name;
  if (mode === 'all') return 'all';
  if (mode === 'registered-domain') return domainOf(want.name);
  const owners = want.keys.filter((key) => covering.some(({ before }) => before.key === key));
  const alike = owners.find((key) =>
    covering.some((live) => live.before.key === key && live.choiceKey === chosen),
  );
  return alike ?? owners[0] ?? want.keys[0] ?? '';
}
