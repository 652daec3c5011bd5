import { describe, expect, it } from 'vitest';
import { probedNames } from '../../../src/certificates/probe.ts';
import { NOW, observedCertificate, stored } from '../../support/observations.ts';

const MINUTE_MS = 60_000;
const at = (minutes: number) => new Date(NOW.getTime() + minutes * MINUTE_MS);
const certificate = (names: string[], covered: string[] | undefined, storedAt?: Date) =>
  observedCertificate({
    id: names[0] ?? '',
    names,
    stored: covered === undefined ? undefined : stored({ names: covered, storedAt }),
  });

describe('probedNames()', () => {
  it.each([
    ['the names that it covers', ['a.test', 'b.test'], ['b.test', 'z.test'], ['b.test']],
    ['any wanted one, before there is a bundle', ['a.test', 'b.test'], undefined, ['a.test']],
    ['what it has, when it covers none of them', ['a.test'], ['y.test', 'z.test'], ['y.test']],
  ])('asks for %s', (_what, names, covered, expected) => {
    expect(probedNames([certificate(names, covered)], new Set(names), NOW)).toEqual(expected);
  });

  it('asks for no name that the balancers do not serve', () => {
    const two = certificate(['a.test', 'b.test'], ['a.test', 'b.test']);

    expect(probedNames([two], new Set(['b.test']), NOW)).toEqual(['b.test']);
  });

  const names = Array.from({ length: 10_000 }, (_, index) => `n${index}.test`);
  const many = names.map((name) => certificate([name], [name], at(-600)));
  const served = new Set(names);

  it('asks for 50 of 10,000 names at a time, and in turns for all', () => {
    const seen = new Set<string>();
    for (let turn = 0; turn < 211; turn += 1) {
      const asked = probedNames(many, served, at(turn * 5));
      expect(asked.length).toBeLessThanOrEqual(50);
      for (const name of asked) seen.add(name);
    }

    expect(seen.size).toBe(10_000);
  });

  it.each([[10], [60], [24 * 60]])(
    'comes to all of 1,000 names also when it looks every %d minutes',
    (every) => {
      const seen = new Set<string>();
      for (let turn = 0; turn < 23; turn += 1)
        for (const name of probedNames(many.slice(0, 1_000), served, at(turn * every))) seen.add(name);

      expect(seen.size).toBe(1_000);
    },
  );

  it('asks for what is new first, and still for others', () => {
    const fresh = many.map((each, index) =>
      index < 40 ? certificate(each.names, each.names, at(-1)) : each,
    );

    const asked = probedNames(fresh, served, NOW);

    expect(asked.filter((name) => Number(name.slice(1, -5)) < 40).length).toBeGreaterThanOrEqual(25);
    expect(asked.length).toBeLessThanOrEqual(50);
    expect(asked.some((name) => Number(name.slice(1, -5)) >= 40)).toBe(true);
  });
});
