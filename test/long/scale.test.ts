import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import type { AppDefinition } from '../../src/lab/definitions.ts';
import type { SeenRequest } from '../../src/lab/marathon/history.ts';
import { followSidecar, type LogLine, type SidecarLog } from '../../src/lab/sidecar-log.ts';
import { mapBounded } from '../../src/lib/parallel.ts';
import { reloadsOf } from '../support/directory.ts';
import { appOf, mark, ordersAtCa, requestsAtCa, shownAt, writesSince } from '../support/lab.ts';
import { ADMIN_TOKEN, routed } from '../support/sidecar.ts';

const APPS = 10;
const NAMES_EACH = 100;
const NAMES = Array.from({ length: APPS }, (_, app) => namesOf(app)).flat();
/** Five minutes on two busy cores. */
const MOST_MS = 480_000;
const TEST_MS = 600_000;
const LARGEST_TOTAL = 400 * 1024;
const MOST_TIMES = 10;
const HANDSHAKES_AT_ONCE = 16;

let lab: Lab | undefined;
let log: SidecarLog | undefined;
afterEach(async () => {
  log?.stop();
  await lab?.stop();
});

describe('1,000 names that apps ask for', () => {
  test(
    'are packed into ten certificates and reach all balancers by environment in at most ten deployments',
    async () => {
      const cluster = await startCluster({ CERTATHON_PACK: 'all' });
      const before = mark();

      const tookMs = await untilServed(cluster);

      const env = (await appOf(cluster.lab, '/marathon-lb')).env as Record<string, string>;
      const slots = Object.entries(env).filter(([name]) => name.startsWith('HAPROXY_SSL_CERT'));
      const bytes = slots.reduce((sum, [name, value]) => sum + name.length + 1 + value.length, 0);
      const deployments = writesSince(cluster.lab, before).filter(isToBalancers).length;
      console.log(
        `${NAMES.length} names: ${slots.length} slots, ${bytes} bytes, ${deployments} deployments, ${tookMs / 1000} s`,
      );
      expect(slots).toHaveLength(10);
      expect(bytes).toBeLessThan(LARGEST_TOTAL);
      expect(deployments).toBeLessThanOrEqual(MOST_TIMES);
      expect(ordersAtCa(cluster.lab)).toBe(10);
      expect(tookMs).toBeLessThan(MOST_MS);
      await expectNothingMore(cluster);
    },
    TEST_MS,
  );

  test(
    'are a certificate each and reach all balancers by directory in at most ten reloads',
    async () => {
      const cluster = await startCluster({ CERTATHON_PACK: 'name', CERTATHON_DELIVERY: 'directory' });
      const before = await reloadsOf(cluster.lab, cluster.lab.publicAgents);

      const tookMs = await untilServed(cluster);

      const after = await reloadsOf(cluster.lab, cluster.lab.publicAgents);
      const reloads = after.map((count, at) => count - (before[at] ?? 0));
      console.log(`${NAMES.length} certificates: ${reloads.join(' and ')} reloads, ${tookMs / 1000} s`);
      expect(Math.max(...reloads)).toBeLessThanOrEqual(MOST_TIMES);
      expect(ordersAtCa(cluster.lab)).toBe(NAMES.length);
      expect(tookMs).toBeLessThan(MOST_MS);
      await expectNothingMore(cluster);
    },
    TEST_MS,
  );
});

interface Cluster {
  lab: Lab;
  log: SidecarLog;
}

/** Two balancers, and the sidecar from the shipped definition, without any name yet. */
async function startCluster(env: Record<string, string>): Promise<Cluster> {
  const isShared = env.CERTATHON_DELIVERY === 'directory';
  const started = await startLab({ sharedDirectory: isShared, authority: { nonceRejectPercent: 0 } });
  lab = started;
  log = followSidecar(join(started.directory, 'tasks'), 'certathon.');
  await started.run(
    started.sidecar({
      env: {
        CERTATHON_DOMAINS: '',
        CERTATHON_ADMIN_TOKEN: ADMIN_TOKEN,
        CERTATHON_LOG_LEVEL: 'debug',
        // A reload with a thousand certificates takes longer than usual where two cores do everything.
        ...(isShared
          ? { CERTATHON_DIRECTORY: started.sharedDirectory ?? '', CERTATHON_RELOAD_WAIT: '60s' }
          : {}),
        ...env,
      },
    }),
  );
  await log.next(({ event }) => event === 'pass.failed', 60_000);
  await routed(started, started.publicAgents, 'www.example.com');
  return { lab: started, log };
}

/** Brings the apps, all at once, and waits until every balancer serves every name with a certificate of its own.
 * @returns milliseconds until the program had nothing more to do */
async function untilServed({ lab, log }: Cluster): Promise<number> {
  const startedMs = Date.now();
  const apps = Array.from({ length: APPS }, (_, index) => appFor(index));
  const { status, body } = await lab.api('PUT', '/v2/apps', apps);
  expect(status, JSON.stringify(body)).toBe(200);
  await log.next(isWhole, MOST_MS);
  const tookMs = Date.now() - startedMs;

  const root = await lab.authority.root();
  const wrong: string[] = [];
  for (const host of lab.publicAgents)
    await mapBounded(NAMES, HANDSHAKES_AT_ONCE, async (name) => {
      const { isValid } = await shownAt(host, lab.ports.https, name, root);
      if (!isValid) wrong.push(`${name} at ${host}`);
    });
  expect(wrong).toEqual([]);
  return tookMs;
}

/** A pass that has done something and found nothing wrong. */
function isWhole({ event, did }: LogLine): boolean {
  return event === 'pass.finished' && Array.isArray(did) && did.includes('deliver');
}

/** Another pass asks the CA for nothing, and changes nothing. */
async function expectNothingMore({ lab, log }: Cluster): Promise<void> {
  const [orders, requests] = [ordersAtCa(lab), requestsAtCa(lab)];
  const from = log.lines().length;
  const task = lab.marathon.tasks('/certathon')[0];
  const answer = await fetch(`http://${task?.host}:${task?.ports[1]}/renew`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ now: false }),
  });
  expect(answer.status).toBe(202);

  const { did } = await log.next(({ event }) => event.startsWith('pass.f'), 60_000, from);

  expect(did).toEqual([]);
  expect(ordersAtCa(lab)).toBe(orders);
  expect(requestsAtCa(lab)).toBe(requests);
}

/** Each write to the app of the balancers is a deployment. */
function isToBalancers({ path }: SeenRequest): boolean {
  return path.startsWith('/v2/apps/marathon-lb');
}

function namesOf(app: number): string[] {
  return Array.from({ length: NAMES_EACH }, (_, index) => `www${index}.shop${app}.example.com`);
}

/** It asks for certificates and runs nothing. */
function appFor(index: number): AppDefinition {
  return {
    id: `/shop${index}`,
    instances: 0,
    cmd: 'true',
    labels: { HAPROXY_GROUP: 'external', CERTATHON_0_DOMAIN: namesOf(index).join(' ') },
  };
}
