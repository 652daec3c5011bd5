export interface LoadFailure {
  /** When it was sent and when it was seen to fail, counted from the start. */
  sentAtMs: number;
  atMs: number;
  what: string;
}

export interface LoadReport {
  requests: number;
  failed: number;
  /** Sent again because a reused connection was closed before any byte of an answer; not failures. */
  repeated: number;
  /** The first failures. */
  failures: LoadFailure[];
  latencyMs: { p50: number; p99: number; most: number };
  perStatus: Record<string, number>;
  /** By the `x-task` header. */
  perServer: Record<string, number>;
  gaps: Gaps;
}

/** How long nobody got an answer. Only the time in which requests were sent counts. */
export interface Gaps {
  /** Longest span without any good answer: also before the first, and from the last until the sending ended. */
  longestMs: number;
  /** Longest span between two good answers. */
  betweenMs: number;
  /** When the longest span began, counted from the start. */
  fromMs: number;
}

export interface Tally {
  /** @param sentAtMs of `performance.now()`, as all times that come in */
  answered(status: number, server: string, sentAtMs: number): void;
  failed(what: string, sentAtMs: number): void;
  repeated(): void;
  soFar(): { requests: number; failed: number };
  /** @param sentUntilMs when the last request was sent */
  report(sentUntilMs: number): LoadReport;
}

const KEPT_FAILURES = 5_000;

/** Counts what happened to requests. An answer of 500 or more is a failure too: the user saw an error.
 * @param startedAtMs of `performance.now()`   @param allGoodAtMs times of good answers that several tallies share */
export function newTally(startedAtMs: number, allGoodAtMs?: number[]): Tally {
  const latencies: number[] = [];
  const goodAtMs: number[] = [];
  const counted = { requests: 0, failed: 0, repeated: 0 };
  const failures: LoadFailure[] = [];
  const perStatus: Record<string, number> = {};
  const perServer: Record<string, number> = {};
  function fail(what: string, sentAtMs: number, atMs: number): void {
    counted.failed += 1;
    if (failures.length >= KEPT_FAILURES) return;
    failures.push({ sentAtMs: Math.round(sentAtMs - startedAtMs), atMs: Math.round(atMs), what });
  }
  return {
    answered: (status, server, sentAtMs) => {
      const nowMs = performance.now();
      counted.requests += 1;
      latencies.push(nowMs - sentAtMs);
      perStatus[status] = (perStatus[status] ?? 0) + 1;
      perServer[server] = (perServer[server] ?? 0) + 1;
      if (status >= 500) fail(`status ${status}`, sentAtMs, nowMs - startedAtMs);
      else {
        goodAtMs.push(nowMs - startedAtMs);
        allGoodAtMs?.push(nowMs - startedAtMs);
      }
    },
    failed: (what, sentAtMs) => {
      counted.requests += 1;
      fail(what, sentAtMs, performance.now() - startedAtMs);
    },
    repeated: () => {
      counted.repeated += 1;
    },
    soFar: () => ({ requests: counted.requests, failed: counted.failed }),
    report: (sentUntilMs) => ({
      ...counted,
      failures,
      latencyMs: quantiles(latencies),
      perStatus,
      perServer,
      gaps: gapsOf(goodAtMs, sentUntilMs - startedAtMs),
    }),
  };
}

/** @param goodAtMs times of good answers in ascending order, from the start of sending
 * @example good at 10, 20 and 500, sent until 600 → longest 480 from 20 on, between two answers 480
 * @example good at 10 and 900, sent until 600 → longest 590 from 10 on, between two answers 0
 * @example no good answer, sent until 600 → longest 600 from 0 on, between two answers 0 */
export function gapsOf(goodAtMs: readonly number[], sentForMs: number): Gaps {
  const found = { longestMs: 0, betweenMs: 0, fromMs: 0 };
  let lastMs = 0;
  const span = (untilMs: number): void => {
    if (untilMs - lastMs <= found.longestMs) return;
    found.longestMs = untilMs - lastMs;
    found.fromMs = lastMs;
  };
  for (const [at, ms] of goodAtMs.entries()) {
    if (ms > sentForMs) break;
    span(ms);
    if (at > 0) found.betweenMs = Math.max(found.betweenMs, ms - lastMs);
    lastMs = ms;
  }
  span(sentForMs);
  return {
    longestMs: Math.round(found.longestMs),
    betweenMs: Math.round(found.betweenMs),
    fromMs: Math.round(found.fromMs),
  };
}

function quantiles(latencies: number[]): LoadReport['latencyMs'] {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number => {
    const index = Math.min(sorted.length - 1, Math.floor(sorted.length * share));
    return Math.round((sorted[index] ?? 0) * 10) / 10;
  };
  return { p50: at(0.5), p99: at(0.99), most: at(1) };
}
