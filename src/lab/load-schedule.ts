/** How much, how fast, for how long. */
export interface LoadBounds {
  ratePerSecond: number;
  maxRequests: number;
  maxSeconds: number;
}

export interface Sending {
  /** Sends nothing more and waits for what is on the way. */
  stop(): Promise<void>;
  /** Resolves when it has stopped, by itself or by `stop()`. */
  finished: Promise<void>;
  /** Of `performance.now()`: when the last request was sent, or now while more follow. */
  sentUntilMs(): number;
}

const MOST = { ratePerSecond: 2000, maxRequests: 1_000_000, maxSeconds: 3600 };
const TICK_MS = 5;

/** Sends at a fixed rate, whatever comes back (open loop): a stall shows as latency and failures instead of fewer
 * requests.
 * @param sendOne sends one request and counts it; never throws   @param startedAtMs of `performance.now()`
 * @throws Error on figures out of bounds */
export function startSending(bounds: LoadBounds, sendOne: () => Promise<void>, startedAtMs: number): Sending {
  for (const name of ['ratePerSecond', 'maxRequests', 'maxSeconds'] as const) {
    if (!(bounds[name] > 0 && bounds[name] <= MOST[name]))
      throw new Error(`${name} is ${bounds[name]}: more than 0, at most ${MOST[name]}`);
  }
  const { ratePerSecond, maxRequests, maxSeconds } = bounds;
  const running = new Set<Promise<void>>();
  const { promise: finished, resolve: end } = Promise.withResolvers<void>();
  let sent = 0;
  let endedAtMs: number | undefined;
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - startedAtMs;
    const due = Math.min(Math.ceil((elapsedMs * ratePerSecond) / 1000), maxRequests);
    for (; sent < due; sent += 1) {
      const one = sendOne().finally(() => running.delete(one));
      running.add(one);
    }
    if (sent >= maxRequests || elapsedMs >= maxSeconds * 1000) void stop();
  }, TICK_MS);
  async function stop(): Promise<void> {
    clearInterval(timer);
    if (endedAtMs === undefined) {
      endedAtMs = performance.now();
      await Promise.all(running);
      end();
    }
    await finished;
  }
  return { stop, finished, sentUntilMs: () => endedAtMs ?? performance.now() };
}
