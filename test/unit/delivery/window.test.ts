import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Window } from '../../../src/config/windows.ts';
import { windowAt } from '../../../src/delivery/window.ts';

const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000];
const window = (cron: string, hours: number): Window => ({ cron, durationMs: hours * HOUR_MS });
const openUntil = (iso: string) => ({ open: true, until: new Date(iso) });
const closedUntil = (iso: string) => ({ open: false, opensAt: new Date(iso) });

describe('windowAt()', () => {
  it.each([
    ['a minute before', '2026-07-04T02:59:00Z', closedUntil('2026-07-04T03:00:00Z')],
    ['a millisecond before', '2026-07-04T02:59:59.999Z', closedUntil('2026-07-04T03:00:00Z')],
    ['at its beginning', '2026-07-04T03:00:00Z', openUntil('2026-07-04T05:00:00Z')],
    ['a millisecond after its beginning', '2026-07-04T03:00:00.001Z', openUntil('2026-07-04T05:00:00Z')],
    ['in its last millisecond', '2026-07-04T04:59:59.999Z', openUntil('2026-07-04T05:00:00Z')],
    ['at its end', '2026-07-04T05:00:00Z', closedUntil('2026-07-11T03:00:00Z')],
  ])('knows of Saturdays at three for two hours, %s', (_when, now, verdict) => {
    expect(windowAt([window('0 3 * * 6', 2)], 'UTC', new Date(now))).toEqual(verdict);
  });

  it.each<[string, Window[], string, object]>([
    [
      'one that ends later',
      [window('0 3 * * *', 2), window('0 4 * * *', 3)],
      '04:30',
      openUntil('2026-07-04T07:00:00Z'),
    ],
    [
      'one inside',
      [window('0 3 * * *', 5), window('0 4 * * *', 1)],
      '04:30',
      openUntil('2026-07-04T08:00:00Z'),
    ],
    [
      'one that touches',
      [window('0 3 * * *', 1), window('0 4 * * *', 1)],
      '03:30',
      openUntil('2026-07-04T05:00:00Z'),
    ],
    ['one that began the day before', [window('0 23 * * *', 4)], '01:00', openUntil('2026-07-04T03:00:00Z')],
    [
      'one that is apart',
      [window('0 3 * * *', 1), window('0 9 * * *', 1)],
      '05:00',
      closedUntil('2026-07-04T09:00:00Z'),
    ],
    ['its own next one', [window('0 3,4,5 * * *', 1.5)], '03:30', openUntil('2026-07-04T06:30:00Z')],
  ])('joins a window with %s', (_what, windows, time, verdict) => {
    const seen = windowAt(windows, 'UTC', new Date(`2026-07-04T${time}:00Z`));

    expect(seen).toEqual(verdict);
  });

  it.each<[string, string, number, string, object]>([
    [
      'the hour is left out: just before the jump',
      '30 2 * * *',
      1,
      '2027-03-28T00:59:59Z',
      closedUntil('2027-03-28T01:00:00Z'),
    ],
    [
      'the hour is left out: it begins after the jump',
      '30 2 * * *',
      1,
      '2027-03-28T01:00:00Z',
      openUntil('2027-03-28T02:00:00Z'),
    ],
    [
      'the hour is left out: the next day',
      '30 2 * * *',
      1,
      '2027-03-28T02:00:00Z',
      closedUntil('2027-03-29T00:30:00Z'),
    ],
    [
      'it lasts its time over the jump',
      '30 1 * * *',
      2,
      '2027-03-28T00:45:00Z',
      openUntil('2027-03-28T02:30:00Z'),
    ],
    [
      'it begins at the end of the jump',
      '0 3 * * *',
      1,
      '2027-03-28T00:30:00Z',
      closedUntil('2027-03-28T01:00:00Z'),
    ],
    [
      'once an hour, the hour is left out',
      '30 * * * *',
      0.5,
      '2027-03-28T01:00:00Z',
      closedUntil('2027-03-28T01:30:00Z'),
    ],
    [
      'the hour comes twice: the first time',
      '30 2 * * *',
      0.5,
      '2026-10-25T00:29:00Z',
      closedUntil('2026-10-25T00:30:00Z'),
    ],
    [
      'the hour comes twice: open the first time',
      '30 2 * * *',
      0.5,
      '2026-10-25T00:45:00Z',
      openUntil('2026-10-25T01:00:00Z'),
    ],
    [
      'the hour comes twice: not the second time',
      '30 2 * * *',
      0.5,
      '2026-10-25T01:45:00Z',
      closedUntil('2026-10-26T01:30:00Z'),
    ],
    [
      'it lasts its time when the clock goes back',
      '0 1 * * *',
      3,
      '2026-10-24T23:30:00Z',
      openUntil('2026-10-25T02:00:00Z'),
    ],
    [
      'once an hour, the hour comes twice: first',
      '30 * * * *',
      0.5,
      '2026-10-25T00:30:00Z',
      openUntil('2026-10-25T01:00:00Z'),
    ],
    [
      'once an hour, the hour comes twice: between',
      '30 * * * *',
      0.5,
      '2026-10-25T01:00:00Z',
      closedUntil('2026-10-25T01:30:00Z'),
    ],
    [
      'once an hour, the hour comes twice: second',
      '30 * * * *',
      0.5,
      '2026-10-25T01:30:00Z',
      openUntil('2026-10-25T02:00:00Z'),
    ],
    ['summer time', '0 3 * * *', 1, '2026-07-04T00:00:00Z', closedUntil('2026-07-04T01:00:00Z')],
    ['winter time', '0 3 * * *', 1, '2026-12-04T00:00:00Z', closedUntil('2026-12-04T02:00:00Z')],
  ])('reckons in Europe/Berlin: %s', (_what, cron, hours, now, verdict) => {
    expect(windowAt([window(cron, hours)], 'Europe/Berlin', new Date(now))).toEqual(verdict);
  });

  it('is never closed on the day of a jump by windows that are as long as their period', () => {
    const everyHalfHour = [{ cron: '*/30 * * * *', durationMs: 30 * MINUTE_MS }];
    const days = [Date.UTC(2026, 9, 25), Date.UTC(2027, 2, 28)];
    const moments = days.flatMap((day) => Array.from({ length: 9 }, (_, nth) => day + nth * 20 * MINUTE_MS));

    const closed = moments.filter((at) => !windowAt(everyHalfHour, 'Europe/Berlin', new Date(at)).open);

    expect(closed).toEqual([]);
  });

  it('is open for a year when there are no windows', () => {
    const now = new Date('2026-07-04T03:00:00Z');

    expect(windowAt([], 'UTC', now)).toEqual({ open: true, until: new Date(now.getTime() + 366 * DAY_MS) });
  });

  it('says of windows without end how far it looked', () => {
    const now = new Date('2026-07-04T03:00:30Z');

    const minutely = windowAt([{ cron: '* * * * *', durationMs: MINUTE_MS }], 'UTC', now);
    const long = windowAt([{ cron: '* * * * *', durationMs: 31 * DAY_MS }], 'UTC', now);

    expect(minutely).toMatchObject({ open: true });
    expect(minutely.open && minutely.until.getTime() - now.getTime()).toBeGreaterThan(10 * MINUTE_MS);
    expect(long).toEqual({ open: true, until: new Date(now.getTime() + 366 * DAY_MS) });
  });

  it('agrees with a model that looks at each minute', () => {
    fc.assert(
      fc.property(
        fc.array(anyWindow, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/St_Johns'),
        // Days with and without a jump of the clocks, in those zones.
        fc.constantFrom('2026-07-03', '2026-10-24', '2027-03-27', '2026-10-31', '2027-03-13'),
        fc.nat({ max: 2 * 24 * 60 }),
        (specs, zone, day, minute) => {
          const now = new Date(Date.parse(day) + minute * MINUTE_MS);
          const windows = specs.map(({ hour, minute: at, weekday, minutes }) => ({
            cron: `${at} ${hour} * * ${weekday}`,
            durationMs: minutes * MINUTE_MS,
          }));

          const seen = windowAt(windows, zone, now);

          expect(seen.open).toBe(modelIsOpen(specs, zone, now));
          const change = seen.open ? seen.until : seen.opensAt;
          const farthestMs = now.getTime() + 2 * DAY_MS;
          const expected = modelChange(specs, zone, now, farthestMs);
          expect(change.getTime() > farthestMs ? undefined : change.getTime()).toBe(expected);
        },
      ),
      { numRuns: 25 },
    );
  });
});

interface Spec {
  hour: number;
  minute: number;
  weekday: string;
  minutes: number;
}

const anyWindow: fc.Arbitrary<Spec> = fc.record({
  // Not from one to three, where the clocks jump: tables above tell what happens then.
  hour: fc.oneof(fc.constant(0), fc.integer({ min: 4, max: 23 })),
  minute: fc.integer({ min: 0, max: 59 }),
  weekday: fc.constantFrom('*', '0', '6', '1-5'),
  minutes: fc.integer({ min: 1, max: 30 * 60 }),
});

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const walls = new Map<string, { weekday: number; hour: number; minute: number }>();
const formats = new Map<string, Intl.DateTimeFormat>();

function wallClock(zone: string, atMs: number) {
  const key = `${zone} ${atMs}`;
  const known = walls.get(key);
  if (known !== undefined) return known;
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat('en', {
      timeZone: zone,
      hourCycle: 'h23',
      weekday: 'short',
      hour: 'numeric',
      minute: 'numeric',
    });
  formats.set(zone, format);
  const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
  const wall = {
    weekday: DAYS.indexOf(parts.weekday ?? ''),
    hour: Number(parts.hour),
    minute: Number(parts.minute),
  };
  walls.set(key, wall);
  return wall;
}

function begins(spec: Spec, zone: string, atMs: number): boolean {
  const wall = wallClock(zone, atMs);
  const isDay =
    spec.weekday === '*' ||
    (spec.weekday === '1-5' ? wall.weekday >= 1 && wall.weekday <= 5 : String(wall.weekday) === spec.weekday);
  return isDay && wall.hour === spec.hour && wall.minute === spec.minute;
}

function modelIsOpen(specs: Spec[], zone: string, now: Date): boolean {
  return specs.some((spec) =>
    Array.from({ length: spec.minutes }, (_, back) => now.getTime() - back * MINUTE_MS).some((at) =>
      begins(spec, zone, at),
    ),
  );
}

/** The first minute after now at which the model's answer is another one. */
function modelChange(specs: Spec[], zone: string, now: Date, untilMs: number): number | undefined {
  const isOpen = modelIsOpen(specs, zone, now);
  const openUntilMs = specs.map(({ minutes }, index) => {
    for (let back = 0; back < minutes; back += 1)
      if (begins(specs[index] as Spec, zone, now.getTime() - back * MINUTE_MS))
        return now.getTime() + (minutes - back) * MINUTE_MS;
    return 0;
  });
  let endMs = Math.max(...openUntilMs);
  for (let at = now.getTime() + MINUTE_MS; at <= untilMs; at += MINUTE_MS) {
    const starting = specs.filter((spec) => begins(spec, zone, at));
    if (!isOpen && starting.length > 0) return at;
    for (const { minutes } of starting) if (at <= endMs) endMs = Math.max(endMs, at + minutes * MINUTE_MS);
    if (isOpen && at >= endMs) return at;
  }
  return undefined;
}
