import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect } from 'vitest';
import { type LabMarathon, type LabOptions, startMarathon } from '../../../src/lab/marathon/start.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { createMarathonHttp } from '../../../src/marathon/calls.ts';
import { createMarathonClient } from '../../../src/marathon/client.ts';
import { cleanups } from '../lib/loopback.ts';

const { add, run } = cleanups();
afterEach(run);
/** What a test has to clean up after itself. */
export const addCleanup = add;

/** A connection to the lab, with its own or another password. */
export function httpOf(lab: LabMarathon, password = lab.password) {
  const http = createMarathonHttp({
    baseUrls: [lab.url],
    auth: { user: lab.user, password },
    timeoutMs: 20_000,
    connectTimeoutMs: 5_000,
    userAgent: 'certathon/test',
    clock: systemClock,
    log: silentLog,
  });
  add(() => http.close());
  return http;
}

/** A lab with one running app `/app`: two tasks, a host port each, replaced one by one. When the test is over,
 * nothing in it may have been forced. */
export async function startLab(options: Partial<LabOptions> = {}) {
  // The first of the cleanups, and so the last one that runs.
  add(() => expect(lab.requests().filter(isForced)).toEqual([]));
  const workDirectory = await mkdtemp(join(tmpdir(), 'certathon-marathon-'));
  add(() => rm(workDirectory, { recursive: true, force: true }));
  const agents = ['127.0.32.11', '127.0.32.12'].map((host) => ({ host }));
  const lab = await startMarathon({ address: '127.0.0.1', agents, workDirectory, ...options });
  add(() => lab.stop());
  const http = httpOf(lab);
  const marathon = createMarathonClient({ http, clock: systemClock, log: silentLog });
  const app = {
    id: '/app',
    cmd: 'exec sleep 1000',
    instances: 2,
    cpus: 0.1,
    mem: 16,
    env: { A: '1' },
    labels: { GROUP: 'one' },
    portDefinitions: [{ port: 0, name: 'https' }],
    constraints: [['hostname', 'UNIQUE']],
    upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 },
  };
  await http.request({ method: 'POST', path: '/v2/apps', body: JSON.stringify(app) });
  const settled = async () => {
    while ((await marathon.app('/app')).deployments.length > 0) await systemClock.sleep(20);
    return marathon.app('/app');
  };
  await settled();
  return { lab, http, marathon, settled };
}

/** The only word about force that may be said is no. */
function isForced({ query }: { query: string }): boolean {
  return /(^|&)force=(?!false(&|$))/.test(query);
}
