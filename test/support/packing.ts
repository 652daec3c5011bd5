import type { CertificateChoice, Want } from '../../src/certificates/model.ts';
import type { Packed } from '../../src/certificates/pack.ts';
import type { PackedBefore, PackMode } from '../../src/certificates/pack-groups.ts';

/** Everything that packing sees, and what it led to. */
export interface PackWorld {
  mode: PackMode;
  /** The most names of a certificate: without a profile, and of the profile `short`. */
  limits: { plain: number; short: number };
  wants: Map<string, Want>;
  existing: PackedBefore[];
}

export const domainOf = (name: string) => name.split('.').slice(-2).join('.');
export const choiceOf = (choice: CertificateChoice) => JSON.stringify(Object.entries(choice).sort());
export const limitOf = ({ limits }: PackWorld, choice: CertificateChoice) =>
  choice.own === true ? 1 : choice.profile === 'short' ? limits.short : limits.plain;

export function isOrdered(one: Packed, { existing }: PackWorld): boolean {
  const before = existing.find(({ id }) => id === one.id);
  const covered = new Set(before?.names);
  return (
    before === undefined ||
    choiceOf(before.choice) !== choiceOf(one.choice) ||
    !one.names.every((name) => covered.has(name))
  );
}

/** The certificates after what was packed was done; where it fails, an order leaves everything as it was. */
export function carriedOut(
  answer: readonly Packed[],
  world: PackWorld,
  fails: (one: Packed) => boolean = () => false,
): PackedBefore[] {
  const done = new Map(world.existing.map((one) => [one.id, one]));
  for (const one of answer) {
    const { id, key, names, choice } = one;
    const before = done.get(id);
    if (!isOrdered(one, world)) done.set(id, { ...(before as PackedBefore), key });
    else if (!fails(one)) done.set(id, { id, key, names, choice });
  }
  return [...done.values()];
}

/** What is wrong with an answer, whatever the world was before. */
export function faultsOf(answer: readonly Packed[], world: PackWorld): string[] {
  const faults: string[] = [];
  const seen = new Map<string, string>();
  const ids = new Set(world.existing.map(({ id }) => id));
  if (new Set(answer.map(({ id }) => id)).size !== answer.length) faults.push('an id is there twice');
  for (const one of answer) {
    const where = `${one.id} (${one.key}) with ${one.names.join(' ')}`;
    if (one.names.length === 0) faults.push(`${where} is empty`);
    if (one.isNew === ids.has(one.id)) faults.push(`${where} is not as new as it says`);
    if (one.names.length > limitOf(world, one.choice)) faults.push(`${where} is above its limit`);
    if (one.names.join() !== [...one.names].sort().join()) faults.push(`${where} is not sorted`);
    for (const name of one.names) {
      const want = world.wants.get(name);
      if (seen.has(name)) faults.push(`${name} is in ${one.id} and ${seen.get(name)}`);
      seen.set(name, one.id);
      if (want === undefined) faults.push(`${name} is not wanted`);
      else if (choiceOf(want.choice) !== choiceOf(one.choice))
        faults.push(`${where} is not as ${name} wants`);
      else if (!keysOf(want, world.mode).includes(one.key)) faults.push(`${where} is no place for ${name}`);
    }
    if (isOrdered(one, world) && isThere(one, world.existing))
      faults.push(`${where} is ordered though there is one`);
  }
  for (const name of world.wants.keys()) if (!seen.has(name)) faults.push(`${name} is nowhere`);
  return faults;
}

function keysOf({ name, keys, choice }: Want, mode: PackMode): string[] {
  if (choice.own === true || mode === 'name') return [name];
  if (mode === 'all') return ['all'];
  return mode === 'registered-domain' ? [domainOf(name)] : keys;
}

function isThere({ names, choice }: Packed, existing: readonly PackedBefore[]): boolean {
  return existing.some(
    (one) => [...one.names].sort().join() === names.join() && choiceOf(one.choice) === choiceOf(choice),
  );
}
