import { describe, expect, it } from 'vitest';
import { printable } from '../../../src/acme/printable.ts';

describe('printable()', () => {
  it.each([
    ['line ends and terminal codes', 'a\nb\u001b[31mred', 'a\\u{a}b\\u{1b}[31mred'],
    ['marks that turn the direction of text', 'abc\u202etxt.exe', 'abc\\u{202e}txt.exe'],
    ['C1 control characters', 'x\u009b31m', 'x\\u{9b}31m'],
  ])('escapes %s', (_name, text, expected) => {
    expect(printable(text, 100)).toBe(expected);
  });

  it('keeps letters of any script', () => {
    expect(printable('Müller 株式会社 “ok”', 100)).toBe('Müller 株式会社 “ok”');
  });

  it('cuts what is too long and says so', () => {
    expect(printable('abcdefgh', 5)).toBe('abcd…');
  });
});
