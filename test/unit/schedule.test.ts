import { describe, expect, it } from 'vitest';
import { nextScheduled } from '../../src/schedule.ts';

const config = (changes: object = {}) => ({
  schedule: '17 4,16 * * *',
  timeZone: 'UTC',
  jitterMs: 0,
  instance: 'a',
  ...changes,
});
const at = (text: string) => new Date(text);

describe('nextScheduled()', () => {
  it.each([
    ['the next time of the day', {}, '2026-01-01T05:00:00Z', '2026-01-01T16:17:00Z'],
    ['the first of the next day', {}, '2026-01-01T17:00:00Z', '2026-01-02T04:17:00Z'],
    ['not the moment itself', {}, '2026-01-01T04:17:00Z', '2026-01-01T16:17:00Z'],
    ['its own time zone', { timeZone: 'Europe/Berlin' }, '2026-01-01T00:00:00Z', '2026-01-01T03:17:00Z'],
    ['summer time there', { timeZone: 'Europe/Berlin' }, '2026-07-01T00:00:00Z', '2026-07-01T02:17:00Z'],
    [
      'an hour that summer time leaves out',
      { schedule: '30 2 * * *', timeZone: 'Europe/Berlin' },
      '2026-03-29T00:00:00Z',
      '2026-03-29T01:00:00Z',
    ],
    [
      'seconds, when there are six fields',
      { schedule: '*/10 * * * * *' },
      '2026-01-01T00:00:01Z',
      '2026-01-01T00:00:10Z',
    ],
  ])('knows %s', (_what, changes, after, next) => {
    expect(nextScheduled(config(changes), at(after)).toISOString()).toBe(at(next).toISOString());
  });

  it('adds a jitter below its bound, the same however often it is asked, and another for another instance', () => {
    const after = at('2026-01-01T05:00:00Z');
    const ask = (instance: string) => nextScheduled(config({ jitterMs: 600_000, instance }), after).getTime();
    const all = Array.from({ length: 20 }, (_, index) => ask(`certathon.${index}`));

    expect(ask('a')).toBe(ask('a'));
    expect(new Set(all).size).toBeGreaterThan(10);
    for (const one of all) {
      expect(one).toBeGreaterThanOrEqual(Date.parse('2026-01-01T16:17:00Z'));
      expect(one).toBeLessThan(Date.parse('2026-01-01T16:27:00Z'));
    }
  });
});
