import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import { webApp } from '../../src/lab/definitions.ts';
import { startLoad } from '../../src/lab/load.ts';
import { followSidecar, type SidecarLog } from '../../src/lab/sidecar-log.ts';
import { ask } from '../support/ask.ts';
import { keyLines, printed, run } from '../support/certathon.ts';
import { appOf, mark, ordersAtCa, shownByAll, UNHURRIED_CHECKS, writesSince } from '../support/lab.ts';
import { watchServed } from '../support/served.ts';
import { ADMIN_TOKEN, askToRenew, atAdminPort } from '../support/sidecar.ts';
import { until } from '../support/until.ts';

const NAMES = ['shop.example.com', 'www.example.com'];
const PATIENCE_MS = 90_000;
let lab: Lab;
let log: SidecarLog;
const received: string[] = [];

/** One story, told in order: each test goes on from where the one before has left the cluster. */
beforeAll(async () => {
  lab = await startLab({
    slowFront: true,
    balancerApp: { env: { KEPT: 'yes' }, healthChecks: UNHURRIED_CHECKS },
  });
  lab.marathon.onEvent((event) => {
    // Marathon's own definition of the marathon-lb app holds the bundle: that is how marathon-lb gets it.
    const { appDefinition: _definition, ...rest } = event as unknown as Record<string, unknown>;
    received.push(JSON.stringify(rest));
  });
  log = followSidecar(join(lab.directory, 'tasks'), 'certathon.');
  await lab.run(webApp('/shop', NAMES.join(','), 2));
  await lab.run(
    lab.sidecar({ env: { CERTATHON_DOMAINS: NAMES.join(', '), CERTATHON_ADMIN_TOKEN: ADMIN_TOKEN } }),
  );
});
afterAll(async () => {
  log?.stop();
  await lab?.stop();
});

const balancerWrites = () =>
  writesSince(lab, '').filter(({ path }) => path.startsWith('/v2/apps/marathon-lb'));
const outside = (): Record<string, string> => ({
  ...lab.settings,
  CERTATHON_STORE: lab.storeDirectory,
  CERTATHON_DOMAINS: NAMES.join(','),
  CERTATHON_CHALLENGE_PORT: '18999',
  CERTATHON_BIND: lab.subnet.address(30),
});

test('the shipped definition, run by Marathon, gets the first certificate onto every balancer', async () => {
  const verified = await log.next(({ event }) => event === 'delivery.verified', PATIENCE_MS);
  expect(verified.balancers).toHaveLength(2);

  for (const name of NAMES) {
    const shown = await shownByAll(lab, '/marathon-lb', name);
    const one = { isValid: true, fingerprint: (verified.fingerprints as string[])[0] };
    expect(shown).toMatchObject([one, one]);
  }
  // A balancer that is not ready yet is asked again: the last look counts.
  const routes = log.lines().filter(({ event }) => event === 'route.checked');
  const last = new Map(routes.map(({ name, ok }) => [name, ok]));
  expect(last).toEqual(new Map(NAMES.map((name) => [name, true])));
});

test('that took one write, not by force, and the rest of the environment is as it was', async () => {
  expect(balancerWrites().map(({ method, query }) => ({ method, query }))).toEqual([
    { method: 'PUT', query: '' },
  ]);
  expect(lab.marathon.requests().filter(({ query }) => query.includes('force'))).toEqual([]);
  expect((await appOf(lab, '/marathon-lb')).env).toEqual({
    KEPT: 'yes',
    MARATHON_USER: lab.marathon.user,
    MARATHON_PASSWORD: lab.marathon.password,
    HAPROXY_SSL_CERT: expect.stringMatching(/^-----BEGIN CERTIFICATE-----\\n[^\n]+$/),
  });
});

test('account and bundle are in the store, for its owner alone', () => {
  const entries = readdirSync(lab.storeDirectory, { recursive: true, withFileTypes: true });
  const files = entries.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    const mode = (statSync(path).mode & 0o777).toString(8);
    return { path: path.slice(lab.storeDirectory.length + 1), mode, isDirectory: entry.isDirectory() };
  });
  const paths = files.map(({ path }) => path);
  expect(paths).toContainEqual(expect.stringMatching(/^accounts\/[^/]+\/account\.key$/));
  expect(paths).toContainEqual(
    expect.stringMatching(/^certificates\/shop\.example\.com\/bundle-[0-9a-f]{64}\.pem$/),
  );
  const lockless = files.filter(({ path }) => path !== '.lock');
  expect(lockless.filter(({ mode, isDirectory }) => mode !== (isDirectory ? '700' : '600'))).toEqual([]);
  expect((statSync(lab.storeDirectory).mode & 0o777).toString(8)).toBe('700');
});

test('through a balancer only the challenge path answers, and no port of it leads to status or control', async () => {
  const [host = ''] = lab.publicAgents;
  const { http, https, appId } = lab.ports;
  const task = lab.marathon.tasks('/certathon')[0];
  const app = lab.marathon.app('/certathon') as unknown as { portDefinitions: { port: number }[] };
  const [challengeService = 0, adminService = 0] = app.portDefinitions.map(({ port }) => port);
  const asked = (port: number, path: string, more: Record<string, string> = {}, tls = false) =>
    ask({ address: host, port, path, tls }, { host: 'acme.internal', ...more });

  const ping = await asked(http, '/.well-known/acme-challenge/ping', { host: NAMES[0] ?? '' });
  expect(JSON.parse(ping.body)).toEqual({ service: 'certathon', instance: task?.id });
  expect((await atAdminPort(lab, '/status.json')).body).toContain('"balancers"');
  for (const path of ['/status.json', '/health', '/renew', '/', '/.well-known/']) {
    expect([path, (await asked(http, path)).status]).toEqual([path, 503]);
    expect([path, (await asked(https, path, {}, true)).status]).toEqual([path, 503]);
    // The balancer's ports for apps by id and by service port lead to the challenge port, which knows no such path.
    expect((await asked(appId, path, { 'x-marathon-app-id': '/certathon' })).status).toBe(404);
    expect((await asked(challengeService, path)).status).toBe(404);
    await expect(asked(adminService, path)).rejects.toThrow('ECONNREFUSED');
  }
});

