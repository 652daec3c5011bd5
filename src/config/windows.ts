// pure
import { durationMs, isCron } from './times.ts';

/** A time that comes again and again, in which what disturbs may be done. */
export interface Window {
  /** When it begins, in the time zone of the schedule. */
  cron: string;
  durationMs: number;
}

const MOST_WINDOWS = 20;
const [LEAST_MS, MOST_MS] = [60_000, 31 * 86_400_000];
const WHY = 'is not a list of windows such as 0 3 * * 6 for 2h; 0 12 * * 0 for 30m';

/** `0 3 * * 6 for 2h; 0 12 * * 0 for 30m`: a cron expression, the word `for` and a duration from a minute to 31
 * days. Semicolons part several, and so does what follows a duration, as a list of the file does; doubled ones
 * are dropped. */
export function parseWindows(text: string): { value: readonly Window[] } | { problem: string } {
  const parts = text.replace(/\s+/g, ' ').split(/;|(?<= for [^ ;]+) /);
  const items = [...new Set(parts.map((item) => item.trim()))];
  const written = items.filter((item) => item !== '');
  if (written.length > MOST_WINDOWS) return { problem: `has more than ${MOST_WINDOWS} windows` };
  if (written.length === 0) return { problem: WHY };
  const value: Window[] = [];
  for (const item of written) {
    const [, cron, lasting] = /^(.+) for (\S+)$/.exec(item) ?? [];
    const duration = durationMs(lasting ?? '');
    if (cron === undefined || Number.isNaN(duration)) return { problem: WHY };
    if (!(duration >= LEAST_MS && duration <= MOST_MS))
      return { problem: `has a window that lasts ${lasting}, which is not from 1m to 31d` };
    if (!isCron(cron))
      return {
        problem: `has a window that begins at ${cron}, which is no cron expression, or never comes due`,
      };
    value.push({ cron, durationMs: duration });
  }
  return { value };
}
