import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import { webApp } from '../../src/lab/definitions.ts';
import {
  type Certathon,
  type Ended,
  newDirectory,
  removeDirectories,
  run,
  start,
} from '../support/certathon.ts';
import { fewRights } from '../support/few-rights.ts';
import { appOf, mark, ordersAtCa, shownAt, writesSince } from '../support/lab.ts';
import { until } from '../support/until.ts';
import { longTest } from '../support/whole.ts';

/** One story, told in order: apps ask for names by their labels, and one goes away. */
const [BASE, SHOP, WEB, SLOW] = [
  'base.example.com',
  'shop.example.com',
  'web.example.com',
  'slow.example.com',
];
const BIG = ['big1.example.com', 'big2.example.com', 'big3.example.com'];
const WITHIN_MS = 120_000;
let lab: Lab;
let env: Record<string, string>;
let sidecar: Certathon | undefined;

beforeAll(async () => {
  lab = await startLab({
    balancers: 1,
    // Stopped before its successor starts: the quickest restart there is.
    balancerApp: { upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 } },
  });
  const address = lab.subnet.address(41);
  await Promise.all([BASE, SHOP, WEB, SLOW, ...BIG].map((name) => lab.authority.dns.setA(name, [address])));
  env = {
    ...lab.settings,
    CERTATHON_DOMAINS: BASE,
    CERTATHON_STORE: join(newDirectory(), 'store'),
    CERTATHON_BIND: address,
    CERTATHON_CHALLENGE_PORT: String(lab.ports.http),
    CERTATHON_ADMIN_PORT: '18099',
    CERTATHON_POLL_INTERVAL: '200ms',
    CERTATHON_ALLOWED_DOMAINS: 'example.com',
    CERTATHON_NAMES_PER_APP: '2',
    CERTATHON_LABEL_KEY_TYPES: 'rsa2048',
    CERTATHON_DEFAULT_CERTIFICATE: WEB,
  };
  sidecar = start(['serve'], env);
  await sidecar.logged('delivery.verified');
});
afterAll(async () => {
  sidecar?.kill('SIGTERM');
  await sidecar?.ended;
  await lab?.stop();
  removeDirectories();
});

const shown = (name: string) => shownAt(lab.publicAgents[0] ?? '', lab.ports.https, name);
const printOf = async (name: string) => (await shown(name)).fingerprint;
const isServed = async (name: string) => {
  const root = await lab.authority.root();
  return (await shownAt(lab.publicAgents[0] ?? '', lab.ports.https, name, root)).isValid;
};
const deploy = async (id: string, labels: Record<string, string>) => {
  const { status } = await lab.api('POST', '/v2/apps', webApp(id, `${id.slice(1)}.internal`, 0, labels));
  expect(status).toBe(201);
};
const balancerWrites = (since: string) =>
  writesSince(lab, since).filter(({ path }) => path.startsWith('/v2/apps/marathon-lb')).length;
const planned = async (more: Record<string, string> = {}) => {
  const ended = await run(['plan', '--json'], { ...env, ...more });
  return { ended, plan: JSON.parse(ended.stdout) as Plan };
};
interface Plan {
  certificates: {
    id: string;
    key: string;
    names: string[];
    life: string;
    stored: { fingerprint: string } | null;
  }[];
  planned: { do: string }[];
  retired: { certificate: string; life: string }[];
  problems: { message: string }[];
  notices: { code: string; message: string }[];
}
const lives = (plan: Plan) => Object.fromEntries(plan.certificates.map(({ id, life }) => [id, life]));

test('apps that are deployed with labels get HTTPS within two minutes, in one deployment, and nothing else changes', async () => {
  const [since, before, startedMs] = [mark(), await printOf(BASE), Date.now()];

  await Promise.all([
    deploy('/shop', {
      CERTATHON_0_DOMAIN: SHOP,
      CERTATHON_0_KEY_TYPE: 'rsa2048',
      CERTATHON_0_PROFILE: 'shortlived',
    }),
    ...['blue', 'green'].map((colour) =>
      deploy(`/web-${colour}`, {
        CERTATHON_0_DOMAIN: WEB,
        HAPROXY_DEPLOYMENT_GROUP: 'web',
        HAPROXY_DEPLOYMENT_COLOUR: colour,
      }),
    ),
    deploy('/big', { CERTATHON_0_DOMAIN: BIG.join(), CERTATHON_1_DOMAIN: 'elsewhere.example.org' }),
  ]);
  for (const name of [SHOP, WEB, ...BIG.slice(0, 2)])
    await until(`${name} has HTTPS`, () => isServed(name), WITHIN_MS);

  expect(Date.now() - startedMs).toBeLessThan(WITHIN_MS);
  expect(await printOf(BASE)).toBe(before);
  expect(balancerWrites(since)).toBe(1);
});

