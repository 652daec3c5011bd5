import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readStartedAt, startedAtAfter } from '../../../src/rollout/started-at.ts';

const micros = (text: string, more = 0) => Date.parse(text) * 1_000 + more;

describe('readStartedAt()', () => {
  it.each([
    ['2016-02-01T14:13:42.499089', micros('2016-02-01T14:13:42.499Z', 89)],
    ['2016-02-01T14:13:42', micros('2016-02-01T14:13:42Z')],
    ['2016-02-01 14:13', micros('2016-02-01T14:13:00Z')],
    ['2016-02-01T14:13:42.5', micros('2016-02-01T14:13:42.500Z')],
    ['2016-02-01T14:13:42,5', micros('2016-02-01T14:13:42.500Z')],
    ['2016-02-01T14:13:42.1234567', micros('2016-02-01T14:13:42.123Z', 456)],
    [' 2016-02-01T14:13:42\n', micros('2016-02-01T14:13:42Z')],
  ])('reads %j, which has no zone', (text, expected) => {
    expect(readStartedAt(text)).toEqual({ micros: expected, wallMicros: expected, hasZone: false });
  });

  it.each([
    ['2016-02-01T14:00:00Z', 0],
    ['2016-02-01T14:00:00.000 UTC', 0],
    ['2016-02-01T14:00:00+02:00', 120],
    ['2016-02-01T14:00:00-0130', -90],
    ['2016-02-01T14:00:00+02', 120],
  ])('sees the zone of %j', (text, minutes) => {
    const wallMicros = micros('2016-02-01T14:00:00Z');

    expect(readStartedAt(text)).toEqual({
      micros: wallMicros - minutes * 60_000_000,
      wallMicros,
      hasZone: true,
    });
  });

  it.each([
    '',
    'yesterday',
    '2016-02-30T10:00:00',
    '2016-02-01T24:00:00',
    '2016-02-01',
    '1454336022',
    '0016-02-01T10:00',
  ])('makes nothing of %j', (text) => {
    expect(readStartedAt(text)).toBeUndefined();
  });
});

describe('startedAtAfter()', () => {
  const now = Date.UTC(2026, 0, 2, 3, 4, 5, 67);
  it.each([
    ['nothing', undefined, '2026-01-02T03:04:05.067000'],
    ['an earlier time', '2026-01-02T03:04:05.066999', '2026-01-02T03:04:05.067000'],
    ['the same time', '2026-01-02T03:04:05.067000', '2026-01-02T03:04:05.067001'],
    ['a clock that is ahead', '2026-01-02T09:00:00.999999', '2026-01-02T09:00:01.000000'],
    ['a time without microseconds', '2026-01-02T04:00:00', '2026-01-02T04:00:00.000001'],
    ['a time that is earlier with its zone only', '2026-01-02T05:00:00+09:00', '2026-01-02T05:00:01.000000'],
    ['a time that is later with its zone only', '2026-01-02T01:00:00-09:00', '2026-01-02T10:00:01.000000'],
    ['what is no time', 'yesterday', '2026-01-02T03:04:05.067000'],
  ])('is later than %s', (_what, last, expected) => {
    expect(startedAtAfter(now, last)).toBe(expected);
  });

  it('has six digits and no zone, and grows as a time and as a text, whatever the clock does', () => {
    const moment = fc.integer({ min: Date.UTC(2015, 0, 1), max: Date.UTC(2035, 0, 1) });
    const written = fc.tuple(
      moment,
      fc.constantFrom(19, 23),
      fc.constantFrom('', '123', 'Z', '+05:30', '-0800'),
    );

    fc.assert(
      fc.property(
        written,
        fc.array(moment, { minLength: 1, maxLength: 20 }),
        ([first, length, end], clock) => {
          let last = `${new Date(first).toISOString().slice(0, length)}${length === 19 && end === '123' ? '' : end}`;
          for (const nowMs of clock) {
            const next = startedAtAfter(nowMs, last);
            expect(next).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/);
            expect(next > last).toBe(true);
            expect(readStartedAt(next)?.micros).toBeGreaterThan(readStartedAt(last)?.micros ?? Number.NaN);
            expect(readStartedAt(next)?.micros).toBeGreaterThanOrEqual(nowMs * 1_000);
            last = next;
          }
        },
      ),
    );
  });
});
