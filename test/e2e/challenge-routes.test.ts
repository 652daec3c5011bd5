import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withStoreLock } from '../../src/certificates/store-lock.ts';
import { loadConfig } from '../../src/config/load.ts';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import { type AppDefinition, webApp } from '../../src/lab/definitions.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { wire } from '../../src/wiring.ts';
import { ask } from '../support/ask.ts';
import { singleBalancer } from '../support/lab.ts';
import { observedCertificate } from '../support/observations.ts';
import { routed } from '../support/sidecar.ts';
import { until } from '../support/until.ts';
import { longDescribe, longTest } from '../support/whole.ts';

/** What comes back at a balancer's challenge path for a name of each kind of owner, and that a CA which asks there
 * gets its answer: the label set that is shipped, on both kinds of balancer. */
const AUTH = { HAPROXY_0_AUTH: 'realm:user:$5$salt$Gcm6FsVtF/Qa77ZKD.iwsJlCVPY0XSMgLJL0Hnww/c1' };
const REDIRECT = { HAPROXY_0_REDIRECT_TO_HTTPS: 'true' };
const OWNERS: Record<string, Record<string, string>> = {
  plain: {},
  redirect: REDIRECT,
  path: { HAPROXY_0_PATH: '/' },
  'path-redirect': { HAPROXY_0_PATH: '/', ...REDIRECT },
  auth: AUTH,
  'auth-redirect': { ...AUTH, ...REDIRECT },
  heavy: { HAPROXY_0_BACKEND_WEIGHT: '5000' },
};
/** One app with one name of the kind, another with three. */
const NAMES = Object.keys(OWNERS).flatMap((kind) => [
  `${kind}.example.com`,
  ...['a', 'b', 'c'].map((letter) => `${letter}.three-${kind}.example.com`),
]);
const ALL = [...NAMES, 'nobody.example.com'];
const BALANCERS = { stock: '/marathon-lb', map: '/map-lb' } as const;
const TEMPLATES = ['HAPROXY_0_HTTP_FRONTEND_ACL_WITH_PATH', 'HAPROXY_0_HTTPS_FRONTEND_ACL_WITH_PATH'];

let lab: Lab;
const hosts: Record<string, string> = {};

beforeAll(async () => {
  const upgradeStrategy = { minimumHealthCapacity: 0, maximumOverCapacity: 0 };
  lab = await startLab({ balancers: 1, publicAgents: 2, balancerApp: { upgradeStrategy } });
  const used = lab.marathon.tasks('/marathon-lb')[0]?.host ?? '';
  const other = lab.publicAgents.find((host) => host !== used) ?? '';
  const args = ['sse', '-m', lab.marathon.url, '--health-check', '--group', 'external', '--haproxy-map'];
  await lab.run(singleBalancer(lab, '/map-lb', other, { args }));
  Object.assign(hosts, { stock: used, map: other });
  const owners = Object.entries(OWNERS).flatMap(([kind, labels]) => {
    const three = ['a', 'b', 'c'].map((letter) => `${letter}.three-${kind}.example.com`).join(',');
    return [
      owner(`/apps/${kind}`, `${kind}.example.com`, labels),
      owner(`/apps/three-${kind}`, three, labels),
    ];
  });
  await Promise.all([...owners, lab.sidecar({ env: { CERTATHON_DOMAINS: '' } })].map((app) => lab.run(app)));
});
afterAll(async () => {
  await lab?.stop();
});

/** It answers the challenge path with 404, so it is seen at once when a challenge comes to it. */
function owner(id: string, vhost: string, labels: Record<string, string>): AppDefinition {
  return webApp(id, vhost, 1, { HAPROXY_0_REDIRECT_TO_HTTPS: 'false', ...labels });
}

/** Who answers at the challenge path: our instance, or what else is said. */
async function answerer(host: string, name: string): Promise<string> {
  const path = '/.well-known/acme-challenge/ping';
  const reply = await ask({ address: host, port: lab.ports.http, path }, { host: name });
  const { id = '' } = lab.marathon.tasks('/certathon')[0] ?? {};
  if (reply.status === 200 && JSON.parse(reply.body).instance === id) return 'sidecar';
  return `${reply.status}${reply.headers['x-task'] === undefined ? '' : ' from the owner'}`;
}

async function pointTo(names: readonly string[], address: string): Promise<void> {
  const { dns } = lab.authority;
  for (const name of names) await dns.clearA(name).then(() => dns.setA(name, [address]));
}

