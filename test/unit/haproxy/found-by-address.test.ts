import { describe, expect, it } from 'vitest';
import { balancersAtUrls, balancersInDns } from '../../../src/haproxy/found-by-address.ts';
import type { Resolve, ServiceRecord } from '../../../src/haproxy/resolve.ts';

const PORTS = { tls: 443, admin: 9090 };

interface Zone {
  four?: Record<string, string[] | string>;
  six?: Record<string, string[] | string>;
  services?: Record<string, ServiceRecord[] | string>;
  machine?: Record<string, string[]>;
}

/** A DNS that answers from tables; a text is the code of a failure, and what is not there does not exist. */
function dns({ four = {}, six = {}, services = {}, machine }: Zone = {}): Resolve {
  const answer = async <T>(table: Record<string, T[] | string>, name: string): Promise<T[]> => {
    const known = table[name] ?? 'ENOTFOUND';
    if (typeof known === 'string') throw Object.assign(new Error(`query ${known} ${name}`), { code: known });
    return known;
  };
  return {
    resolve4: (name) => answer(four, name),
    resolve6: (name) => answer(six, name),
    resolveSrv: (name) => answer(services, name),
    ...(machine === undefined ? {} : { lookup: (name: string) => answer(machine, name) }),
  };
}

/** `id host tls admin`, as one would say it. */
const said = ({ balancers }: Awaited<ReturnType<typeof balancersAtUrls>>) =>
  balancers.map(({ id, host, tlsPort, adminPort }) => `${id} ${host} ${tlsPort} ${adminPort}`);

describe('balancersAtUrls()', () => {
  it.each<[string, string[], Zone, string[], string[]]>([
    ['an address', ['http://10.0.0.5:9191'], {}, ['10.0.0.5:443 10.0.0.5 443 9191'], []],
    ['an address without a port', ['http://10.0.0.5/'], {}, ['10.0.0.5:443 10.0.0.5 443 9090'], []],
    ['an IPv6 address', ['https://[2001:DB8::5]:9191'], {}, ['[2001:db8::5]:443 2001:db8::5 443 9191'], []],
    [
      'a name with addresses of both kinds',
      ['http://lb.test:9090'],
      { four: { 'lb.test': ['10.0.0.6', '10.0.0.5'] }, six: { 'lb.test': ['2001:db8::5'] } },
      [
        '10.0.0.5:443 10.0.0.5 443 9090',
        '10.0.0.6:443 10.0.0.6 443 9090',
        '[2001:db8::5]:443 2001:db8::5 443 9090',
      ],
      [],
    ],
    [
      'one balancer twice',
      ['http://lb.test', 'http://10.0.0.5:9090'],
      { four: { 'lb.test': ['10.0.0.5'] } },
      ['10.0.0.5:443 10.0.0.5 443 9090'],
      [],
    ],
    [
      'a name that does not exist beside one that does',
      ['http://user:hush@gone.test:9090', 'http://lb.test'],
      { four: { 'lb.test': ['10.0.0.5'] } },
      ['10.0.0.5:443 10.0.0.5 443 9090'],
      ['No balancer is found at http://gone.test:9090 (ENOTFOUND)'],
    ],
    ['what is no URL', ['user:hush@lb.test:9090'], {}, [], ['"lb.test:9090" is no address of balancers']],
  ])('finds %s', async (_what, urls, zone, balancers, problems) => {
    const found = await balancersAtUrls(urls, PORTS, dns(zone));

    expect(said(found)).toEqual(balancers);
    expect(found.problems).toEqual(problems);
  });

  it('knows neither version nor health of what it finds', async () => {
    const { balancers } = await balancersAtUrls(['http://10.0.0.5'], PORTS, dns());

    expect(balancers).toEqual([
      {
        id: '10.0.0.5:443',
        host: '10.0.0.5',
        tlsPort: 443,
        adminPort: 9090,
        version: undefined,
        isAlive: undefined,
      },
    ]);
  });
});

