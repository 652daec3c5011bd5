import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { BALANCER_IMAGE } from '../../src/lab/definitions.ts';
import { events, newDirectory, removeDirectories, run } from '../support/certathon.ts';
import { installed } from '../support/installed.ts';
import { appOf, mark, settled, shownByAll, writesSince } from '../support/lab.ts';
import { type PlacedLab, startPlacedLab } from '../support/place.ts';
import { type Moment, watchServed } from '../support/served.ts';
import { longTest } from '../support/whole.ts';

const BALANCER = fileURLToPath(new URL('../../src/lab/balancer/main.ts', import.meta.url));
const old = installed('shop.example.com');
/** Balancers that are started with another certificate than the old one come up, but never answer; like most
 * programs that hang, they do not die at once either. */
const HANGS =
  "process.on('SIGTERM', () => setTimeout(() => process.exit(), 500)); setInterval(() => {}, 1000)";
let onlyOldIsHealthy = false;
let placed: PlacedLab;
beforeAll(async () => {
  placed = await startPlacedLab(3, {
    balancers: 2,
    balancerApp: { env: { HAPROXY_SSL_CERT: old.variable } },
    marathon: {
      images: {
        [BALANCER_IMAGE]: ({ args, env }) => ({
          command: process.execPath,
          args:
            onlyOldIsHealthy && env.HAPROXY_SSL_CERT !== old.variable ? ['-e', HANGS] : [BALANCER, ...args],
        }),
      },
    },
  });
});
afterEach(() => {
  onlyOldIsHealthy = false;
});
afterAll(async () => {
  await placed?.lab.stop();
  removeDirectories();
});

/** @returns what was written since a moment, without the ids of deployments */
const callsOf = (since: string) =>
  writesSince(placed.lab, since).map(
    ({ method, path, query }) => `${method} ${path.replace(/[0-9a-f-]{36}/, 'ID')}${query}`,
  );
const servedAtEveryMoment = (moments: Moment[]) =>
  moments.every((moment) => moment.some((fingerprint) => fingerprint === old.fingerprint));

test('balancers that never become healthy with the new certificate: taken back, one serves at every moment', async () => {
  const { lab } = placed;
  const { env } = await placed.placeWithoutTasks();
  await lab.authority.dns.setA('shop.example.com', [env.CERTATHON_BIND ?? '']);
  onlyOldIsHealthy = true;
  const since = mark();
  const watch = watchServed(lab, lab.publicAgents.slice(0, 2), 'shop.example.com');

  const ended = await run(['renew', '--now'], {
    ...env,
    CERTATHON_MARATHON_LB_APP: '/marathon-lb',
    CERTATHON_DOMAINS: 'shop.example.com',
    CERTATHON_DELIVERY_TIMEOUT: '6s',
  });
  const moments = await watch.stop();

  expect(ended.exit, ended.stderr).toBe(33);
  expect(ended.stdout).toContain('DELIVERY_STUCK');
  expect(ended.stdout).toContain('1 new task runs but does not become healthy');
  expect(ended.stdout).toContain('2 of 2 balancers serve the old certificate');
  expect(callsOf(since)).toEqual([
    'PUT /v2/apps/marathon-lb',
    'POST /v2/tasks/deletewipe=true',
    'DELETE /v2/deployments/ID',
  ]);
  const [started] = events(ended, 'delivery.started');
  expect(events(ended, 'delivery.undone')).toMatchObject([{ deployment: started?.deployment }]);
  expect(moments.length).toBeGreaterThan(10);
  expect(servedAtEveryMoment(moments)).toBe(true);
  const app = await settled(lab, '/marathon-lb');
  expect(app.env.HAPROXY_SSL_CERT).toBe(old.variable);
});

longTest(
  'one balancer, and no agent free although the options say so: refused before, taken back by the deadline',
  async () => {
    const { lab } = placed;
    const place = await placed.place((host) => ({
      env: { HAPROXY_SSL_CERT: old.variable, KEPT: 'yes' },
      upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
      // As a pattern, so that nobody can tell how many agents there are.
      constraints: [['hostname', 'LIKE', `${host.slice(0, -1)}[${host.slice(-1)}]`]],
    }));
    const before = (await appOf(lab, place.app)).env;
    const since = mark();
    const watch = watchServed(lab, [place.host], place.name);

    const refused = await run(['renew', '--replace-foreign'], place.env);
    expect(refused.exit, refused.stderr).toBe(37);
    expect(refused.stdout).toContain('the restart never ends unless one is free');
    expect(callsOf(since)).toEqual([]);

    const env = { ...place.env, CERTATHON_DELIVERY_TIMEOUT: '3s', CERTATHON_SPARE_AGENT: 'true' };
    const ended = await run(['renew', '--replace-foreign'], env);
    const moments = await watch.stop();

    expect(ended.exit, ended.stderr).toBe(33);
    expect(ended.stdout).toContain('finds no agent that fits');
    expect(ended.stdout).toContain('1 of 1 balancers serve the old certificate');
    expect(callsOf(since)).toEqual([`PUT /v2/apps${place.app}`, 'DELETE /v2/deployments/ID']);
    expect(moments.length).toBeGreaterThan(10);
    expect(servedAtEveryMoment(moments)).toBe(true);
    // The restored definition wants a free agent too, so its deployment stays open; nothing is forced.
    expect((await appOf(lab, place.app)).env).toEqual(before);

    const held = await run(['renew', '--replace-foreign'], env);
    expect(held.exit).toBe(33);
    expect(callsOf(since)).toHaveLength(2);
  },
);

longTest('a deployment in which nothing moves is taken back, and the next try delivers', async () => {
  const { lab } = placed;
  const place = await placed.place();
  lab.marathon.faults.set({ hangDeployment: place.app });

  const env = { ...place.env, CERTATHON_DELIVERY_TIMEOUT: '8s' };
  const ended = await run(['renew'], env);

  expect(ended.exit, ended.stderr).toBe(33);
  expect(ended.stdout).toContain(
    '0 of 1 new tasks are healthy, 1 old ones are left; the change was taken back',
  );
  expect((await settled(lab, place.app)).env.HAPROXY_SSL_CERT).toBeUndefined();
  const next = await run(['renew', '--now'], place.env);
  expect(next.exit, next.stderr).toBe(0);
  expect(await shownByAll(lab, place.app, place.name)).toMatchObject([{ isValid: true }]);
});

longTest(
  'a balancer that is healthy but serves something else: DELIVERY_NOT_SERVED, naming it and what it shows',
  async () => {
    const { lab } = placed;
    const file = join(newDirectory(), 'fixed.pem');
    writeFileSync(file, old.pem);
    const args = [
      'sse',
      '-m',
      lab.marathon.url,
      '--health-check',
      '--group',
      'external',
      `--ssl-certs=${file}`,
    ];
    const place = await placed.place({ args });

    const ended = await run(['renew'], { ...place.env, CERTATHON_DELIVERY_TIMEOUT: '8s' });

    expect(ended.exit, ended.stderr).toBe(34);
    expect(ended.stdout).toContain('DELIVERY_NOT_SERVED');
    expect(ended.stdout).toContain(`${place.host}:${lab.ports.https}`);
    expect(ended.stdout).toContain(`serves certificate ${old.fingerprint.slice(0, 16)} for ${place.name}`);
  },
);
