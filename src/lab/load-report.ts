export interface LoadReport {
  requests: number;
  failed: number;
  /** Sent again because a reused connection was closed before any byte of an answer; not failures. */
  repeated: number;
  /** The first failures, and when they were seen, counted from the start. */
  failures: { atMs: number; what: string }[];
  latencyMs: { p50: number; p99: number; most: number };
  perStatus: Record<string, number>;
  /** By the `x-task` header. */
  perServer: Record<string, number>;
}

export interface Tally {
  answered(status: number, server: string, latencyMs: number): void;
  failed(what: string): void;
  repeated(): void;
  soFar(): { requests: number; failed: number };
  report(): LoadReport;
}

const KEPT_FAILURES = 200;

/** Counts what happened to requests. An answer of 500 or more is a failure too: the user saw an error.
 * @param startedAtMs of `performance.now()` */
export function newTally(startedAtMs: number): Tally {
  const latencies: number[] = [];
  const counted = { requests: 0, failed: 0, repeated: 0 };
  const failures: { atMs: number; what: string }[] = [];
  const perStatus: Record<string, number> = {};
  const perServer: Record<string, number> = {};
  function fail(what: string): void {
    counted.failed += 1;
    if (failures.length < KEPT_FAILURES) {
      failures.push({ atMs: Math.round(performance.now() - startedAtMs), what });
    }
  }
  return {
    answered: (status, server, latencyMs) => {
      counted.requests += 1;
      latencies.push(latencyMs);
      perStatus[status] = (perStatus[status] ?? 0) + 1;
      perServer[server] = (perServer[server] ?? 0) + 1;
      if (status >= 500) fail(`status ${status}`);
    },
    failed: (what) => {
      counted.requests += 1;
      fail(what);
    },
    repeated: () => {
      counted.repeated += 1;
    },
    soFar: () => ({ requests: counted.requests, failed: counted.failed }),
    report: () => ({ ...counted, failures, latencyMs: quantiles(latencies), perStatus, perServer }),
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
