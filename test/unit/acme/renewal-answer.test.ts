import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRenewalInfo } from '../../../src/acme/renewal-answer.ts';
import { CertathonError } from '../../../src/lib/errors.ts';

const NOW_MS = Date.parse('2026-01-11T00:00:00Z');
const URL_ASKED = 'https://ca.example/renewal-info/aki.serial';
const WINDOW = { start: '2026-03-01T00:00:00Z', end: '2026-03-02T19:12:00.123456789+01:00' };

const answer = (data: unknown, retryAfter: string | undefined = '21600') => ({
  status: 200,
  headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
  data,
});
const read = (data: unknown, retryAfter?: string) =>
  readRenewalInfo(answer(data, retryAfter), URL_ASKED, NOW_MS);
const inSeconds = (seconds: number) => new Date(NOW_MS + seconds * 1000);

describe('readRenewalInfo()', () => {
  it('gives the window, the page that explains it, and when to ask again', () => {
    expect(
      read({ suggestedWindow: WINDOW, explanationURL: 'https://ca.example/incident/7', more: 1 }),
    ).toEqual({
      window: { start: new Date('2026-03-01T00:00:00Z'), end: new Date('2026-03-02T18:12:00.123Z') },
      explanationUrl: 'https://ca.example/incident/7',
      askAgainAt: inSeconds(21_600),
    });
  });

  it.each([
    ['0', 60],
    ['59', 60],
    ['3600', 3_600],
    ['Sun, 11 Jan 2026 01:00:00 GMT', 3_600],
    ['Sat, 10 Jan 2026 01:00:00 GMT', 60],
    ['86400', 86_400],
    ['999999999999', 86_400],
  ])('asks again between a minute and a day from now: Retry-After %s', (header, seconds) => {
    expect(read({ suggestedWindow: WINDOW }, header).askAgainAt).toEqual(inSeconds(seconds));
  });

  it.each([
    ['an address of another kind', 'ftp://ca.example/'],
    ['a script', 'javascript:alert(1)'],
    ['a control character', 'https://ca.example/\u001b[31m'],
    ['too long a one', `https://ca.example/${'x'.repeat(600)}`],
    ['one that grows too long', `https://ca.example/${'ä'.repeat(200)}`],
    ['no address', 'see the forum'],
    ['a number', 7],
    ['nothing', null],
  ])('leaves out the explanation for %s, and keeps the window', (_what, explanationURL) => {
    const { explanationUrl, window } = read({ suggestedWindow: WINDOW, explanationURL });

    expect(explanationUrl).toBeUndefined();
    expect(window.start).toEqual(new Date(WINDOW.start));
  });

  it.each([
    [
      'a window that ends before it begins',
      { suggestedWindow: { start: WINDOW.end, end: WINDOW.start } },
      '60',
      'ends before it begins',
    ],
    [
      'a window without length',
      { suggestedWindow: { start: WINDOW.start, end: WINDOW.start } },
      '60',
      'ends before it begins',
    ],
    ['a window without an end', { suggestedWindow: { start: WINDOW.start } }, '60', 'suggestedWindow.end'],
    ['a time that is none', { suggestedWindow: { ...WINDOW, start: 'soon' } }, '60', 'suggestedWindow.start'],
    [
      'a day that is none',
      { suggestedWindow: { ...WINDOW, start: '2026-02-30T00:00:00Z' } },
      '60',
      'suggestedWindow.start',
    ],
    [
      'a time without zone',
      { suggestedWindow: { ...WINDOW, start: '2026-03-01T00:00:00' } },
      '60',
      'suggestedWindow.start',
    ],
    ['a list', [], '60', 'the whole'],
    ['a text', '<html>', '60', 'the whole'],
    ['a Retry-After that is none', { suggestedWindow: WINDOW }, 'later', 'Retry-After is missing'],
  ])('is refused with %s', (_what, data, retryAfter, words) => {
    expect(() => read(data, retryAfter)).toThrow(words);
  });

  it('is refused without Retry-After', () => {
    const headerless = { status: 200, headers: {}, data: { suggestedWindow: WINDOW } };

    expect(() => readRenewalInfo(headerless, URL_ASKED, NOW_MS)).toThrow('Retry-After is missing');
  });

  it('takes any answer with a value or an error of ours', () => {
    const parts = { start: fc.anything(), end: fc.anything() };
    const data = fc.oneof(
      fc.anything(),
      fc.record({ suggestedWindow: fc.record(parts), explanationURL: fc.anything() }),
    );
    fc.assert(
      fc.property(data, fc.string(), (value, header) => {
        try {
          const { window, askAgainAt } = read(value, header);
          expect(window.end > window.start && askAgainAt.getTime() > NOW_MS).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(CertathonError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
