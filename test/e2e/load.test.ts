import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Lab, type LabOptions, startLab } from '../../src/lab/cluster.ts';
import { webApp } from '../../src/lab/definitions.ts';
import { LOAD_KINDS, type MixedLoad, type MixedReport, startMixedLoad } from '../../src/lab/load-mixed.ts';
import { followSidecar } from '../../src/lab/sidecar-log.ts';
import { type Absence, watchAbsences } from '../support/absences.ts';
import { reloadsOf } from '../support/directory.ts';
import { shownByAll, UNHURRIED_CHECKS } from '../support/lab.ts';
import { ADMIN_TOKEN, askToRenew } from '../support/sidecar.ts';
import { until } from '../support/until.ts';
import { longTest } from '../support/whole.ts';

const NAME = 'shop.example.com';
const PATIENCE_MS = 90_000;
const REQUESTS = 3_000;
/** At each of two fronts. */
const RATE = 125;
/** Between the last breath of a balancer and the first handshake that fails, and the other way round. */
const LOOK_MS = 500;
/** What a front needs until it knows that a balancer is gone or back: one check a second; two checks every 5 s. */
const DETECTION_MS = { retrying: 1_500, slow: 11_000 };

let lab: Lab | undefined;
afterEach(async () => {
  await lab?.stop();
  lab = undefined;
});

longTest(
  'environment: what fails during a renewal fails while a balancer is replaced, and nothing fails afterwards',
  async () => {
    const { before, after, fingerprint, reports, absences, served } = await renewUnderLoad(
      { balancerApp: { healthChecks: UNHURRIED_CHECKS } },
      () => ({}),
    );

    expect(fingerprint).not.toBe(before);
    expect(served).toEqual([fingerprint, fingerprint]);
    // Each balancer was replaced once, and never both at a time.
    expect(absences.map(({ host }) => host).sort()).toEqual(lab?.publicAgents);
    const [first, second] = absences.toSorted((a, b) => a.fromMs - b.fromMs);
    expect(first?.toMs).toBeLessThan(second?.fromMs ?? 0);

    expect(totalOf(reports).requests).toBeGreaterThanOrEqual(REQUESTS);
    for (const front of ['retrying', 'slow'] as const) {
      const { failed, failures, startedAtMs } = reports[front];
      expect(failures).toHaveLength(failed);
      const unexplained = failures.filter(
        ({ atMs }) => !isExplained(startedAtMs + atMs, absences, DETECTION_MS[front]),
      );
      expect(unexplained, front).toEqual([]);
    }
    expect(after).toMatchObject({ retrying: { failures: [] }, slow: { failures: [] } });
  },
);

test('directory: a renewal fails no request, cuts nothing that is under way, and takes one reload of each balancer', async () => {
  let reloads: Promise<number[]> | undefined;
  const { before, after, fingerprint, reports, absences, served } = await renewUnderLoad(
    { sharedDirectory: true, balancerApp: { healthChecks: UNHURRIED_CHECKS } },
    ({ sharedDirectory = '' }) => ({
      CERTATHON_DELIVERY: 'directory',
      CERTATHON_DIRECTORY: sharedDirectory,
    }),
    (running) => {
      reloads = reloadsOf(running, running.publicAgents);
    },
  );

  expect(fingerprint).not.toBe(before);
  expect(served).toEqual([fingerprint, fingerprint]);
  expect(absences).toEqual([]);
  expect(totalOf(reports).requests).toBeGreaterThanOrEqual(REQUESTS);
  expect(totalOf(reports).failed, JSON.stringify(reports.retrying.failures)).toBe(0);
  for (const front of ['retrying', 'slow'] as const)
    expect(Object.keys(reports[front].perKind).sort()).toEqual([...LOAD_KINDS].sort());
  expect(after).toMatchObject({ retrying: { failures: [] }, slow: { failures: [] } });
  const [running, earlier = []] = [lab as Lab, await reloads];
  expect(await reloadsOf(running, running.publicAgents)).toEqual(earlier.map((count) => count + 1));
});

interface Renewed {
  before: string | undefined;
  fingerprint: unknown;
  /** What the balancers serve at the end. */
  served: string[];
  reports: Fronts;
  /** Of a shorter load when everything has come to rest. */
  after: Fronts;
  absences: Absence[];
}
type Fronts = Record<'retrying' | 'slow', MixedReport>;

