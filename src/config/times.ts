// pure
import { createRequire } from 'node:module';

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `90s`, `10m`, `2h`, `1d` (and `500ms`) in milliseconds; NaN when the text is no duration. */
export function durationMs(text: string): number {
  const match = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text);
  return match === null ? Number.NaN : Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}

/** Whether the text is a cron expression that comes due at all. Checked by the library that runs it, which is
 * loaded only when someone wrote a schedule of their own. */
export function isCron(text: string): boolean {
  const { CronTime } = createRequire(import.meta.url)('cron') as typeof import('cron');
  try {
    // Any moment will do: an expression that never comes due (31 February) has none after it.
    new CronTime(text, 'UTC').getNextDateFrom(new Date(0), 'UTC');
    return true;
  } catch {
    return false;
  }
}
