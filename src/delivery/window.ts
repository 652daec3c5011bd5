// pure
import { createRequire } from 'node:module';
import type { Window } from '../config/windows.ts';

export type WindowVerdict = { open: true; until: Date } | { open: false; opensAt: Date };

const DAY_MS = 86_400_000;
/** An end that is farther away is said to be as far as was looked. */
const FARTHEST_MS = 366 * DAY_MS;
const MOST_LOOKS = 20;

/** Whether one of the windows is open, and until when; or when the next opens. Pure.
 *
 * A window begins when the clock on the wall of the time zone shows what its cron expression names, and lasts
 * its duration of real time, its end not included. Where the wall clock jumps:
 *   clock          | expression with an hour          | expression whose hour begins with `*`
 *   goes forward   | begins when the jump is over     | that beginning is left out
 *   goes back      | begins the first time only       | begins both times
 * Windows that overlap or touch are one.
 * @param windows none means that it is always open
 * @returns `until`: the end of the union that contains now; when that is more than a year away, or after
 *   twenty windows without a break, a moment before it up to which it is certainly open
 * @throws an error of the cron library when an expression is none (`parseWindows` takes only those that are) */
export function windowAt(windows: readonly Window[], timeZone: string, now: Date): WindowVerdict {
  const nowMs = now.getTime();
  const farthestMs = nowMs + FARTHEST_MS;
  if (windows.length === 0) return { open: true, until: new Date(farthestMs) };
  const offsetMs = offsetsOf(timeZone);
  const openings = windows.map(({ cron, durationMs }) => ({ next: openingsOf(cron, offsetMs), durationMs }));
  let untilMs = nowMs;
  for (let looks = 0; looks < MOST_LOOKS && untilMs < farthestMs; looks += 1) {
    const ends = openings.map(
      ({ next, durationMs }) =>
        (lateStart(next, durationMs, untilMs) ?? Number.NEGATIVE_INFINITY) + durationMs,
    );
    const end = Math.max(...ends);
    if (end <= untilMs) break;
    untilMs = end;
  }
  if (untilMs > nowMs) return { open: true, until: new Date(Math.min(untilMs, farthestMs)) };
  return { open: false, opensAt: new Date(Math.min(...openings.map(({ next }) => next(nowMs)))) };
}

/** The first opening after a moment; both in epoch milliseconds. */
type NextOpening = (afterMs: number) => number;

/** A start of the window that is open at a moment, a late one where there are several, so that windows far
 * longer than their period need few looks. */
function lateStart(next: NextOpening, durationMs: number, atMs: number): number | undefined {
  const first = next(atMs - durationMs);
  if (first > atMs) return undefined;
  for (const share of [64, 8]) {
    const start = next(atMs - durationMs / share);
    if (start <= atMs) return start;
  }
  return first;
}

/** Times on the wall are reckoned in as if they were UTC, where no clock jumps, and only then turned into
 * moments: what the library itself finds around a jump depends on the season in which it is asked. */
function openingsOf(cron: string, offsetMs: (atMs: number) => number): NextOpening {
  const { CronTime } = createRequire(import.meta.url)('cron') as typeof import('cron');
  const time = new CronTime(cron, 'UTC');
  const nextWall = (wallMs: number) => time.getNextDateFrom(new Date(wallMs), 'UTC').toMillis();
  const isEveryHour = /^@(hour|minute|second)ly$|^\S+(\s+\S+)?\s+\*\S*(\s+\S+){3}$/i.test(cron.trim());
  return (afterMs) => {
    for (let fromMs = afterMs; ; ) {
      const stretch = stretchAround(fromMs, offsetMs);
      const opening = openingIn(stretch, fromMs, nextWall, isEveryHour);
      if (opening < stretch.endMs) return opening;
      // None in this stretch; clocks may jump before the one that was seen beyond it.
      fromMs = Math.max(stretch.endMs - 1, opening - DAY_MS);
    }
  };
}

/** Two days or more, in which the clocks jump at most once. */
interface Stretch {
  endMs: number;
  jumpMs: number;
  /** How far the wall clock is ahead of UTC before the jump and from it on; the same where there is none. */
  before: number;
  after: number;
}

/** The first opening after a moment of a stretch; one at or after its end only says that there is none in it. */
function openingIn(
  { jumpMs, before, after }: Stretch,
  fromMs: number,
  nextWall: (wallMs: number) => number,
  isEveryHour: boolean,
): number {
  if (fromMs < jumpMs) {
    const opening = nextWall(fromMs + before) - before;
    if (opening < jumpMs || before === after) return opening;
    const isLeftOut = nextWall(jumpMs + before - 1) < jumpMs + after;
    if (isLeftOut && !isEveryHour) return jumpMs;
  }
  const wallMs = Math.max(fromMs, jumpMs - 1) + after;
  // What the wall clock shows for the second time.
  const againMs = before > after && !isEveryHour ? jumpMs + before - 1 : wallMs;
  return nextWall(Math.max(wallMs, againMs)) - after;
}

/** Begins and ends at midnights of UTC, so that many questions share what is known of it. */
function stretchAround(atMs: number, offsetMs: (atMs: number) => number): Stretch {
  const day = Math.floor(atMs / DAY_MS);
  let [lowMs, highMs] = [(day - 1) * DAY_MS, (day + 2) * DAY_MS];
  const [endMs, before, after] = [highMs, offsetMs(lowMs), offsetMs(highMs)];
  while (before !== after && highMs - lowMs > 1) {
    const middleMs = Math.floor((lowMs + highMs) / 2);
    if (offsetMs(middleMs) === before) lowMs = middleMs;
    else highMs = middleMs;
  }
  return { endMs, jumpMs: highMs, before, after };
}

/** How far the wall clock is ahead of UTC at a moment. */
function offsetsOf(timeZone: string): (atMs: number) => number {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  const known = new Map<number, number>();
  const read = (atMs: number) => {
    const words = format.formatToParts(atMs).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const [, sign = '+', hours = 0, minutes = 0, seconds = 0] =
      /([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(words) ?? [];
    const size = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
    return sign === '-' ? -size : size;
  };
  return (atMs) => {
    const offset = known.get(atMs) ?? read(atMs);
    known.set(atMs, offset);
    return offset;
  };
}
