import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '../../src/certificates/simulate/random.ts';
import { readVariable } from '../../src/delivery/variable.ts';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import { webApp } from '../../src/lab/definitions.ts';
import { type Load, startLoad } from '../../src/lab/load.ts';
import { appOf, shownByAll } from '../support/lab.ts';
import { until } from '../support/until.ts';

const NAME = 'shop.example.com';
const TOKEN = 'a-token-for-the-long-test';
const RENEWALS = 20;
const SEED = 20_260_101;
/** Half of the renewals meet a kill, somewhere between the request and well after the end of the delivery. */
const KILL_SHARE = 0.5;
const LATEST_KILL_MS = 7_000;
const ROUND_MS = 90_000;
const MOST_MS = 360_000;
/** A task runs a moment before its HAProxy listens, and a front learns of it a moment later. */
const FRONT_MS = 3_000;

let lab: Lab;

beforeAll(async () => {
  lab = await startLab({ slowFront: true });
  await lab.run(webApp('/shop', NAME, 2));
  const env = { CERTATHON_DOMAINS: NAME, CERTATHON_ADMIN_TOKEN: TOKEN };
  await lab.run(lab.sidecar({ env }));
  await until('the first certificate is served', isAtRest);
});
afterAll(() => lab?.stop());

it(`renews ${RENEWALS} times in a row under load although the sidecar is killed at random moments`, async () => {
  const random = seededRandom(SEED);
  const root = await lab.authority.root();
  const startedAtMs = Date.now();
  const deployments = watchDeployments();
  const balancers = watchBalancers();
  const loads = [lab.front, lab.slowFront].flatMap((front) => (front ? [loadAt(front.address, root)] : []));
  const loadedAtMs = Date.now();
  let kills = 0;
  let invalid: string[] = [];
  const prober = setInterval(async () => {
    const shown = await shownByAll(lab, '/marathon-lb', NAME).catch(() => []);
    invalid = [...invalid, ...shown.filter(({ isValid }) => !isValid).map(({ issuer }) => issuer)];
  }, 500);

  const seen: string[] = [await currentFingerprint()];
  try {
    for (let round = 1; round <= RENEWALS; round += 1) {
      const killAfterMs = random() < KILL_SHARE ? random() * LATEST_KILL_MS : undefined;
      await until('the sidecar takes the request', askToRenew, ROUND_MS);
      if (killAfterMs !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, killAfterMs));
        kills += killSidecar() ? 1 : 0;
      }
      await until(`renewal ${round} is served`, () => renewedSince(seen.at(-1) as string), ROUND_MS);
      seen.push(await currentFingerprint());
    }
  } finally {
    clearInterval(prober);
    balancers.stop();
    deployments.stop();
    await Promise.all(loads.map((load) => load.stop()));
  }

  const tookMs = Date.now() - startedAtMs;
  const reports = await Promise.all(loads.map((load) => load.finished));
  const failures = reports.flatMap((report) => report.failures);
  const unexplained = failures.filter(
    ({ atMs, what }) => !isCutConnection(what) || !balancers.wasChanging(loadedAtMs + atMs),
  );
  const requests = reports.reduce((sum, report) => sum + report.requests, 0);
  const failed = reports.reduce((sum, report) => sum + report.failed, 0);
  console.log(
    `${RENEWALS} renewals, ${kills} kills, ${requests} requests, ${failed} failed, ${tookMs / 1000} s, seed ${SEED}`,
  );

  expect(new Set(seen).size).toBe(RENEWALS + 1);
  expect(kills).toBeGreaterThan(RENEWALS / 5);
  expect(unexplained).toEqual([]);
  expect(failed).toBe(failures.length);
  expect(invalid).toEqual([]);
  expect(requests).toBeGreaterThan(1_000);
  expect(deployments.moreThanOnce()).toEqual([]);
  expect(tookMs).toBeLessThan(MOST_MS);
});

function loadAt(address: string, ca: string): Load {
  const port = lab.ports.https;
  return startLoad({
    address,
    port,
    servername: NAME,
    path: '/',
    ratePerSecond: 20,
    ca,
    maxRequests: 100_000,
    maxSeconds: 900,
    timeoutMs: 10_000,
  });
}

