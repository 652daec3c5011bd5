// pure
import type { HealthCheck } from './schema.ts';

/** What is known about one check of one task. Times are epoch milliseconds. */
export interface HealthRecord {
  alive: boolean;
  consecutiveFailures: number;
  firstSuccessMs?: number;
  lastSuccessMs?: number;
  lastFailureMs?: number;
  lastFailureCause?: string;
}

export type ProbeOutcome = { ok: true } | { ok: false; cause: string };

export interface Judgement {
  record: HealthRecord;
  /** The failure counts: it is neither a success nor forgiven by the grace period. */
  counted: boolean;
  kill: boolean;
}

/** Takes one probe into the record. A failure before the first success is forgiven during the grace period,
 * but the task carries a result from then on and so is unhealthy. The task is killed by the failure that comes
 * when `maxConsecutiveFailures` were counted before; 0 means never, for Mesos' own checks at the first.
 * @param runningSinceMs when the task became TASK_RUNNING
 * @source S/core/health/impl/HealthCheckActor.scala, S/core/health/Health.scala */
export function judgeProbe(
  before: HealthRecord | undefined,
  outcome: ProbeOutcome,
  check: Pick<HealthCheck, 'gracePeriodSeconds' | 'maxConsecutiveFailures' | 'protocol'>,
  runningSinceMs: number,
  nowMs: number,
): Judgement {
  const record = before ?? { alive: false, consecutiveFailures: 0 };
  if (outcome.ok)
    return {
      record: {
        ...record,
        alive: true,
        consecutiveFailures: 0,
        firstSuccessMs: record.firstSuccessMs ?? nowMs,
        lastSuccessMs: nowMs,
      },
      counted: false,
      kill: false,
    };

  const isForgiven =
    record.firstSuccessMs === undefined && nowMs < runningSinceMs + check.gracePeriodSeconds * 1000;
  if (isForgiven) return { record, counted: false, kill: false };
  const limit = check.maxConsecutiveFailures;
  const isByMesos = check.protocol.startsWith('MESOS_');
  return {
    record: {
      ...record,
      alive: false,
      consecutiveFailures: record.consecutiveFailures + 1,
      lastFailureMs: nowMs,
      lastFailureCause: outcome.cause,
    },
    counted: true,
    kill: limit === 0 ? isByMesos : record.consecutiveFailures >= limit,
  };
}