test('another pass changes nothing, writes nothing and ends with 0', async () => {
  await until('the sidecar rests', async () =>
    (await atAdminPort(lab, '/status.json')).body.includes('"state": "ok"'),
  );
  const [since, orders] = [mark(), ordersAtCa(lab)];

  const ended = await run(['renew'], outside());

  expect(ended.exit, ended.stderr).toBe(0);
  expect(ended.stdout).toContain('nothing to do: valid, and served by every balancer');
  expect(ended.lines).toEqual([]);
  expect(writesSince(lab, since)).toEqual([]);
  expect(ordersAtCa(lab)).toBe(orders);
});

test('a renewal under HTTPS load through two fronts shows nobody an invalid certificate', async () => {
  const root = await lab.authority.root();
  const before = (await shownByAll(lab, '/marathon-lb', NAMES[0] ?? ''))[0]?.fingerprint;
  const load = (address: string) =>
    startLoad({
      ...{ address, port: lab.ports.https, servername: NAMES[0] ?? '', path: '/', ca: root },
      ...{ ratePerSecond: 40, maxRequests: 20_000, maxSeconds: 170, timeoutMs: 10_000 },
    });
  const loads = [load(lab.front.address), load(lab.slowFront?.address ?? '')];
  const watch = watchServed(lab, lab.publicAgents, NAMES[1] ?? '');
  const from = log.lines().length;
  const orders = ordersAtCa(lab);

  await askToRenew(lab);
  const issued = await log.next(({ event }) => event === 'certificate.issued', PATIENCE_MS, from);
  await log.next(({ event }) => event === 'delivery.verified', PATIENCE_MS, from);
  const [retrying, slow] = await Promise.all(loads.map((each) => each.stop()));
  const moments = await watch.stop();

  const { fingerprint } = issued;
  expect(fingerprint).not.toBe(before);
  expect(await shownByAll(lab, '/marathon-lb', NAMES[0] ?? '')).toMatchObject([
    { isValid: true, fingerprint },
    { isValid: true, fingerprint },
  ]);
  // A certificate that does not verify is a failure in its own words; one balancer always had a good one.
  const words = [retrying, slow].flatMap((report) => report?.failures.map(({ what }) => what) ?? []);
  expect(words.filter((what) => /certificate|self.signed|altname|issuer/i.test(what))).toEqual([]);
  expect(new Set(moments.flat())).toEqual(new Set([undefined, before, fingerprint]));
  expect(moments.every((moment) => moment.some((each) => each === before || each === fingerprint))).toBe(
    true,
  );
  expect(retrying?.requests).toBeGreaterThan(50);
  expect(retrying?.failed).toBeLessThanOrEqual((retrying?.requests ?? 0) * 0.05);
  expect(slow?.failed).toBeLessThan((slow?.requests ?? 0) * 0.5);
  expect(ordersAtCa(lab)).toBe(orders + 1);
});

test('a sidecar that Marathon restarts stops at once, and the next one goes on without ordering', async () => {
  await until('the sidecar rests', async () =>
    (await atAdminPort(lab, '/status.json')).body.includes('"state": "ok"'),
  );
  const [from, orders, writes] = [log.lines().length, ordersAtCa(lab), balancerWrites().length];

  await lab.api('POST', '/v2/apps/certathon/restart');
  const stopping = await log.next(({ event }) => event === 'service.stopping', PATIENCE_MS, from);
  const stopped = await log.next(({ event }) => event === 'service.stopped', PATIENCE_MS, from);
  await log.next(({ event }) => event === 'service.started', PATIENCE_MS, from);
  await until('the next one has looked', async () =>
    (await atAdminPort(lab, '/status.json')).body.includes('"state": "ok"'),
  );

  expect(Date.parse(stopped.time) - Date.parse(stopping.time)).toBeLessThan(10_000);
  expect(ordersAtCa(lab)).toBe(orders);
  expect(balancerWrites()).toHaveLength(writes);
});

test('nothing that was printed, logged, served or sent to be seen holds a key, a password or a token', async () => {
  const keys = keyLines(lab.storeDirectory);
  const tasks = readdirSync(join(lab.directory, 'tasks')).flatMap((task) =>
    ['stdout', 'stderr'].map((name) => readFileSync(join(lab.directory, 'tasks', task, name), 'utf8')),
  );
  const texts = [
    ...tasks,
    ...printed,
    ...received,
    readFileSync(join(lab.directory, 'ca', 'pebble.log'), 'utf8'),
    (await atAdminPort(lab, '/status.json')).body,
    (await atAdminPort(lab, '/health')).body,
    (await atAdminPort(lab, '/no-such-page')).body,
  ];
  // What Marathon is sent holds the environment of both apps, so passwords too; the lab masks the bundle there.
  const requests = JSON.stringify(lab.marathon.requests()).replaceAll('\\\\n', '\n');

  // Account, two bundles, each of two lines or more; and there is a log to search in.
  expect(keys.length).toBeGreaterThanOrEqual(5);
  expect(tasks.join('')).toContain('certificate.issued');
  const secrets = [...keys, lab.marathon.password, ADMIN_TOKEN];
  expect(secrets.filter((secret) => texts.some((text) => text.includes(secret)))).toEqual([]);
  expect(keys.filter((key) => requests.includes(key))).toEqual([]);
});
