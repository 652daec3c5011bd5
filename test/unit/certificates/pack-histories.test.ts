import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CertificateChoice, Want } from '../../../src/certificates/model.ts';
import { type PackSources, packAnew, packingCounts, packNames } from '../../../src/certificates/pack.ts';
import { PACK_MODES, type PackMode } from '../../../src/certificates/pack-groups.ts';
import { carriedOut, domainOf, faultsOf, isOrdered, limitOf, type PackWorld } from '../../support/packing.ts';

const NAMES = Array.from({ length: 12 }, (_, index) => `n${index}.d${index % 3}.example`);
const OWNERS = ['/a', '/b', '/c', 'own'];
const CHOICES: CertificateChoice[] = [
  {},
  {},
  {},
  { profile: 'short' },
  { own: true },
  { keyType: 'rsa-2048' },
];

type Step =
  | { do: 'want'; names: string[]; keys: string[]; choice: CertificateChoice }
  | { do: 'unwant'; names: string[] }
  | { do: 'unwant-and-want'; names: string[] }
  | { do: 'rename-owner'; from: string; to: string }
  | { do: 'mode'; mode: PackMode }
  | { do: 'limits'; plain: number; short: number }
  | { do: 'forget'; at: number };

const names = fc.subarray(NAMES, { minLength: 1 });
const owner = fc.constantFrom(...OWNERS);
const limit = fc.integer({ min: 1, max: 7 });
const want = fc.record({
  do: fc.constant('want' as const),
  names: fc.subarray(NAMES, { minLength: 1, maxLength: 5 }),
  keys: fc.subarray(OWNERS, { minLength: 1, maxLength: 2 }),
  choice: fc.constantFrom(...CHOICES),
});
const mode = fc.constantFrom(...PACK_MODES);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: want },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('unwant' as const), names }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unwant-and-want' as const), names }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rename-owner' as const), from: owner, to: owner }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('mode' as const), mode }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('limits' as const), plain: limit, short: limit }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), at: fc.nat(9) }) },
);
const start = fc.record({ mode, limits: fc.record({ plain: limit, short: limit }) });
const empty = (given: Pick<PackWorld, 'mode' | 'limits'>): PackWorld => ({
  ...given,
  wants: new Map(),
  existing: [],
});

function changed(one: Step, world: PackWorld): PackWorld {
  const wants = new Map(world.wants);
  const put = (want: Want) => wants.set(want.name, want);
  switch (one.do) {
    case 'want':
      for (const name of one.names) put({ name, keys: [...one.keys].sort(), choice: one.choice });
      return { ...world, wants };
    case 'unwant':
      for (const name of one.names) wants.delete(name);
      return { ...world, wants };
    case 'rename-owner':
      for (const want of world.wants.values()) {
        const keys = want.keys.map((key) => (key === one.from ? one.to : key));
        put({ ...want, keys: [...new Set(keys)].sort() });
      }
      return { ...world, wants };
    case 'mode':
      return { ...world, mode: one.mode };
    case 'limits':
      return { ...world, limits: { plain: one.plain, short: one.short } };
    case 'forget': {
      // One that nobody needs is removed when its time is over.
      const needed = new Set(pack(world).map(({ id }) => id));
      const free = world.existing.filter(({ id }) => !needed.has(id));
      return { ...world, existing: world.existing.filter((kept) => kept !== free[one.at % free.length]) };
    }
    case 'unwant-and-want':
      return world;
  }
}

const sourcesOf = (world: PackWorld, turned = false): PackSources => {
  const [wants, existing] = [[...world.wants.values()], [...world.existing]];
  if (turned) {
    wants.reverse();
    existing.sort((left, right) => right.names.length - left.names.length);
    for (const one of existing) existing[existing.indexOf(one)] = { ...one, names: [...one.names].reverse() };
  }
  return {
    wants,
    existing,
    mode: world.mode,
    mostNames: (choice) => limitOf(world, choice),
    domainOf,
  };
};
const pack = (world: PackWorld, turned = false) => packNames(sourcesOf(world, turned));
/** The long way, which looks at everything that may have to change. */
const packLong = (world: PackWorld) => {
  const { wants, ...rest } = sourcesOf(world);
  return packAnew({ ...rest, wants: wants.toSorted((a, b) => (a.name < b.name ? -1 : 1)) });
};

