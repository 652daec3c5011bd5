import { randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { CertathonError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { checkRoutes, type RouteBalancer, type RouteReport } from './route.ts';
import type { ChallengeStore } from './store-challenges.ts';

const ROUTE_POLL_MS = 1_000;

export interface RouteTrial {
  /** `warn` reports and goes on; `require` makes a wrong route a failure. */
  mode: 'off' | 'warn' | 'require';
  /** How long the route may take to come up. */
  waitMs: number;
  httpPort: number;
  httpsPort: number;
  dnsServers: readonly string[];
  /** The balancers there are now; read again at each look. */
  balancers: () => Promise<RouteBalancer[]>;
  challenges: ChallengeStore;
  /** What this program answers for a token. */
  answer: (token: string) => Promise<string | undefined>;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

/** Tries the public route of each name with a token made for this, before the CA is asked, and reports what came
 * back. It can fail where the CA would pass (split DNS, no way out and back in), so it is advice by default.
 * @throws ROUTE_CHECK_FAILED in the mode `require` */
export async function tryRoutes(names: readonly string[], trial: RouteTrial): Promise<void> {
  if (trial.mode === 'off') return;
  const { answer, challenges, log } = trial;
  const token = randomBytes(24).toString('base64url');
  const stateless = await answer(token);
  const ours = randomBytes(24).toString('base64url');
  await challenges.present(token, ours);
  try {
    const answers = stateless === undefined ? [ours] : [ours, stateless];
    const reports = await whenSettled(
      names,
      async (open) => checkRoutes(open, { ...trial, token, answers, balancers: await trial.balancers() }),
      trial,
    );
    const leadsInside = reports.some(({ ok, balancer }) => ok && balancer !== undefined);
    for (const { ok, ...report } of reports) {
      const isPlain = report.balancer !== undefined && (ok || !leadsInside);
      log[isPlain ? 'debug' : ok ? 'info' : 'warn']('route.checked', { ...report, ok });
    }
    const wrong = reports.filter(({ ok, balancer }) => !ok && balancer === undefined);
    if (wrong.length === 0 || trial.mode !== 'require') return;
    const words = wrong.map(
      ({ name, address, found }) => `${name}${address === '' ? '' : ` at ${address}`}: ${found}`,
    );
    throw new CertathonError(
      'ROUTE_CHECK_FAILED',
      `The challenge path does not lead here: ${words.join('; ')}`,
      { facts: { names: [...new Set(wrong.map(({ name }) => name))] } },
    );
  } finally {
    await challenges.remove(token);
  }
}

/** Tries again, only the names that fail, until all come back or the time for it is up: right after a start
 * the balancers do not route to this task yet, and a try at the CA would be a failure for nothing. */
async function whenSettled(
  names: readonly string[],
  check: (names: readonly string[]) => Promise<RouteReport[]>,
  { waitMs, clock, signal }: RouteTrial,
): Promise<RouteReport[]> {
  const deadlineMs = clock.monotonicMs() + waitMs;
  const settled: RouteReport[] = [];
  for (let open = names; ; ) {
    const reports = await check(open);
    const wrong = namesToWaitFor(reports);
    settled.push(...reports.filter(({ name }) => !wrong.has(name)));
    if (wrong.size === 0 || clock.monotonicMs() >= deadlineMs)
      return [...settled, ...reports.filter(({ name }) => wrong.has(name))];
    open = [...wrong];
    await clock.sleep(ROUTE_POLL_MS, signal);
  }
}

/** Names that do not come back by their public route, and those that one balancer routes here and another does
 * not yet: each follows Marathon at its own pace, and the CA reaches any of them. Where none routes here, the
 * public route goes another way, and they do not matter. */
function namesToWaitFor(reports: readonly RouteReport[]): Set<string> {
  const leadsInside = reports.some(({ ok, balancer }) => ok && balancer !== undefined);
  const wrong = reports.filter(({ ok, balancer }) => !ok && (balancer === undefined || leadsInside));
  return new Set(wrong.map(({ name }) => name));
}
