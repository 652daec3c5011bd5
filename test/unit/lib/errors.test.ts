import { describe, expect, it } from 'vitest';
import { asCertathonError, CertathonError, describeError, ERRORS } from '../../../src/lib/errors.ts';

describe('ERRORS', () => {
  it.each(Object.entries(ERRORS))(
    '%s has a status of its family and a whole sentence as hint',
    (code, entry) => {
      expect(entry.exit).toBeGreaterThan(0);
      expect(entry.exit).toBeLessThan(131);
      // 3 to 9 are those of zdd.py, which knew rollouts only.
      if (entry.exit >= 3 && entry.exit <= 9) expect(code).toMatch(/^ROLLOUT_/);
      expect(entry.hint).toMatch(/^[A-Z].*\.$/);
    },
  );
});

describe('CertathonError', () => {
  it('carries its code, hint, status, facts and cause', () => {
    const cause = new Error('why');
    const retryAt = new Date(0);

    const error = new CertathonError('APP_LOCKED', 'It is locked', { cause, retryAt, facts: { app: '/a' } });

    expect(error).toMatchObject({
      code: 'APP_LOCKED',
      message: 'It is locked',
      cause,
      retryAt,
      facts: { app: '/a' },
      exitStatus: ERRORS.APP_LOCKED.exit,
      hint: ERRORS.APP_LOCKED.hint,
    });
  });
});

describe('asCertathonError()', () => {
  it('keeps one of ours, and makes anything else a fault of the program with the original as cause', () => {
    const ours = new CertathonError('APP_LOCKED', 'It is locked');
    const foreign = new TypeError('x is undefined');

    expect(asCertathonError(ours)).toBe(ours);
    expect(asCertathonError(foreign)).toMatchObject({
      code: 'UNEXPECTED',
      message: 'x is undefined',
      cause: foreign,
    });
    expect(asCertathonError('text')).toMatchObject({ code: 'UNEXPECTED', message: 'text', cause: 'text' });
  });
});

describe('describeError()', () => {
  const chain = (...messages: string[]) =>
    messages.reduceRight<Error | undefined>((cause, message) => new Error(message, { cause }), undefined);
  const loop = new Error('a');
  loop.cause = new Error('b', { cause: loop });

  it.each([
    ['a chain, outermost first', chain('a', 'b', 'c'), 'a: b: c'],
    ['repeated words once', chain('a', 'a', 'b'), 'a: b'],
    ['no more than six', chain('a', 'b', 'c', 'd', 'e', 'f', 'g'), 'a: b: c: d: e: f'],
    ['one without words by its name', new TypeError(), 'TypeError'],
    ['a text', 'words', 'words'],
    ['nothing', undefined, 'undefined'],
  ])('tells %s', (_what, thrown, words) => {
    expect(describeError(thrown)).toBe(words);
  });

  it('comes to an end with an error that is its own cause', () => {
    expect(describeError(loop)).toBe('a: b');
  });
});
