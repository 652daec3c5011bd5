import { describe, expect, it } from 'vitest';
import { findCertificate, findVersion } from '../../../src/certificates/find-certificate.ts';
import type { StoredEntry } from '../../../src/certificates/store-catalogue.ts';
import { stored } from '../../support/observations.ts';

const entry = (id: string, names: string[] | undefined, changes: Partial<StoredEntry> = {}): StoredEntry => ({
  id,
  record: undefined,
  stored: names === undefined ? undefined : stored({ names }),
  issued: [],
  order: undefined,
  hold: undefined,
  ...changes,
});
const ENTRIES = [
  entry('a.example.com', ['a.example.com', 'both.example.com']),
  entry('b.example.com', ['b.example.com', 'both.example.com']),
  // An id that is a name of another one.
  entry('c.example.com', ['d.example.com']),
  entry('e.example.com', ['c.example.com']),
  entry('new.example.com', undefined, {
    order: { names: ['new.example.com', 'begun.example.com'], url: undefined, directoryUrl: '' },
  }),
];
const outcome = (work: () => { id: string } | { fingerprint: string }): string => {
  try {
    return Object.values(work())[0] as string;
  } catch (error) {
    return (error as Error).message;
  }
};

describe('findCertificate()', () => {
  it.each([
    ['a.example.com', 'a.example.com'],
    ['A.Example.Com', 'a.example.com'],
    ['d.example.com', 'c.example.com'],
    ['c.example.com', 'c.example.com'],
    ['begun.example.com', 'new.example.com'],
    [
      'both.example.com',
      'The name "both.example.com" is covered by 2 certificates: a.example.com, b.example.com',
    ],
    ['example.com', 'No certificate in the store has the id or covers the name "example.com"'],
    ['\u001b[2J', 'No certificate in the store has the id or covers the name "\\u001b[2J"'],
  ])('finds by %j: %s', (word, expected) => {
    expect(outcome(() => ({ id: findCertificate(ENTRIES, word).id }))).toBe(expected);
  });
});

describe('findVersion()', () => {
  const versions = ['aaaa1111', 'aaaa2222', 'bbbb3333'].map((fingerprint) => ({ fingerprint }));

  it.each([
    ['bbbb', 'bbbb3333'],
    ['AA:AA:11', 'aaaa1111'],
    ['aaaa', '"aaaa" begins 2 fingerprints of the versions that are kept of shop'],
    ['cccc', '"cccc" begins no fingerprint of the versions that are kept of shop'],
    ['bbb', '"bbb" is too short for a fingerprint: give 4 characters or more'],
  ])('finds by %j: %s', (prefix, expected) => {
    expect(outcome(() => findVersion(versions, 'shop', prefix))).toBe(expected);
  });
});
