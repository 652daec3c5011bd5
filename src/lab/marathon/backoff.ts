// pure

/** The launch delay of one app configuration. */
export interface Backoff {
  delayMs: number;
  untilMs: number;
}

export interface BackoffRule {
  backoffSeconds: number;
  backoffFactor: number;
  maxLaunchDelaySeconds: number;
}

/** The delay after one more failed task: `backoffSeconds` first, then times the factor, up to the limit.
 * A delay that ended longer ago than the limit is forgotten.
 *
 *   1 s, 1.15 → 1 s, 1.15 s, 1.3225 s …
 *
 * @source S/core/launchqueue/impl/RateLimiter.scala */
export function longerBackoff(previous: Backoff | undefined, rule: BackoffRule, nowMs: number): Backoff {
  const limitMs = rule.maxLaunchDelaySeconds * 1000;
  const isFresh = previous === undefined || nowMs - previous.untilMs > limitMs;
  const wantedMs = isFresh ? rule.backoffSeconds * 1000 : previous.delayMs * rule.backoffFactor;
  const delayMs = Math.min(wantedMs, limitMs);
  return { delayMs, untilMs: nowMs + delayMs };
}
