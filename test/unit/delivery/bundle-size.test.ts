import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type BundleKeyType,
  chainBytes,
  estimatedBytes,
  keyBytes,
} from '../../../src/delivery/bundle-size.ts';
import { toVariable } from '../../../src/delivery/variable.ts';
import { makeBundle } from '../../support/bundles.ts';

const namesOf = (count: number, length: number): string[] =>
  Array.from({ length: count }, (_, number) => `${number}.example.com`.padStart(length, 'n'));

describe('estimatedBytes()', () => {
  // Chains that Let's Encrypt has sent: E7 below X1; R12 below X1; and what it sends now.
  it.each<[BundleKeyType, number, number, number | undefined, number]>([
    ['ec256', 1, 16, 1592, 3300],
    ['rsa4096', 100, 30, 1830, 11_800],
    ['ec256', 1, 16, undefined, 5246],
    ['rsa4096', 100, 30, undefined, 13_956],
  ])(
    'comes within three percent of a bundle of %s with %i names of %i characters',
    (key, count, length, chain, bytes) => {
      const estimated = estimatedBytes(key, namesOf(count, length), chain);

      expect(Math.abs(estimated - bytes) / bytes).toBeLessThan(0.03);
    },
  );

  it.each([1, 10, 100])('is above what a test CA issues for %i names, by little', (count) => {
    const names = namesOf(count, 24);
    const { pem } = makeBundle({ names, commonName: names[0] as string });

    const [estimated, real] = [estimatedBytes('rsa2048', names, chainBytes(pem)), toVariable(pem).length];

    expect(estimated).toBeGreaterThanOrEqual(real);
    // A test CA leaves out addresses, policies and signed timestamps.
    expect(estimated - real).toBeLessThan(900);
  });

  it.each([
    ['ec256' as const, 'P-256'],
    ['ec384' as const, 'P-384'],
  ])('knows the size of a key of %s', (keyType, namedCurve) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

    // The last line end of a value is left out.
    expect(keyBytes(keyType)).toBe(toVariable(pem).length + 2);
  });

  it('grows from kind of key to kind of key, and with each name', () => {
    const kinds: BundleKeyType[] = ['ec256', 'ec384', 'rsa2048', 'rsa3072', 'rsa4096'];
    const sizes = kinds.map((kind) => estimatedBytes(kind, namesOf(3, 20), undefined));
    const counts = [1, 2, 5, 25, 100].map((count) => estimatedBytes('ec256', namesOf(count, 20), undefined));

    for (const rising of [sizes, counts])
      expect(rising).toEqual(rising.toSorted((one, other) => one - other));
  });
});

describe('chainBytes()', () => {
  it('counts what stands between the leaf and the key in a variable', () => {
    const { pem, leaf, ca, key } = makeBundle();
    const value = toVariable(pem);

    expect(chainBytes(pem)).toBe(value.length - toVariable(leaf).length - toVariable(key).length - 4 + 2);
    expect(chainBytes(`${leaf}${ca}${ca}${key}`)).toBe(2 * chainBytes(pem));
    expect(chainBytes(pem.replaceAll('\n', '\r\n'))).toBe(chainBytes(pem));
  });

  it('is nothing without a chain', () => {
    expect(chainBytes(makeBundle({ selfSigned: true }).pem)).toBe(0);
  });
});
