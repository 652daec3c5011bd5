import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { httpDateMs, retryAfterDate } from '../../../src/lib/retry-after.ts';

const NOW = Date.parse('2026-10-21T07:00:00Z');
const DAY = 86_400_000;

describe('retryAfterDate()', () => {
  it.each([
    ['120', '2026-10-21T07:02:00.000Z'],
    ['0', '2026-10-21T07:00:00.000Z'],
    [' 7 ', '2026-10-21T07:00:07.000Z'],
    ['Wed, 21 Oct 2026 07:28:00 GMT', '2026-10-21T07:28:00.000Z'],
    ['Wednesday, 21-Oct-26 07:28:00 GMT', '2026-10-21T07:28:00.000Z'],
    ['Wed Oct 21 07:28:00 2026', '2026-10-21T07:28:00.000Z'],
  ])('understands %j', (header, expected) => {
    expect(retryAfterDate(header, NOW, DAY)?.toISOString()).toBe(expected);
  });

  it.each([
    ['a date in the past means now', 'Wed, 21 Oct 2015 07:28:00 GMT', NOW],
    ['seconds beyond the bound are cut', '99999999', NOW + DAY],
    ['a date beyond the bound is cut', 'Fri, 31 Dec 2099 23:59:59 GMT', NOW + DAY],
  ])('%s', (_name, header, expectedMs) => {
    expect(retryAfterDate(header, NOW, DAY)?.getTime()).toBe(expectedMs);
  });

  it.each([
    undefined,
    '',
    'soon',
    '-5',
    '1.5',
    '60, 120',
    '2026-10-21T07:28:00Z',
    'Wed, 21 Oct 2026 07:28:00 +0200',
    '1'.repeat(400),
  ])('leaves %j alone', (header) => {
    expect(retryAfterDate(header, NOW, DAY)).toBeUndefined();
  });

  it('stays within its bounds whatever the header says', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.nat().map(String), fc.date().map(String)), (header) => {
        const atMs = retryAfterDate(header, NOW, DAY)?.getTime() ?? NOW;
        return atMs >= NOW && atMs <= NOW + DAY;
      }),
    );
  });
});

describe('httpDateMs()', () => {
  it('reads the three forms of RFC 9110 as one moment', () => {
    const forms = [
      'Sun, 06 Nov 1994 08:49:37 GMT',
      'Sunday, 06-Nov-94 08:49:37 GMT',
      'Sun Nov  6 08:49:37 1994',
    ];

    expect(forms.map(httpDateMs)).toEqual([784111777000, 784111777000, 784111777000]);
  });
});
