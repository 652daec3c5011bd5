import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Lab, startLab } from '../src/lab/cluster.ts';
import { webApp } from '../src/lab/definitions.ts';
import { type LoadReport, startLoad } from '../src/lab/load.ts';
import { followSidecar, type LogLine, type SidecarLog } from '../src/lab/sidecar-log.ts';
import { measureIdleRenew, type Timing } from './bench-start.ts';

const NAME = 'shop.example.com';
const PATIENCE_MS = 120_000;
const REST_MS = 10_000;
const LOAD = { ratePerSecond: 100, seconds: 30, renewAfterMs: 5_000 };
/** What RFC 8555 asks for beside the certificate itself: once a process, an account or a lost nonce. */
const ASIDE = ['directory', 'nonce', 'account'];

export interface Issue {
  /** From the step `order` to the certificate in the store. */
  wallMs: number;
  requests: Record<string, number>;
  /** Without directory, first nonce, account and refused nonces. */
  counted: number;
}

export interface LabFigures {
  /** Resident set of `serve` 10 s after a pass had settled, KiB. */
  restAfterIssueKib: number;
  restAfterStartKib: number;
  idleRenew: Timing;
  firstIssue: Issue;
  renewal: Issue;
  fronts: { front: string; report: LoadReport }[];
}

/** Everything that needs a cluster: two balancers, two fronts, Pebble without its sleeps and without refused
 * nonces. The sidecar is a task of the lab's Marathon, from the shipped definition, with a compile cache as the image has one. */
export async function measureInLab(cache: string, say: (line: string) => void): Promise<LabFigures> {
  const lab = await startLab({ slowFront: true, authority: { nonceRejectPercent: 0 } });
  const log = followSidecar(`${lab.directory}/tasks`, 'certathon.');
  const token = randomBytes(16).toString('hex');
  const names = { CERTATHON_DOMAINS: NAME };
  try {
    await lab.run(webApp('/shop', NAME, 2));
    say('first certificate');
    const env = {
      ...names,
      CERTATHON_ADMIN_TOKEN: token,
      CERTATHON_LOG_LEVEL: 'debug',
      NODE_COMPILE_CACHE: cache,
    };
    await lab.run(lab.sidecar({ env }));
    await settled(log, 0);
    const firstIssue = issueIn(log.lines());
    const restAfterIssueKib = await residentAtRest(lab, REST_MS);

    say('renewal without load');
    const renewal = issueIn(await renewed(lab, log, token));

    say('certathon renew with nothing due');
    const settings = {
      ...lab.settings,
      ...names,
      CERTATHON_STORE: lab.storeDirectory,
      CERTATHON_BIND: lab.subnet.address(4),
    };
    const idleRenew = await measureIdleRenew(settings, cache);

    say('restart of the sidecar');
    const from = log.lines().length;
    const task = lab.marathon.tasks('/certathon')[0];
    await lab.api('DELETE', `/v2/apps/certathon/tasks/${task?.id}`);
    await settled(log, from);
    const restAfterStartKib = await residentAtRest(lab, REST_MS);

    say(`renewal under ${LOAD.ratePerSecond} requests a second at each front`);
    const fronts = await renewalUnderLoad(lab, log, token);
    return { restAfterIssueKib, restAfterStartKib, idleRenew, firstIssue, renewal, fronts };
  } finally {
    log.stop();
    await lab.stop();
  }
}

async function renewalUnderLoad(lab: Lab, log: SidecarLog, token: string): Promise<LabFigures['fronts']> {
  const root = await lab.authority.root();
  const fronts = [
    { front: 'checks every second, retries', address: lab.front.address },
    { front: 'checks every 5 s, no retries', address: lab.slowFront?.address ?? '' },
  ].flatMap(({ front, address }) => [
    { front: `${front}; a new connection for each request`, address, freshConnections: true },
    { front: `${front}; connections kept alive`, address, freshConnections: false },
  ]);
  const loads = fronts.map(({ front, address, freshConnections }) => ({
    front,
    load: startLoad({
      address,
      port: lab.ports.https,
      servername: NAME,
      path: '/',
      freshConnections,
      ratePerSecond: LOAD.ratePerSecond,
      ca: root,
      maxRequests: LOAD.ratePerSecond * LOAD.seconds,
      maxSeconds: LOAD.seconds + 10,
      timeoutMs: 10_000,
    }),
  }));
  try {
    await delay(LOAD.renewAfterMs);
    await renewed(lab, log, token);
    return await Promise.all(loads.map(async ({ front, load }) => ({ front, report: await load.finished })));
  } finally {
    await Promise.all(loads.map(({ load }) => load.stop()));
  }
}

/** Asks for a renewal as an operator does. @returns the lines that the sidecar wrote on it */
async function renewed(lab: Lab, log: SidecarLog, token: string): Promise<LogLine[]> {
  const from = log.lines().length;
  const task = lab.marathon.tasks('/certathon').find(({ isDying }) => !isDying);
  const answer = await fetch(`http://${task?.host}:${task?.ports[1]}/renew`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ now: true }),
  });
  if (answer.status !== 202) throw new Error(`POST /renew was answered with ${answer.status}`);
  await log.next((line) => line.event === 'certificate.issued', PATIENCE_MS, from);
  await settled(log, from);
  return log.lines().slice(from);
}

async function settled(log: SidecarLog, from: number): Promise<void> {
  const issued = log.lines().findIndex((line, at) => at >= from && line.event === 'certificate.issued');
  await log.next((line) => line.event === 'pass.finished', PATIENCE_MS, Math.max(from, issued));
}

function issueIn(lines: LogLine[]): Issue {
  const begun = lines.findIndex((line) => line.event === 'pass.step' && line.do === 'order');
  const issued = lines.findIndex((line) => line.event === 'certificate.issued');
  const [first, last] = [lines[begun], lines[issued]];
  if (first === undefined || last === undefined) throw new Error('No certificate was ordered and issued');
  const requests: Record<string, number> = {};
  for (const { event, kind } of lines.slice(begun, issued))
    if (event === 'http.request' && typeof kind === 'string') requests[kind] = (requests[kind] ?? 0) + 1;
  const counted = Object.entries(requests)
    .filter(([kind]) => !ASIDE.includes(kind))
    .reduce((sum, [, count]) => sum + count, 0);
  return { wallMs: Date.parse(last.time) - Date.parse(first.time), requests, counted };
}

/** @source proc(5): VmRSS, resident set size, in KiB */
async function residentAtRest(lab: Lab, restMs: number): Promise<number> {
  await delay(restMs);
  const pid = lab.marathon.tasks('/certathon').find(({ isDying }) => !isDying)?.pid;
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
}
