import { describe, expect, it } from 'vitest';
import { isOlder, marathonVersion } from '../../../src/marathon/version.ts';

describe('marathonVersion()', () => {
  it.each([
    ['1.4.0', { major: 1, minor: 4 }],
    ['1.8.222', { major: 1, minor: 8 }],
    ['1.10.26-86475ddac', { major: 1, minor: 10 }],
    ['v1.5.1-SNAPSHOT', { major: 1, minor: 5 }],
    ['2.0', { major: 2, minor: 0 }],
  ])('reads %s', (text, version) => {
    expect(marathonVersion(text)).toEqual(version);
  });

  it.each(['1.3.13', '0.15.3', '1.1.1'])('refuses %s as too old', (text) => {
    expect(() => marathonVersion(text)).toThrow(`Marathon is version ${text}, older than 1.4`);
  });

  it.each(['', 'dev', '1', '1.x', '18.1e9'])('refuses %j as no version', (text) => {
    expect(() => marathonVersion(text)).toThrow('Marathon calls its version');
  });
});

describe('isOlder()', () => {
  it('compares numbers, not text', () => {
    expect(isOlder({ major: 1, minor: 8 }, { major: 1, minor: 10 })).toBe(true);
    expect(isOlder({ major: 1, minor: 10 }, { major: 1, minor: 10 })).toBe(false);
    expect(isOlder({ major: 2, minor: 0 }, { major: 1, minor: 10 })).toBe(false);
  });
});
