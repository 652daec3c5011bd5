import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  balancersAtUrls,
  balancersInDns,
  type FoundBalancers,
} from '../../../src/haproxy/found-by-address.ts';
import { createResolver } from '../../../src/haproxy/resolve.ts';
import { startDnsmasq, type TestDnsmasq } from '../../support/dnsmasq.ts';

const PORTS = { tls: 443, admin: 9090 };
const SERVICE = '_marathon-lb._tcp.marathon.test';
let dns: TestDnsmasq;

beforeAll(async () => {
  const task = (name: string, ports: number[]) =>
    ports.map((port) => `--srv-host=${SERVICE},${name},${port}`);
  dns = await startDnsmasq([
    '--host-record=four.test,10.0.0.5',
    '--host-record=four.test,10.0.0.6',
    '--host-record=six.test,2001:db8::5',
    '--host-record=both.test,10.0.0.7,2001:db8::7',
    '--host-record=task-1.test,10.0.1.1',
    '--host-record=task-2.test,10.0.1.2',
    '--txt-record=empty.test,words',
    ...task('task-1.test', [80, 443, 9090, 9091]),
    ...task('task-2.test', [80, 443, 9090, 9091]),
    '--srv-host=_https._marathon-lb._tcp.marathon.test,task-1.test,31001',
    '--srv-host=_https._marathon-lb._tcp.marathon.test,task-2.test,31005',
    '--srv-host=_admin._marathon-lb._tcp.marathon.test,task-1.test,31002',
    '--srv-host=_half._tcp.marathon.test,task-1.test,443',
    '--srv-host=_half._tcp.marathon.test,gone.test,443',
    // More than the 512 bytes of a UDP answer without extensions.
    ...Array.from({ length: 60 }, (_, index) => [
      `--srv-host=_many._tcp.marathon.test,a-task-with-a-long-name-${index}.test,443`,
      `--host-record=a-task-with-a-long-name-${index}.test,10.0.2.${index + 1}`,
    ]).flat(),
  ]);
});
afterAll(() => dns?.stop());

const found = (...names: string[]) => balancersInDns(names, PORTS, createResolver([dns.server]));
const ids = ({ balancers }: FoundBalancers) => balancers.map(({ id, adminPort }) => `${id} ${adminPort}`);

describe('balancers found by a real DNS server', () => {
  it.each([
    ['four.test', ['10.0.0.5:443 9090', '10.0.0.6:443 9090']],
    ['six.test', ['[2001:db8::5]:443 9090']],
    ['both.test', ['10.0.0.7:443 9090', '[2001:db8::7]:443 9090']],
    [SERVICE, ['10.0.1.1:443 9090', '10.0.1.2:443 9090']],
    ['_https._marathon-lb._tcp.marathon.test', ['10.0.1.1:31001 9090', '10.0.1.2:31005 9090']],
    ['_admin._marathon-lb._tcp.marathon.test', ['10.0.1.1:443 31002']],
  ])('are those of %s', async (name, balancers) => {
    const seen = await found(name);

    expect(ids(seen)).toEqual(balancers);
    expect(seen.problems).toEqual([]);
  });

  it('are those of a service with the admin ports of another', async () => {
    const seen = await found(
      '_https._marathon-lb._tcp.marathon.test',
      '_admin._marathon-lb._tcp.marathon.test',
    );

    expect(ids(seen)).toEqual(['10.0.1.1:31001 31002', '10.0.1.2:31005 9090']);
    expect(seen.problems).toEqual([]);
  });

  it('are those at the host of a URL', async () => {
    const seen = await balancersAtUrls(['http://both.test:9191'], PORTS, createResolver([dns.server]));

    expect(ids(seen)).toEqual(['10.0.0.7:443 9191', '[2001:db8::7]:443 9191']);
    expect(seen.problems).toEqual([]);
  });

  it('come whole from an answer too long for one packet', async () => {
    const seen = await found('_many._tcp.marathon.test');

    expect(seen.balancers).toHaveLength(60);
    expect(seen.problems).toEqual([]);
  });

  it('are found beside names and targets that do not exist or have no address', async () => {
    const seen = await found(
      'gone.test',
      'empty.test',
      '_gone._tcp.test',
      '_half._tcp.marathon.test',
      'six.test',
    );

    expect(ids(seen)).toEqual(['10.0.1.1:443 9090', '[2001:db8::5]:443 9090']);
    expect(seen.problems).toEqual([
      'No balancer is found by the name gone.test (ENOTFOUND)',
      'No balancer is found by the name empty.test (ENODATA)',
      'No balancer is found by the service _gone._tcp.test (ENOTFOUND)',
      'No balancer is found at gone.test, a target of _half._tcp.marathon.test (ENOTFOUND)',
    ]);
  });

  it('follow a name that changes', async () => {
    const resolve = createResolver([dns.server]);
    const now = async () => ids(await balancersInDns(['lb.test'], PORTS, resolve));

    await dns.setHosts({ 'lb.test': ['10.0.0.5'] });
    const before = await now();
    await dns.setHosts({ 'lb.test': ['10.0.0.6', '10.0.0.7', '2001:db8::8'] });
    const after = await now();
    await dns.setHosts({});
    const gone = await now();

    expect(before).toEqual(['10.0.0.5:443 9090']);
    expect(after).toEqual(['10.0.0.6:443 9090', '10.0.0.7:443 9090', '[2001:db8::8]:443 9090']);
    expect(gone).toEqual([]);
  });

  it('are not looked for in /etc/hosts when servers are given, and are when none is', async () => {
    const asked = await found('localhost.localdomain.test');
    const machine = createResolver([]);

    expect(asked.balancers).toEqual([]);
    expect(createResolver([dns.server]).lookup).toBeUndefined();
    expect(await machine.lookup?.('localhost')).toContainEqual(expect.stringMatching(/^127\.|^::1$/));
  });

  it('are missing with one sentence each when the server is away, and the next server is asked', async () => {
    const other = await startDnsmasq(['--host-record=four.test,10.0.0.9']);
    await other.stop();
    const quick = { timeoutMs: 200 };

    const away = await balancersInDns(['four.test', SERVICE], PORTS, createResolver([other.server], quick));
    const second = await balancersInDns(
      ['four.test'],
      PORTS,
      createResolver([other.server, dns.server], quick),
    );

    expect(away.balancers).toEqual([]);
    expect(away.problems).toEqual([
      expect.stringMatching(/^No balancer is found by the name four\.test \((ECONNREFUSED|ETIMEOUT)\)$/),
      expect.stringMatching(
        /^No balancer is found by the service _marathon-lb\S+ \((ECONNREFUSED|ETIMEOUT)\)$/,
      ),
    ]);
    expect(ids(second)).toEqual(['10.0.0.5:443 9090', '10.0.0.6:443 9090']);
  });
});
