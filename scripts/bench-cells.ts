import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Lab, type LabOptions, startLab } from '../src/lab/cluster.ts';
import { webApp } from '../src/lab/definitions.ts';
import { type MixedLoad, type MixedReport, startMixedLoad } from '../src/lab/load-mixed.ts';
import { followSidecar, type LogLine } from '../src/lab/sidecar-log.ts';
import { type Served, watchServed } from './bench-served.ts';
import { renewed, settled } from './bench-sidecar.ts';

/** One renewal under load. */
export interface Cell {
  strategy: 'environment' | 'directory';
  balancers: number;
  front: 'retrying' | 'slow';
  requests: number;
  ratePerSecond: number;
}

export interface CellFigures extends Cell {
  report: MixedReport;
  /** From the decision to deliver until every balancer shows the new certificate. */
  servedAfterMs: number | undefined;
  /** The longest time in which no balancer took a connection. */
  nobodyMs: number;
  /** What the program said before; undefined when it said nothing. */
  predictedMs: number | undefined;
  reloads: number[];
}

const NAME = 'shop.example.com';
const USUAL = { requests: 10_000, ratePerSecond: 150 };
/** Two fronts at a time: 100,000 together. */
const MANY = { requests: 50_000, ratePerSecond: 150 };
const TIMEOUT_MS = 10_000;
/** The slow front takes a balancer back after two good checks, 5 s apart. */
const FRONTS_MS = 12_000;
/** Slower than the checks of the retrying front, as on a real cluster. */
const HEALTH_CHECK = {
  ...{ protocol: 'HTTP', path: '/_haproxy_health_check', portIndex: 2, gracePeriodSeconds: 30 },
  ...{ intervalSeconds: 2.5, timeoutSeconds: 2, maxConsecutiveFailures: 3 },
};

/** All that there are: cells that differ in the front alone are measured at the same time. */
export const CELLS: readonly Cell[] = (['environment', 'directory'] as const).flatMap((strategy) =>
  [1, 2, 3].flatMap((balancers) =>
    (['retrying', 'slow'] as const).map((front) => ({
      ...{ strategy, balancers, front },
      ...(strategy === 'directory' && balancers === 2 ? MANY : USUAL),
    })),
  ),
);

/** `environment, 2 balancers, slow front` */
export function cellName({ strategy, balancers, front }: Cell): string {
  return `${strategy}, ${balancers} ${balancers === 1 ? 'balancer' : 'balancers'}, ${front} front`;
}

/** What failed, in words and by kind, most often first: `12 × slow: read ECONNRESET, 6.1 s to 9.3 s`. */
export function whatFailed({ report }: CellFigures): string[] {
  const groups = Object.groupBy(report.failures, ({ kind, what }) => `${kind}: ${what}`);
  return Object.entries(groups)
    .map(([what, failures = []]) => ({ what, times: failures.map(({ atMs }) => atMs) }))
    .sort((a, b) => b.times.length - a.times.length)
    .map(({ what, times }) => {
      const [from, to] = [times[0] ?? 0, times.at(-1) ?? 0].map((ms) => (ms / 1000).toFixed(1));
      return `${times.length} × ${what}, ${from} s to ${to} s`;
    });
}

/** @param cells of one strategy and number of balancers */
export async function measureCells(cells: readonly Cell[]): Promise<CellFigures[]> {
  const [first] = cells;
  if (first === undefined) return [];
  const { strategy, balancers } = first;
  const lab = await startLab(labFor(strategy, balancers));
  const log = followSidecar(`${lab.directory}/tasks`, 'certathon.');
  const token = randomBytes(16).toString('hex');
  const loads: MixedLoad[] = [];
  try {
    await lab.run(webApp('/shop', NAME, 2));
    await lab.run(lab.sidecar({ env: envFor(lab, strategy, token) }));
    await settled(log, 0);
    await delay(FRONTS_MS);

    const root = await lab.authority.root();
    loads.push(...cells.map((cell) => loadFor(lab, cell, root)));
    const watch = watchServed(lab.publicAgents, lab.ports.https, NAME);
    const before = await reloadsOf(lab);
    await halfSecondsUntil(() => loads.every((load) => load.soFar().requests > USUAL.requests / 10));
    const lines = await renewed(lab, log, token);
    // The looks themselves take a good part of a processor: no longer than they are needed.
    const served = await watch.stop();
    const reports = await Promise.all(loads.map((load) => load.finished));
    const reloads = strategy === 'environment' ? [] : await reloadsSince(lab, before);
    return cells.map((cell, at) => ({
      ...cell,
      report: reports[at] as MixedReport,
      ...facts(lines, served),
      reloads,
    }));
  } finally {
    await Promise.all(loads.map((load) => load.stop()));
    log.stop();
    await lab.stop();
  }
}

/** A single balancer on a single agent is stopped before its successor starts: anything else would never end. */
function labFor(strategy: Cell['strategy'], balancers: number): LabOptions {
  const alone = { upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 } };
  return {
    balancers,
    slowFront: true,
    sharedDirectory: strategy === 'directory',
    authority: { nonceRejectPercent: 0 },
    balancerApp: { healthChecks: [HEALTH_CHECK], ...(balancers === 1 ? alone : {}) },
  };
}

function envFor(lab: Lab, strategy: Cell['strategy'], token: string): Record<string, string> {
  return {
    CERTATHON_DOMAINS: NAME,
    CERTATHON_ADMIN_TOKEN: token,
    ...(strategy === 'directory'
      ? { CERTATHON_DELIVERY: 'directory', CERTATHON_DIRECTORY: lab.sharedDirectory ?? '' }
      : {}),
  };
}

function loadFor(lab: Lab, { front, requests, ratePerSecond }: Cell, ca: string): MixedLoad {
  return startMixedLoad({
    address: (front === 'slow' ? lab.slowFront : lab.front)?.address ?? '',
    ...{ port: lab.ports.https, servername: NAME, ca, timeoutMs: TIMEOUT_MS },
    ...{ ratePerSecond, maxRequests: requests, maxSeconds: (2 * requests) / ratePerSecond },
  });
}

function facts(
  lines: readonly LogLine[],
  served: Served,
): Pick<CellFigures, 'servedAfterMs' | 'nobodyMs' | 'predictedMs'> {
  const issued = lines.findIndex(({ event }) => event === 'certificate.issued');
  const after = lines.slice(issued);
  const decided = after.find((line) => line.event === 'pass.step' && line.do === 'deliver');
  const atMs = served.byAllAtMs(String(lines[issued]?.fingerprint));
  const predicted = after.find(({ event }) => event === 'delivery.planned')?.predictedGapMs;
  return {
    servedAfterMs: atMs === undefined || decided === undefined ? undefined : atMs - Date.parse(decided.time),
    nobodyMs: served.byNobodyMs,
    predictedMs: typeof predicted === 'number' ? predicted : undefined,
  };
}

async function reloadsOf(lab: Lab): Promise<number[]> {
  return Promise.all(
    lab.publicAgents.map(async (host) => {
      const answer = await fetch(`http://${host}:${lab.ports.admin}/_lab/state`);
      return ((await answer.json()) as { counters: { reloads: number } }).counters.reloads;
    }),
  );
}

async function reloadsSince(lab: Lab, before: readonly number[]): Promise<number[]> {
  return (await reloadsOf(lab)).map((count, at) => count - (before[at] ?? 0));
}

async function halfSecondsUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(500);
}