/** Two balancers behind two fronts get a first certificate, and renew it under load. Only the strategy differs. */
async function renewUnderLoad(
  options: LabOptions,
  env: (lab: Lab) => Record<string, string>,
  beforeRenewal: (lab: Lab) => void = () => undefined,
): Promise<Renewed> {
  const running = await startLab({ slowFront: true, authority: { nonceRejectPercent: 0 }, ...options });
  lab = running;
  const log = followSidecar(join(running.directory, 'tasks'), 'certathon.');
  try {
    await running.run(webApp('/shop', NAME, 2));
    const usual = { CERTATHON_DOMAINS: NAME, CERTATHON_ADMIN_TOKEN: ADMIN_TOKEN };
    await running.run(running.sidecar({ env: { ...usual, ...env(running) } }));
    await log.next(({ event }) => event === 'delivery.verified', PATIENCE_MS);
    const root = await running.authority.root();
    await atRest(running, root);
    const before = (await shownByAll(running, '/marathon-lb', NAME))[0]?.fingerprint;

    beforeRenewal(running);

    const watch = watchAbsences(running, running.publicAgents, NAME);
    const loads = startLoads(running, root, 100_000);
    const count = () => loads.retrying.soFar().requests + loads.slow.soFar().requests;
    await until('slow ones are in flight', () => count() > REQUESTS / 6);
    const from = log.lines().length;
    await askToRenew(running);
    const issued = await log.next(({ event }) => event === 'certificate.issued', PATIENCE_MS, from);
    await log.next(({ event }) => event === 'delivery.verified', PATIENCE_MS, from);
    await until('enough was sent', () => count() >= REQUESTS);
    const reports = await stopped(loads);
    const absences = await watch.stop();

    await atRest(running, root);
    const after = await stopped(startLoads(running, root, RATE * 2, 1), true);
    const shown = await shownByAll(running, '/marathon-lb', NAME);
    expect(shown.every(({ isValid }) => isValid)).toBe(true);
    report(reports);
    return {
      ...{ before, reports, after, absences },
      fingerprint: issued.fingerprint,
      served: shown.map(({ fingerprint }) => fingerprint),
    };
  } finally {
    log.stop();
  }
}

type Loads = Record<'retrying' | 'slow', MixedLoad>;

function startLoads(
  { front, slowFront, ports }: Lab,
  ca: string,
  maxRequests: number,
  lastingSeconds = 2,
): Loads {
  const at = (address = '') =>
    startMixedLoad({
      ...{ address, port: ports.https, servername: NAME, ca, lastingSeconds, timeoutMs: 10_000 },
      ...{ ratePerSecond: RATE, maxRequests, maxSeconds: 150 },
    });
  return { retrying: at(front.address), slow: at(slowFront?.address) };
}

async function stopped({ retrying, slow }: Loads, bySelf = false): Promise<Fronts> {
  const [one, other] = await Promise.all(
    [retrying, slow].map((load) => (bySelf ? load.finished : load.stop())),
  );
  return { retrying: one as MixedReport, slow: other as MixedReport };
}

/** Until new connections at both fronts find no balancer missing: each front has its own time for that. */
async function atRest({ front, slowFront, ports }: Lab, ca: string): Promise<void> {
  for (const address of [front.address, slowFront?.address ?? ''])
    await until(`${address} misses nobody`, async () => {
      const load = startMixedLoad({
        ...{ address, port: ports.https, servername: NAME, ca, mix: { fresh: 1 }, timeoutMs: 5_000 },
        ...{ ratePerSecond: 50, maxRequests: 25, maxSeconds: 5 },
      });
      return (await load.finished).failed === 0;
    });
}

function isExplained(atMs: number, absences: readonly Absence[], detectionMs: number): boolean {
  return absences.some(({ fromMs, toMs }) => atMs >= fromMs - LOOK_MS && atMs <= toMs + detectionMs);
}

function totalOf({ retrying, slow }: Fronts): { requests: number; failed: number } {
  return { requests: retrying.requests + slow.requests, failed: retrying.failed + slow.failed };
}

function report(reports: Fronts): void {
  for (const [front, { requests, failed, repeated, gaps, perKind }] of Object.entries(reports)) {
    const kinds = Object.entries(perKind).map(([kind, one]) => `${kind} ${one.failed}/${one.requests}`);
    console.log(
      `${front} front: ${requests} requests, ${failed} failed (${kinds.join(', ')}), ${repeated} repeated, longest gap ${gaps.longestMs} ms`,
    );
  }
}