/** What a client sees of a balancer that stops: never a wrong certificate, never an answer of 500 or more. */
function isCutConnection(what: string): boolean {
  return /ECONNRESET|ECONNREFUSED|EPIPE|closed/.test(what);
}

/** Times in which not exactly two balancers ran, none of them about to die. */
function watchBalancers(): { wasChanging(atMs: number): boolean; stop(): void } {
  const changes: { fromMs: number; toMs: number }[] = [];
  const timer = setInterval(() => {
    const tasks = lab.marathon.tasks('/marathon-lb');
    const whole =
      tasks.length === 2 && tasks.every(({ state, isDying }) => state === 'TASK_RUNNING' && !isDying);
    const last = changes.at(-1);
    const nowMs = Date.now();
    if (whole) return;
    if (last === undefined || nowMs - last.toMs > 1_000) changes.push({ fromMs: nowMs, toMs: nowMs });
    else last.toMs = nowMs;
  }, 50);
  return {
    wasChanging: (atMs) =>
      changes.some(({ fromMs, toMs }) => atMs >= fromMs - 500 && atMs <= toMs + FRONT_MS),
    stop: () => clearInterval(timer),
  };
}

/** Which bundle each deployment of the balancers carried: by its id, looked at when it begins. */
function watchDeployments(): { moreThanOnce(): string[]; stop(): void } {
  const bundles = new Map<string, string>();
  const stop = lab.marathon.onEvent(({ eventType, plan }) => {
    if (eventType !== 'deployment_info') return;
    const { id, target } = plan as { id: string; target?: unknown };
    if (!JSON.stringify(target ?? plan).includes('/marathon-lb') || bundles.has(id)) return;
    bundles.set(id, fingerprintIn(lab.marathon.app('/marathon-lb')?.env.HAPROXY_SSL_CERT));
  });
  return {
    moreThanOnce: () => {
      const all = [...bundles.values()];
      if (all.length < RENEWALS) return [`only ${all.length} deployments were seen`];
      return all.filter((bundle, at) => all.indexOf(bundle) !== at);
    },
    stop,
  };
}

function fingerprintIn(value: unknown): string {
  const content = readVariable(value as string | undefined);
  return content.kind === 'certificate' ? content.facts.fingerprint : content.kind;
}

function sidecar() {
  return lab.marathon.tasks('/certathon').find(({ isDying, state }) => !isDying && state === 'TASK_RUNNING');
}

async function askToRenew(): Promise<boolean> {
  const task = sidecar();
  const answer = await fetch(`http://${task?.host}:${task?.ports[1]}/renew`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ now: true }),
  });
  return answer.status === 202;
}

function killSidecar(): boolean {
  const pid = sidecar()?.pid;
  if (pid === undefined) return false;
  process.kill(pid, 'SIGKILL');
  return true;
}

interface Status {
  state: string;
  certificates: { fingerprint?: string }[];
  balancers: { current: boolean }[];
}

async function status(): Promise<Status> {
  const task = sidecar();
  const answer = await fetch(`http://${task?.host}:${task?.ports[1]}/status.json`, {
    headers: { connection: 'close' },
  });
  return (await answer.json()) as Status;
}

/** Nothing runs, nothing failed, and every balancer serves what the store holds. */
async function isAtRest(): Promise<boolean> {
  const seen = await status();
  const { state, certificates, balancers } = seen;
  // Thrown, so that a wait that was in vain tells what was wrong.
  if (state === 'failing') throw new Error(JSON.stringify(seen, null, 2));
  const isStored = certificates[0]?.fingerprint !== undefined;
  if (state !== 'ok' || !isStored || balancers.some(({ current }) => !current)) return false;
  const app = await appOf(lab, '/marathon-lb');
  return app.deployments.length === 0 && app.tasksHealthy === 2;
}

/** A request that the kill took along is made again: only what was begun has to survive. */
async function renewedSince(before: string): Promise<boolean> {
  if (!(await isAtRest())) return false;
  if ((await currentFingerprint()) !== before) return true;
  await askToRenew();
  await until('the repeated request is carried out', async () => (await currentFingerprint()) !== before);
  return isAtRest();
}

async function currentFingerprint(): Promise<string> {
  return fingerprintIn((await appOf(lab, '/marathon-lb')).env.HAPROXY_SSL_CERT);
}
