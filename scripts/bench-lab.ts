import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Lab, startLab } from '../src/lab/cluster.ts';
import { webApp } from '../src/lab/definitions.ts';
import { followSidecar, type LogLine } from '../src/lab/sidecar-log.ts';
import { renewed, settled } from './bench-sidecar.ts';
import { measureIdleRenew, type Timing } from './bench-start.ts';

const NAME = 'shop.example.com';
const REST_MS = 10_000;
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
}

/** Everything that needs a cluster and no load: two balancers, Pebble without its sleeps and without refused
 * nonces. The sidecar is a task of the lab's Marathon, from the shipped definition, with a compile cache as the image has one. */
export async function measureInLab(cache: string, say: (line: string) => void): Promise<LabFigures> {
  const lab = await startLab({ authority: { nonceRejectPercent: 0 } });
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
    return { restAfterIssueKib, restAfterStartKib, idleRenew, firstIssue, renewal };
  } finally {
    log.stop();
    await lab.stop();
  }
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
