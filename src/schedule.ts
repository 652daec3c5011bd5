import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';

/** The next time of the cron expression after a moment, with its jitter. The jitter is derived from the
 * instance and the moment, so that asking twice gives one answer. */
export function nextScheduled(
  config: { schedule: string; timeZone: string; jitterMs: number; instance: string },
  after: Date,
): Date {
  // cron loads luxon: 30 ms that a one-shot run does not need.
  const { CronTime } = createRequire(import.meta.url)('cron') as typeof import('cron');
  const at = new CronTime(config.schedule, config.timeZone)
    .getNextDateFrom(after, config.timeZone)
    .toMillis();
  const share = createHash('sha256').update(`${config.instance} ${at}`).digest().readUInt32BE(0) / 2 ** 32;
  return new Date(at + Math.floor(share * config.jitterMs));
}
