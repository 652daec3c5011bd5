import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import type { AppDefinition } from '../../src/lab/definitions.ts';
import type { MixedLoad } from '../../src/lab/load-mixed.ts';
import { events, removeDirectories } from '../support/certathon.ts';
import { mark, writesSince } from '../support/lab.ts';
import { expectEnd } from '../support/rollout-ends.ts';
import { gate, rolloutGroup } from '../support/rollout-groups.ts';
import { usersGone } from '../support/rollouts.ts';

let oldest: Lab;
let newest: Lab;

beforeAll(async () => {
  const lab = (version: string) => startLab({ balancers: 1, marathon: { version } });
  [oldest, newest] = await Promise.all([lab('1.4.13'), lab('1.11.24')]);
});

afterAll(async () => {
  await Promise.all([oldest?.stop(), newest?.stop()]);
  removeDirectories();
});

const AWAY_MS = 10_000;
const AT_ONCE = ['--initial-instances', '2'];
const OFTEN = { intervalSeconds: 0.25 };
const version = (name: string) => ({ env: { VERSION: name } });
const expectNoneLost = async (users: MixedLoad[]) => {
  const reports = await usersGone(users);
  expect(reports.flatMap(({ failures }) => failures)).toEqual([]);
  for (const { requests } of reports) expect(requests).toBeGreaterThan(20);
};

function shippedForOldMarathon(): AppDefinition & { healthChecks: object[] } {
  const path = new URL('../../deploy/rollout/nginx-marathon-1.4.json', import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')) as AppDefinition & { healthChecks: object[] };
}

describe.concurrent('a rollout', () => {
  it('of the JSON that is shipped for Marathon 1.4 replaces it there, step by step', async () => {
    const shipped = shippedForOldMarathon();
    const healthChecks = shipped.healthChecks.map((check) => ({ ...check, ...OFTEN }));
    const app = { ...shipped, instances: 2, healthChecks };
    const nginx = rolloutGroup(oldest, 'nginx', 10_000);

    expectEnd(await nginx.start({ ...app, ...version('v1') }).ended, 0, 'complete; blue serves');
    const users = nginx.users(oldest.publicAgents);
    const ended = await nginx.start({ ...app, ...version('v2') }, '--old', 'shrink').ended;

    expectEnd(ended, 0, 'complete; green serves');
    expect(events(ended, 'rollout.step').map((step) => step.do)).toEqual(['kill', 'scale', 'delete']);
    expect(await nginx.sizes()).toEqual({ green: 2 });
    await expectNoneLost(users);
  });

  it('of an app with the network of its agents goes on on Marathon 1.11 when that was away for 20 s', async () => {
    const host = rolloutGroup(newest, 'host', 10_500, {
      ...{ networks: [{ mode: 'host' }], portDefinitions: [{ port: 10_500, name: 'web' }] },
      container: { type: 'DOCKER', docker: { image: 'nginx:stable' } },
    });
    const { faults } = newest.marathon;
    const hook = gate();

    expectEnd(await host.start(host.app(version('v1'))).ended, 0, 'complete; blue serves');
    const users = host.users(newest.publicAgents);
    const begun = host.start(host.app(version('v2')), '--pre-kill-hook', hook.path, ...AT_ONCE);
    await hook.asked();
    faults.set({ noLeader: 503 });
    faults.closeStreams();
    hook.answer(0);
    await delay(AWAY_MS);
    faults.set({ noLeader: 502 });
    await delay(AWAY_MS);
    faults.set({ noLeader: false });
    const ended = await begun.ended;

    expectEnd(ended, 0, 'complete; green serves');
    expect(events(ended, 'http.retried').length).toBeGreaterThan(2);
    expect(await host.sizes()).toEqual({ green: 2 });
    const ports = newest.marathon.app('/host-green')?.portDefinitions?.map(({ port }) => port);
    expect(ports).toEqual([10_501]);
    await expectNoneLost(users);
  });
});

it('a service port that Marathon chose stays the frontend’s, and a readiness check is waited for', async () => {
  const lab = newest;
  const READY_MS = 2_000;
  const mapping = { containerPort: 80, hostPort: 0, servicePort: 0, name: 'web' };
  const readiness = {
    ...{ name: 'ready', protocol: 'HTTP', path: '/', portName: 'web' },
    ...{ intervalSeconds: READY_MS / 1_000, timeoutSeconds: 1, httpStatusCodesForReady: [200] },
  };
  const shop = rolloutGroup(lab, 'shop', 0, {
    container: { type: 'DOCKER', docker: { image: 'nginx:stable' }, portMappings: [mapping] },
  });
  const app = (name: string): AppDefinition => {
    const { labels, ...rest } = shop.app(version(name));
    const { HAPROXY_DEPLOYMENT_ALT_PORT: _none, ...others } = labels ?? {};
    return { ...rest, labels: others };
  };
  const portOf = (colour: string) =>
    lab.marathon.app(`/shop-${colour}`)?.container?.portMappings?.[0]?.servicePort ?? 0;

  expectEnd(await shop.start(app('v1')).ended, 0, 'complete; blue serves');
  const port = portOf('blue');
  const users = rolloutGroup(lab, 'shop', port).users(lab.publicAgents);
  const since = mark();
  const ended = await shop.start({ ...app('v2'), readinessChecks: [readiness] }, ...AT_ONCE).ended;
  const [created, next] = writesSince(lab, since);

  expectEnd(ended, 0, 'complete; green serves');
  expect(port).toBeGreaterThan(0);
  expect(portOf('green')).toBe(port);
  expect(created?.path).toBe('/v2/apps');
  // The first look is too early for any program, and the second comes after so long.
  expect(Date.parse(next?.at ?? '') - Date.parse(created?.at ?? '')).toBeGreaterThanOrEqual(READY_MS);
  expect(ended.stdout).toContain('marathon-lb does not look at readiness checks');
  expect(await shop.sizes()).toEqual({ green: 2 });
  await expectNoneLost(users);
});