describe('balancersInDns()', () => {
  it.each<[string, Zone, string[], string[]]>([
    ['its IPv4 address', { four: { lb: ['10.0.0.5'] } }, ['10.0.0.5:443 10.0.0.5 443 9090'], []],
    [
      'an answer without addresses',
      { four: { lb: [] }, six: { lb: 'ENODATA' } },
      [],
      ['No balancer is found by the name lb (ENODATA)'],
    ],
    [
      'IPv4 while the question for IPv6 fails',
      { four: { lb: ['10.0.0.5'] }, six: { lb: 'ESERVFAIL' } },
      ['10.0.0.5:443 10.0.0.5 443 9090'],
      ['Some may be missing by the name lb (ESERVFAIL)'],
    ],
    [
      'no answer at all',
      { four: { lb: 'ETIMEOUT' }, six: { lb: 'ETIMEOUT' } },
      [],
      ['No balancer is found by the name lb (ETIMEOUT)'],
    ],
    [
      'what only the machine knows',
      { machine: { lb: ['10.0.0.5', '10.0.0.5'] } },
      ['10.0.0.5:443 10.0.0.5 443 9090'],
      [],
    ],
    [
      'the DNS before the machine',
      { four: { lb: ['10.0.0.5'] }, machine: { lb: ['10.0.0.6'] } },
      ['10.0.0.5:443 10.0.0.5 443 9090'],
      [],
    ],
    ['nothing anywhere', { machine: {} }, [], ['No balancer is found by the name lb (ENOTFOUND)']],
  ])('given a name takes %s', async (_what, zone, balancers, problems) => {
    const found = await balancersInDns(['lb'], PORTS, dns(zone));

    expect(said(found)).toEqual(balancers);
    expect(found.problems).toEqual(problems);
  });

  it.each<[string, string, number[], string]>([
    ['all ports of the stock app', '_lb._tcp.test', [80, 443, 9090], '10.0.0.5:443 10.0.0.5 443 9090'],
    ['the TLS port alone', '_lb._tcp.test', [443], '10.0.0.5:443 10.0.0.5 443 9090'],
    ['one other port', '_https._lb._tcp.test', [31_001], '10.0.0.5:31001 10.0.0.5 31001 9090'],
    ['the admin port alone', '_lb._tcp.test', [9090], '10.0.0.5:443 10.0.0.5 443 9090'],
    ['several other ports', '_lb._tcp.test', [31_000, 31_001], '10.0.0.5:443 10.0.0.5 443 9090'],
    ['one port of the service admin', '_admin._lb._tcp.test', [31_002], '10.0.0.5:443 10.0.0.5 443 31002'],
    [
      'several ports of the service admin',
      '_ADMIN._lb._tcp.test',
      [31_002, 9090],
      '10.0.0.5:443 10.0.0.5 443 9090',
    ],
    [
      'a port that is none, passed over',
      '_https._lb._tcp.test',
      [0, 31_001],
      '10.0.0.5:31001 10.0.0.5 31001 9090',
    ],
  ])('given records with %s decides', async (_what, name, ports, balancer) => {
    const services = { [name]: ports.map((port) => ({ name: 'Agent.test', port })) };

    const found = await balancersInDns(
      [name],
      PORTS,
      dns({ services, four: { 'agent.test': ['10.0.0.5'] } }),
    );

    expect(said(found)).toEqual([balancer]);
    expect(found.problems).toEqual([]);
  });

  it('adds the admin port to the balancer that another service finds at the same address', async () => {
    const services = {
      '_admin._lb._tcp.test': [
        { name: 'a.test', port: 31_002 },
        { name: 'b.test', port: 31_006 },
      ],
      '_https._lb._tcp.test': [{ name: 'a.test', port: 31_001 }],
    };
    const four = { 'a.test': ['10.0.0.5'], 'b.test': ['10.0.0.6'] };

    const found = await balancersInDns(Object.keys(services), PORTS, dns({ services, four }));

    expect(said(found)).toEqual(['10.0.0.5:31001 10.0.0.5 31001 31002', '10.0.0.6:443 10.0.0.6 443 31006']);
  });

  it('puts the ports of one address together, also under two targets', async () => {
    const services = {
      '_lb._tcp.test': [
        { name: 'a.test', port: 31_000 },
        { name: 'b.test', port: 443 },
        { name: '10.0.0.6', port: 8443 },
      ],
    };
    const four = { 'a.test': ['10.0.0.5'], 'b.test': ['10.0.0.5'] };

    const found = await balancersInDns(['_lb._tcp.test'], PORTS, dns({ services, four }));

    expect(said(found)).toEqual(['10.0.0.5:443 10.0.0.5 443 9090', '10.0.0.6:8443 10.0.0.6 8443 9090']);
  });

  it('says which names and targets it did not find, and finds the others', async () => {
    const services = {
      '_none._tcp.test': [{ name: '', port: 0 }],
      '_half._tcp.test': [
        { name: 'a.test', port: 443 },
        { name: 'gone.test', port: 443 },
      ],
      '_slow._tcp.test': 'ETIMEOUT',
    };

    const found = await balancersInDns(
      ['_gone._tcp.test', '_none._tcp.test', '_half._tcp.test', '_slow._tcp.test', 'b.test', 'odd\n.test'],
      PORTS,
      dns({ services, four: { 'a.test': ['10.0.0.5'], 'b.test': ['10.0.0.6'] } }),
    );

    expect(said(found)).toEqual(['10.0.0.5:443 10.0.0.5 443 9090', '10.0.0.6:443 10.0.0.6 443 9090']);
    expect(found.problems).toEqual([
      'No balancer is found by the service _gone._tcp.test (ENOTFOUND)',
      'No balancer is found by the service _none._tcp.test (no target)',
      'No balancer is found at gone.test, a target of _half._tcp.test (ENOTFOUND)',
      'No balancer is found by the service _slow._tcp.test (ETIMEOUT)',
      'No balancer is found by the name odd\\u{a}.test (ENOTFOUND)',
    ]);
  });

  it('takes no more than 200, and says so', async () => {
    const four = Object.fromEntries(
      ['a', 'b'].map((name, nth) => [
        name,
        Array.from({ length: 150 }, (_, index) => `10.${nth}.0.${index}`),
      ]),
    );
    const targets = Array.from({ length: 201 }, (_, index) => ({ name: `10.2.${index}.1`, port: 443 }));

    const names = await balancersInDns(['a', 'b'], PORTS, dns({ four }));
    const service = await balancersInDns(['_s._tcp'], PORTS, dns({ services: { '_s._tcp': targets } }));

    expect(names.balancers).toHaveLength(200);
    expect(names.problems).toEqual(['300 balancers are found; only the first 200 are looked at']);
    expect(service.balancers).toHaveLength(200);
    expect(service.problems).toEqual([
      '201 targets are found by the service _s._tcp; only the first 200 are looked at',
    ]);
  });
});
