import type { Lab } from './cluster.ts';
import { balancerApp } from './definitions.ts';
import { type Load, type LoadReport, startLoad } from './load.ts';
import type { SidecarLog } from './sidecar-log.ts';

/** Requests a second at each front. */
export const RATE = 50;
/** The first certificate and a renewal, on a slow machine too. */
const PATIENCE_MS = 120_000;

export interface Renewal {
  fronts: { front: string; report: LoadReport }[];
  /** From the decision to deliver until every balancer was proven to serve it. */
  deliveredMs: number;
}

/** One renewal while requests go through both fronts, each on a connection of its own. */
export async function renewUnderLoad({
  lab,
  token,
  log,
  root,
  name,
}: {
  lab: Lab;
  token: string;
  log: SidecarLog;
  root: string;
  name: string;
}): Promise<Renewal> {
  const fronts = [
    { front: 'checks every second, retries', address: lab.front.address },
    { front: 'checks every 5 s, no retries', address: lab.slowFront?.address ?? lab.front.address },
  ];
  const loads = fronts.map(({ front, address }): { front: string; load: Load } => ({
    front,
    load: startLoad({
      address,
      port: lab.ports.https,
      servername: name,
      path: '/',
      freshConnections: true,
      ratePerSecond: RATE,
      ca: root,
      maxRequests: 20_000,
      maxSeconds: 180,
      timeoutMs: 10_000,
    }),
  }));
  const from = log.lines().length;
  try {
    await askToRenew(lab, token);
    await log.next((line) => line.event === 'certificate.issued', PATIENCE_MS, from);
    await log.next((line) => line.event === 'delivery.verified', PATIENCE_MS, from);
  } finally {
    await Promise.all(loads.map(({ load }) => load.stop()));
  }
  const lines = log.lines().slice(from);
  const begun = lines.find((line) => line.event === 'pass.step' && line.do === 'deliver');
  const proven = lines.find((line) => line.event === 'delivery.verified');
  return {
    fronts: await Promise.all(loads.map(async ({ front, load }) => ({ front, report: await load.finished }))),
    deliveredMs: Date.parse(proven?.time ?? '') - Date.parse(begun?.time ?? ''),
  };
}

/** What an operator does once: tell Certathon the directory, which puts the certificate there, then let marathon-lb
 * load it instead of the variable, which restarts the balancers for the last time. */
export async function moveToDirectory(lab: Lab, log: SidecarLog): Promise<void> {
  const from = log.lines().length;
  const { env } = await appOf(lab, '/certathon');
  const directory = lab.sharedDirectory ?? '';
  await change(lab, '/certathon', {
    env: { ...env, CERTATHON_DELIVERY: 'directory', CERTATHON_DIRECTORY: directory },
  });
  await log.next((line) => line.event === 'delivery.verified', PATIENCE_MS, from);
  const { args } = balancerApp(lab.marathon, lab.ports, lab.publicAgents.length, directory);
  const { HAPROXY_SSL_CERT: _bundle, ...rest } = (await appOf(lab, '/marathon-lb')).env;
  await change(lab, '/marathon-lb', { args, env: rest });
  await settled(lab, '/marathon-lb');
  await settled(lab, '/certathon');
  for (const address of [lab.front.address, lab.slowFront?.address]) await missesNobody(lab, address);
}

/** The same call that an operator makes at the second port. */
async function askToRenew(lab: Lab, token: string): Promise<void> {
  const task = lab.marathon.tasks('/certathon').find(({ isDying }) => !isDying);
  const answer = await fetch(`http://${task?.host}:${task?.ports[1]}/renew`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ now: true }),
  });
  if (answer.status !== 202) throw new Error(`The sidecar answered ${answer.status} to POST /renew`);
}

interface AppView {
  env: Record<string, string>;
  instances: number;
  tasksHealthy: number;
  deployments: unknown[];
}

async function appOf(lab: Lab, id: string): Promise<AppView> {
  return ((await lab.api('GET', `/v2/apps${id}`)).body as { app: AppView }).app;
}

async function change(lab: Lab, id: string, part: Record<string, unknown>): Promise<void> {
  const { status, body } = await lab.api('PUT', `/v2/apps${id}`, part);
  if (status !== 200) throw new Error(`Marathon refused the change of ${id}: ${JSON.stringify(body)}`);
}

async function settled(lab: Lab, id: string): Promise<void> {
  const deadlineMs = Date.now() + PATIENCE_MS;
  for (;;) {
    const { instances, tasksHealthy, deployments } = await appOf(lab, id);
    if (deployments.length === 0 && tasksHealthy >= instances) return;
    if (Date.now() > deadlineMs) throw new Error(`${id} does not come to rest`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Until a front has seen that every balancer is back: what fails before that is not the next renewal's doing. */
async function missesNobody({ ports, front }: Lab, address = front.address): Promise<void> {
  for (let tries = 0; tries < 40; tries += 1) {
    const load = startLoad({
      address,
      port: ports.https,
      servername: 'shop.example.com',
      path: '/',
      freshConnections: true,
      ratePerSecond: RATE,
      maxRequests: RATE / 2,
      maxSeconds: 5,
      timeoutMs: 5_000,
    });
    if ((await load.finished).failed === 0) return;
  }
  throw new Error(`The front ${address} does not come to rest`);
}

/** Both renewals side by side. */
export function summaryOf(byRestart: Renewal, byDirectory: Renewal): string {
  const row = (what: string, ...cells: string[]) =>
    `    ${what.padEnd(44)}${cells.map((cell) => cell.padStart(18)).join('')}`;
  const failures = byRestart.fronts.map(({ front, report }, index) => {
    const other = byDirectory.fronts[index]?.report;
    return row(`failed, front that ${front}`, failedOf(report), failedOf(other));
  });
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  return [
    row('', 'by restart', 'by directory'),
    ...failures,
    row('until every balancer served it', seconds(byRestart.deliveredMs), seconds(byDirectory.deliveredMs)),
    `    Every answer came over a connection whose certificate was verified against the CA's root. Stock marathon-lb
    cuts its connections when it stops: what failed, failed for that. A reload cuts nothing.`,
  ].join('\n');
}

function failedOf(report: LoadReport | undefined): string {
  return `${report?.failed ?? 0} of ${report?.requests ?? 0}`;
}