test('a real HAProxy shows each by its name, and the chosen one to clients without any', async () => {
  const prints = await Promise.all([BASE, SHOP, WEB, BIG[0] ?? ''].map(printOf));

  expect(new Set(prints).size).toBe(4);
  expect(await printOf('')).toBe(await printOf(WEB));
  const slots = Object.keys((await appOf(lab, '/marathon-lb')).env).filter((name) =>
    name.startsWith('HAPROXY_SSL_CERT'),
  );
  expect(slots.sort()).toEqual(['', '0', '1', '2'].map((slot) => `HAPROXY_SSL_CERT${slot}`));
});

test('colours of a pair share a certificate, and labels choose and ask only for what is allowed', async () => {
  const { ended, plan } = await planned();

  expect(ended.exit, ended.stdout).not.toBe(0);
  expect(plan.planned).toEqual([]);
  expect(plan.certificates.map(({ key, names }) => [key, names]).sort()).toEqual([
    ['/big', BIG.slice(0, 2)],
    ['/shop', [SHOP]],
    ['/web', [WEB]],
    ['own', [BASE]],
  ]);
  expect(plan.problems.map(({ message }) => message).sort()).toEqual([
    expect.stringMatching(
      /"big3\.example\.com" \(labels of \/big\) gets no certificate: labels of one app may ask for 2 names/,
    ),
    expect.stringMatching(
      /"elsewhere\.example\.org" \(label CERTATHON_1_DOMAIN of \/big\) gets no certificate/,
    ),
  ]);
  expect(plan.notices).toEqual([
    expect.objectContaining({
      message: expect.stringMatching(/"shortlived" \(label CERTATHON_0_PROFILE of \/shop\) is not followed/),
    }),
  ]);
});

test('with rights for our own app and marathon-lb only, a pass says so once and keeps what labels asked for', async () => {
  const proxy = await fewRights(lab, ['/v2/apps', '/v2/events']);
  const since = mark();

  const ended = await run(['renew'], { ...env, CERTATHON_MARATHON_URL: proxy.url });
  proxy.close();

  expect(ended.exit, ended.stdout + ended.stderr).toBe(0);
  expect(ended.stdout.match(/APPS_UNREADABLE/g)).toHaveLength(1);
  expect(ended.stdout).not.toContain('nobody asks for');
  expect(balancerWrites(since)).toBe(0);
});

longTest(
  'an app that goes away keeps its certificate for the grace, which the plan shows, and no longer',
  async () => {
    const [since, orders, before] = [mark(), ordersAtCa(lab), await printOf(SHOP)];
    await lab.api('DELETE', '/v2/apps/shop');
    await sidecar?.logged('pass.step', sidecar.lines.length);

    const { plan } = await planned();
    const { plan: later } = await planned({ CERTATHON_GRACE: '0s' });
    const told: Ended = await run(['plan'], env);

    expect(lives(plan)).toMatchObject({ [SHOP]: 'grace', [WEB]: 'wanted' });
    expect(lives(later)).toMatchObject({ [SHOP]: 'ended', [WEB]: 'wanted' });
    expect(told.stdout).toMatch(/nobody asks for shop\.example\.com any more: renewed until /);
    expect([balancerWrites(since), ordersAtCa(lab), await printOf(SHOP)]).toEqual([0, orders, before]);
  },
);

longTest('without the event stream a new name is served within two minutes all the same', async () => {
  sidecar?.kill('SIGTERM');
  await sidecar?.ended;
  const proxy = await fewRights(lab, ['/v2/events']);
  sidecar = start(['serve'], { ...env, CERTATHON_MARATHON_URL: proxy.url });
  await sidecar.logged('marathon.detached');
  await sidecar.logged('service.started');
  const startedMs = Date.now();

  await deploy('/slow', { CERTATHON_0_DOMAIN: SLOW });
  await until(`${SLOW} has HTTPS`, () => isServed(SLOW), WITHIN_MS);

  expect(Date.now() - startedMs).toBeLessThan(WITHIN_MS);
  proxy.close();
});
