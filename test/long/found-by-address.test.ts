import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Lab, startLab } from '../../src/lab/cluster.ts';
import { type Ended, events, newDirectory, removeDirectories, run } from '../support/certathon.ts';
import { reloadsOf, setSwitches, shown } from '../support/directory.ts';
import { startDnsmasq, type TestDnsmasq } from '../support/dnsmasq.ts';
import { longTest } from '../support/whole.ts';

/** Balancers that share a directory and are found at addresses alone: nothing is asked of Marathon. */
const NAME = 'shop.example.com';
const SERVICE = '_marathon-lb._tcp.balancers.test';
let lab: Lab;
let dns: TestDnsmasq;
let env: Record<string, string>;

beforeAll(async () => {
  lab = await startLab({ sharedDirectory: true });
  const [first = '', second = ''] = lab.publicAgents;
  const { https, admin } = lab.ports;
  dns = await startDnsmasq([
    // One record for each port of each task, as Mesos-DNS has it without a label.
    ...[https, admin].flatMap((port) =>
      ['one', 'two'].map((task) => `--srv-host=${SERVICE},${task}.balancers.test,${port}`),
    ),
    `--host-record=one.balancers.test,${first}`,
    `--host-record=two.balancers.test,${second}`,
  ]);
  const address = lab.subnet.address(41);
  await lab.authority.dns.setA(NAME, [address]);
  await dns.setHosts({ [NAME]: [address], 'balancers.test': [first, second], 'one.test': [first] });
  const {
    CERTATHON_MARATHON_USER: _user,
    CERTATHON_MARATHON_PASSWORD: _password,
    ...settings
  } = lab.settings;
  env = {
    ...settings,
    // Nobody listens there.
    CERTATHON_MARATHON_URL: 'http://127.0.0.1:9',
    CERTATHON_DNS_SERVERS: dns.server,
    CERTATHON_DELIVERY: 'directory',
    CERTATHON_DIRECTORY: lab.sharedDirectory ?? '',
    CERTATHON_DOMAINS: NAME,
    CERTATHON_STORE: join(newDirectory(), 'store'),
    CERTATHON_BIND: address,
    CERTATHON_CHALLENGE_PORT: String(lab.ports.http),
    CERTATHON_RELOAD_INTERVAL: '0s',
    CERTATHON_RELOAD_WAIT: '20s',
  };
});
afterAll(async () => {
  await dns?.stop();
  await lab?.stop();
  removeDirectories();
});

let before: number[];
beforeEach(async () => {
  before = await reloadsOf(lab, lab.publicAgents);
});

const fingerprintOf = (ended: Ended) => String(events(ended, 'certificate.issued').at(-1)?.fingerprint);
const urls = (...hosts: string[]) => hosts.map((host) => `http://${host}:${lab.ports.admin}`).join();
const renew = (how: Record<string, string>, ...words: string[]) =>
  run(['renew', ...words], { ...env, ...how });
async function expectServed(ended: Ended, exit = 0): Promise<void> {
  expect(ended.exit, ended.stdout + ended.stderr).toBe(exit);
  const ours = fingerprintOf(ended);
  expect(await shown(lab, lab.publicAgents, NAME)).toEqual([ours, ours]);
  expect(await reloadsOf(lab, lab.publicAgents)).toEqual(before.map((count) => count + 1));
  expect(events(ended, 'delivery.verified')).toMatchObject([
    { balancers: lab.publicAgents.map((host) => `${host}:${lab.ports.https}`) },
  ]);
}

test('the first certificate reaches balancers that are found at URLs, while Marathon is away', async () => {
  await expectServed(await renew({ CERTATHON_BALANCER_URLS: urls(...lab.publicAgents) }));
});

test('a renewal reaches all addresses of one name', async () => {
  await expectServed(await renew({ CERTATHON_BALANCER_DNS: 'balancers.test' }, '--now'));
});

longTest(
  'a renewal reaches all targets of a service, which has a record for each of their ports',
  async () => {
    await expectServed(await renew({ CERTATHON_BALANCER_DNS: SERVICE }, '--now'));
  },
);

longTest('a host name in a URL stands for all its addresses', async () => {
  await expectServed(await renew({ CERTATHON_BALANCER_URLS: urls('balancers.test') }, '--now'));
});

longTest(
  'a name that nobody knows is reported, and those that are found are served: BALANCERS_UNKNOWN',
  async () => {
    const ended = await renew(
      { CERTATHON_BALANCER_DNS: 'balancers.test,gone.test,_gone._tcp.test' },
      '--now',
    );

    await expectServed(ended, 38);
    expect(ended.stdout).toMatch(/BALANCERS_UNKNOWN\n.*gone\.test \(ENOTFOUND\)/);
    expect(ended.stdout).toMatch(/BALANCERS_UNKNOWN\n.*_gone\._tcp\.test \(ENOTFOUND\)/);
  },
);

longTest(
  'one in poll mode and one that is not there are named with the reason of each: DELIVERY_NOT_SERVED',
  async () => {
    const [good = '', polling = ''] = lab.publicAgents;
    const away = lab.subnet.address(99);
    await setSwitches(lab, polling, { signalStatus: 500 });

    const ended = await renew(
      {
        CERTATHON_BALANCER_URLS: urls(good, polling, away),
        CERTATHON_RELOAD_WAIT: '2s',
        CERTATHON_DELIVERY_TIMEOUT: '1s',
      },
      '--now',
    );
    await setSwitches(lab, polling, { signalStatus: 200 });

    expect(ended.exit, ended.stdout + ended.stderr).toBe(34);
    const line =
      ended.stdout.split('\n').find((each) => each.includes('The certificate is not served')) ?? '';
    expect(line).toMatch(new RegExp(`${polling}:\\d+ .* refused the signal with status 500`));
    expect(line).toMatch(new RegExp(`${away}:\\d+ .* unreachable`));
    expect(line).not.toContain(`${good}:`);
    expect((await shown(lab, [good], NAME))[0]).toBe(fingerprintOf(ended));
  },
);