/** What one step led to, and whether it led to more than it has to. */
function faultsOfStep(one: Step, before: PackWorld, world: PackWorld): string[] {
  const answer = pack(world);
  const ordered = answer.filter((packed) => isOrdered(packed, world));
  const faults = faultsOf(answer, world);
  const say = (why: string) => faults.push(`${why}, after ${JSON.stringify(one)}`);
  if (JSON.stringify(answer) !== JSON.stringify(pack(world, true))) say('the order of the input counts');
  const rest = { ...world, existing: carriedOut(answer, world) };
  const again = pack(rest).map((packed) => ({ ...packed, isNew: false }));
  if (JSON.stringify(again) !== JSON.stringify(answer.map((packed) => ({ ...packed, isNew: false }))))
    say('it is not at rest');
  if (JSON.stringify(pack(rest)) !== JSON.stringify(packLong(rest)))
    say('the quick way gives another answer');
  if (JSON.stringify(answer) !== JSON.stringify(packLong(world))) say('the quick way gives another answer');
  if (['unwant', 'unwant-and-want', 'forget'].includes(one.do) && ordered.length > 0)
    say('something is ordered though nothing is new');
  if (one.do !== 'want' || one.names.some((name) => before.wants.has(name))) return faults;
  // Only new names: the certificates that change are in their groups, and as few as that.
  const added = new Map<string, number>();
  for (const packed of answer) {
    const count = packed.names.filter((name) => one.names.includes(name)).length;
    const group = `${packed.key} ${JSON.stringify(packed.choice)}`;
    if (count > 0) added.set(group, (added.get(group) ?? 0) + count);
  }
  const most = [...added.values()].reduce(
    (sum, count) => sum + Math.ceil(count / limitOf(world, one.choice)),
    0,
  );
  if (ordered.length > most) say(`${ordered.length} are ordered, ${most} would do`);
  if (ordered.some(({ key, choice }) => !added.has(`${key} ${JSON.stringify(choice)}`)))
    say('another group changes');
  return faults;
}

describe('packNames() over histories of names', () => {
  it('keeps every promise after each of their steps', () => {
    fc.assert(
      fc.property(start, fc.array(step, { maxLength: 14 }), (given, steps) => {
        let world = empty(given);
        for (const one of steps) {
          const next = changed(one, world);
          const faults = faultsOfStep(one, world, next);
          if (faults.length > 0) throw new Error(faults.join('\n'));
          world = { ...next, existing: carriedOut(pack(next), next) };
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('has every name in one place, within the limits, also where orders fail', () => {
    fc.assert(
      fc.property(start, fc.array(fc.tuple(step, fc.nat(3)), { maxLength: 12 }), (given, steps) => {
        let world = empty(given);
        for (const [one, failing] of steps) {
          const next = changed(one, world);
          const answer = pack(next);
          expect(faultsOf(answer, next)).toEqual([]);
          world = {
            ...next,
            existing: carriedOut(answer, next, ({ id }) => id.charCodeAt(1) % 4 === failing),
          };
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('needs for names that are packed anew as many certificates as it counts', () => {
    fc.assert(
      fc.property(start, fc.array(want, { maxLength: 6 }), (given, steps) => {
        const world = steps.reduce<PackWorld>((before, one) => changed(one, before), empty(given));
        const counts = packingCounts({
          wants: [...world.wants.values()],
          mostNames: (choice) => limitOf(world, choice),
          domainOf,
        });

        expect(pack(world)).toHaveLength(counts[world.mode]);
      }),
      { numRuns: 200 },
    );
  });
});
