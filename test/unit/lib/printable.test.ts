import { describe, expect, it } from 'vitest';
import { printable, quoted } from '../../../src/lib/printable.ts';

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

describe('quoted()', () => {
  it('makes one line of anything, in quotation marks, with what JSON leaves open escaped too', () => {
    expect(quoted('say "hi"\nthere\u202e')).toBe('"say \\"hi\\"\\nthere\\u{202e}"');
  });

  it('cuts after 200 characters', () => {
    expect(quoted('x'.repeat(201))).toBe(`"${'x'.repeat(200)}…"`);
  });
});