/** Orders at Pebble, which asks only the balancer at this address; the running sidecar answers, from the store. */
async function order(names: readonly string[], host: string): Promise<string[]> {
  await pointTo(names, host);
  const env = { ...lab.settings, CERTATHON_STORE: lab.storeDirectory, CERTATHON_ROUTE_CHECK: 'require' };
  const { config } = loadConfig({ command: 'renew', env });
  const { signal } = new AbortController();
  const running = { config, clock: systemClock, log: silentLog, signal };
  const wiring = await wire({ ...running, answersAlways: true, readOnly: false });
  try {
    const [id = ''] = names;
    const certificate = {
      ...observedCertificate({ id, names: [...names] }),
      directoryUrl: config.acmeDirectory,
    };
    // The running sidecar, for which nobody wants these names, must not tidy them away meanwhile.
    const lock = { waitMs: 60_000, clock: systemClock, log: silentLog, signal };
    await withStoreLock(config.store, lock, () =>
      wiring.tools.obtain(certificate, names, false, false, signal),
    );
    return (await wiring.tools.stores.of(id).current())?.stored.names ?? [];
  } finally {
    await wiring.close();
  }
}

describe.each(Object.keys(BALANCERS))('the shipped labels on the %s balancer', (kind) => {
  test('bring every challenge to the sidecar, whatever the owner of the name does', async () => {
    const host = hosts[kind] ?? '';
    await routed(lab, [host], 'plain.example.com');

    const seen = await Promise.all(ALL.map(async (name) => [name, await answerer(host, name)]));

    expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(ALL.map((name) => [name, 'sidecar'])));
  });

  test('leave everything else to the owners', async () => {
    const address = hosts[kind] ?? '';
    const status = async (name: string): Promise<number> =>
      (await ask({ address, port: lab.ports.http, path: '/' }, { host: name })).status;

    expect({
      plain: await status('plain.example.com'),
      redirect: await status('redirect.example.com'),
      auth: await status('auth.example.com'),
      nobody: await status('nobody.example.com'),
      'acme.internal': await status('acme.internal'),
    }).toEqual({ plain: 200, redirect: 301, auth: 401, nobody: 503, 'acme.internal': 503 });
  });

  test('let a CA issue for one name of each kind of owner, and for one that nobody owns', async () => {
    const single = ALL.filter((name) => name.split('.').length === 3);

    expect(await order(single, hosts[kind] ?? '')).toEqual([...single].sort());
    expect(await order(['auth-redirect.example.com'], hosts[kind] ?? '')).toEqual([
      'auth-redirect.example.com',
    ]);
  });

  longTest('let a CA issue for three names of one owner, of each kind', async () => {
    const three = NAMES.filter((name) => name.split('.').length === 4);

    expect(await order(three, hosts[kind] ?? '')).toEqual([...three].sort());
    const ofOne = three.filter((name) => name.endsWith('.three-path-redirect.example.com'));
    expect(await order(ofOne, hosts[kind] ?? '')).toEqual([...ofOne].sort());
  });
});

longDescribe('a list of names in HAPROXY_0_VHOST instead, as letsencrypt-dcos had it', () => {
  const listed = ['plain.example.com', 'a.three-plain.example.com', 'c.three-plain.example.com'];

  test('is the list of wanted names, read through the API, and routes their challenges', async () => {
    const app = lab.sidecar({
      env: { CERTATHON_DOMAINS: '' },
      labels: { HAPROXY_0_VHOST: listed.join(',') },
    });
    const labels = Object.fromEntries(
      Object.entries(app.labels ?? {}).filter(([label]) => !TEMPLATES.includes(label)),
    );
    // What the tests before have obtained covers these names too.
    await rm(join(lab.storeDirectory, 'certificates'), { recursive: true });
    const answer = await lab.api('PUT', '/v2/apps/certathon', { labels });
    expect(answer.status).toBe(200);
    await pointTo(listed, lab.front.address);

    const task = await until('it serves the listed names', async () => {
      const [running] = lab.marathon.tasks('/certathon').filter(({ isDying }) => !isDying);
      const { host: address = '', ports: [, port = 0] = [] } = running ?? {};
      const reply = await ask({ address, port, path: '/status.json' }, { host: 'certathon' });
      const status = JSON.parse(reply.body);
      return status.certificates[0]?.names.join() === [...listed].sort().join() && status;
    });

    expect(task.names).toEqual([...listed].sort());
    for (const host of Object.values(hosts)) {
      expect([await answerer(host, listed[0] ?? ''), await answerer(host, listed[1] ?? '')]).toEqual([
        'sidecar',
        'sidecar',
      ]);
      expect(await answerer(host, 'b.three-plain.example.com')).toBe('404 from the owner');
    }
  });
});
