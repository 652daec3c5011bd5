import { describe, expect, it } from 'vitest';
import {
  isBundleFile,
  isFileName,
  isKeptName,
  isLoaded,
  keptName,
  overdueNames,
  placesIn,
} from '../../../src/delivery/directory-layout.ts';

const AT = new Date('2026-11-22T20:31:26.123Z');
const at = (second: number): Date => new Date(AT.getTime() + second * 1000);

describe('placesIn()', () => {
  it('keeps everything that is written outside the directory that HAProxy loads', () => {
    const { certs, ...others } = placesIn('/v');

    expect(certs).toBe('/v/certs');
    for (const path of Object.values(others)) expect(path.startsWith('/v/certs')).toBe(false);
  });
});

describe('isBundleFile()', () => {
  it.each(['shop.example.com.pem', '*.example.com.pem', '_.example.com.pem', 'a.pem', '0-9_x.pem'])(
    'takes %s',
    (file) => {
      expect(isBundleFile(file)).toBe(true);
    },
  );

  it.each([
    '.a.pem',
    '-a.pem',
    'a',
    'a.key',
    'a/b.pem',
    '../a.pem',
    'A.pem',
    'a b.pem',
    'a.pem\n',
    'ä.pem',
    '.pem',
  ])('refuses %j', (file) => {
    expect(isBundleFile(file)).toBe(false);
  });
});

describe('isFileName()', () => {
  it.each(['Shop.PEM', '.nfs0001', 'a b', 'shop', '-x', 'a.tmp'])('takes %j of other people', (file) => {
    expect(isFileName(file)).toBe(true);
  });

  it.each(['', '.', '..', 'a/b', '/a', '../a', 'a\0', 'a'.repeat(211)])('refuses %j', (file) => {
    expect(isFileName(file)).toBe(false);
  });
});

describe('isLoaded()', () => {
  it.each([
    ['a.pem', true],
    ['a.tmp', true],
    ['.a', true],
    ['a.key', true],
    ['a.pem.ocsp', false],
    ['a.pem.issuer', false],
    ['a.pem.sctl', false],
    ['ocsp', true],
  ])('%s: %s', (file, expected) => {
    expect(isLoaded(file)).toBe(expected);
  });
});

describe('names in replaced/', () => {
  it('tell the file and the time, and are recognised', () => {
    const kept = keptName('shop.pem', AT, '0123456789ab');

    expect(kept).toBe('shop.pem.20261122T203126123Z-0123456789ab');
    expect(isKeptName(kept, 'shop.pem')).toBe(true);
    expect(isKeptName(kept, 'other.pem')).toBe(false);
    expect(isKeptName(`../${kept}`, '../shop.pem')).toBe(false);
    expect(isKeptName('notes.txt', 'notes.txt')).toBe(false);
  });

  it('are overdue by file, oldest first to go; what has another form is never', () => {
    const [a1, a2, a3] = [1, 2, 3].map((second) => keptName('a.pem', at(second), '0123456789ab'));
    const b1 = keptName('b.pem', at(0), '0123456789ab');

    expect(overdueNames([b1, a2 ?? '', a1 ?? '', a3 ?? '', 'notes.txt', 'a.pem'], 2)).toEqual([a1]);
  });
});
