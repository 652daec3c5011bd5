import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  backendName,
  groupAppId,
  isNamed,
  listenersOf,
  type ServedApp,
  type ServedTask,
  serverName,
  servicePortsOf,
  taskPortsOf,
} from '../../../src/haproxy/names.ts';
import type { MarathonApp, MarathonTask } from '../../../src/lab/balancer/marathon-app.ts';
import * as lab from '../../../src/lab/balancer/server-names.ts';
import { readServices } from '../../../src/lab/balancer/services.ts';
import { appSchema } from '../../../src/marathon/app-schema.ts';

function app(changes: Partial<ServedApp> = {}): ServedApp {
  return {
    ...{ labels: {}, network: 'host', portMappings: [], discoveryPorts: [] },
    portDefinitions: [{ port: 10000 }],
    ...changes,
  };
}

const mapping = (containerPort: number, servicePort?: number) => ({ containerPort, servicePort });

function task(changes: Partial<ServedTask> = {}): ServedTask {
  return { host: '10.0.0.5', ports: [31000], ipAddresses: [], ...changes };
}

const rules = { group: 'web', addresses: new Map([['agent-1.example', '10.0.0.5']]) };

describe('names of HAProxy', () => {
  it.each([
    ['nginx', '/nginx'],
    ['/nginx', '/nginx'],
    ['prod/web', '/prod/web'],
    ['/prod/web', '/prod/web'],
  ])('the group %s is the app %s', (group, id) => {
    expect(groupAppId(group)).toBe(id);
  });

  it.each([
    ['/prod/web', 10000, 'prod_web_10000'],
    ['prod/web', 10000, 'prod_web_10000'],
    ['nginx', 10000, 'nginx_10000'],
    ['/nginx', 10000, 'nginx_10000'],
    ['/a.b-c/d', 80, 'a.b-c_d_80'],
    ['foobar', 8080, 'foobar_8080'],
  ])('the backend of %s with the service port %i is %s', (appId, port, name) => {
    expect(backendName(appId, port)).toBe(name);
  });

  it.each([
    ['10.0.6.25', '10.0.6.25', 16916, '10_0_6_25_16916'],
    ['10.0.6.25', '10.0.6.25', 31184, '10_0_6_25_31184'],
    ['10.0.6.25', '10.0.6.25', 23336, '10_0_6_25_23336'],
    ['agent-1.example', '10.0.0.5', 31184, 'agent-1_example_10_0_0_5_31184'],
    ['10.0.0.5', '9.0.0.7', 80, '10_0_0_5_9_0_0_7_80'],
    ['odd_name', '10.0.0.5', 1, 'odd_name_10_0_0_5_1'],
    ['agent', '2001:db8::5', 80, 'agent_2001_db8__5_80'],
  ])('the server of %s (%s) with the port %i is %s', (host, ip, port, name) => {
    expect(serverName(host, ip, port)).toBe(name);
  });
});

describe('listenersOf()', () => {
  const web = (...names: string[]) => names.map((name) => `web_${name}`);

  it.each<[string, ServedApp, ServedTask, string[]]>([
    ['host network', app(), task(), web('10000/10_0_0_5_31000')],
    [
      'a host with a name',
      app(),
      task({ host: 'agent-1.example' }),
      web('10000/agent-1_example_10_0_0_5_31000'),
    ],
    [
      'two ports, each by its index',
      app({ portDefinitions: [{ port: 10000 }, { port: 10001 }] }),
      task({ ports: [31000, 31001] }),
      web('10000/10_0_0_5_31000', '10001/10_0_0_5_31001'),
    ],
    ['more ports than service ports', app(), task({ ports: [31000, 31001] }), web('10000/10_0_0_5_31000')],
    [
      'fewer ports than service ports',
      app({ portDefinitions: [{ port: 10000 }, { port: 10001 }] }),
      task(),
      web('10000/10_0_0_5_31000'),
    ],
    ['no ports of the task', app(), task({ ports: [] }), web('10000/10_0_0_5_10000')],
    [
      'a label with another service port',
      app({ labels: { HAPROXY_0_PORT: '80', HAPROXY_1_PORT: '81' } }),
      task(),
      web('80/10_0_0_5_31000'),
    ],
    [
      'a label that is no number',
      app({ labels: { HAPROXY_0_PORT: 'http' } }),
      task(),
      web('10000/10_0_0_5_31000'),
    ],
    [
      'a port that is switched off',
      app({ portDefinitions: [{ port: 1 }, { port: 2 }], labels: { HAPROXY_0_ENABLED: 'false' } }),
      task({ ports: [31000, 31001] }),
      web('2/10_0_0_5_31001'),
    ],
    [
      'two ports with one number, of which the labels of the last hold',
      app({
        portDefinitions: [{ port: 7 }, { port: 7 }],
        labels: { HAPROXY_0_PORT: '80', HAPROXY_1_PORT: '81' },
      }),
      task({ ports: [31000, 31001] }),
      web('81/10_0_0_5_31000', '81/10_0_0_5_31001'),
    ],
    [
      'a bridge',
      app({ network: 'bridge', portMappings: [mapping(8080, 10005)], portDefinitions: [] }),
      task(),
      web('10005/10_0_0_5_31000'),
    ],
    [
      'an address of its own',
      app({ network: 'container', portMappings: [mapping(8080, 10005)], portDefinitions: [] }),
      task({ ipAddresses: ['9.0.0.7', '9.0.0.8'] }),
      web('10005/10_0_0_5_9_0_0_7_8080'),
    ],
    [
      'an address of its own, with ports to be discovered and a service port that marathon-lb chooses',
      app({
        network: 'container',
        discoveryPorts: [80, 443],
        portDefinitions: [],
        labels: { HAPROXY_1_PORT: '8443' },
      }),
      task({ ipAddresses: ['9.0.0.7'] }),
      web('*/10_0_0_5_9_0_0_7_80', '8443/10_0_0_5_9_0_0_7_443'),
    ],
    [
      'an address of its own that is not there yet',
      app({ network: 'container', discoveryPorts: [80] }),
      task(),
      [],
    ],
    ['a host whose address is not known', app(), task({ host: 'agent-2' }), web('10000/agent-2_*_31000')],
    ['no host', app(), task({ host: '' }), []],
    ['no ports at all', app({ portDefinitions: [] }), task({ ports: [] }), []],
  ])('names the lines of a task with %s', (_what, served, one, expected) => {
    expect(listenersOf(served, one, rules)).toEqual(expected);
  });

  it('goes by the labels and ports of the app that marathon-lb takes for the older', () => {
    const owner = app({ portDefinitions: [{ port: 10000 }], labels: { HAPROXY_0_PORT: '80' } });
    const fresh = app({ portDefinitions: [{ port: 20000 }, { port: 20001 }] });

    const listeners = listenersOf(fresh, task({ ports: [31000, 31001] }), { ...rules, owner });

    expect(listeners).toEqual(['web_80/10_0_0_5_31000']);
  });

  it('is not taken in by labels that every object has', () => {
    const labels = Object.assign(Object.create({ HAPROXY_0_PORT: '81' }) as Record<string, string>, {});

    expect(listenersOf(app({ labels }), task(), rules)).toEqual(['web_10000/10_0_0_5_31000']);
  });

  it('names the lines exactly as the stand-in for marathon-lb writes them, for random apps', () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(randomApp(), (json) => {
        const addresses = new Map(Object.entries(HOSTS));
        const read = appSchema.parse(json);
        const services = readServices([json], {
          ...{ needsHealth: false, strict: false, ownName: undefined, addresses, lastHealth: new Map() },
          assignablePorts: { min: 10050, max: 10100 },
        });

        const listeners = read.tasks.flatMap((each) =>
          listenersOf(read, each, { group: read.id, addresses }),
        );

        const lines = services
          .filter(({ enabled }) => enabled)
          .flatMap(({ appId, servicePort, servers }) =>
            servers.map(
              ({ host, ip, port }) =>
                `${lab.backendName(appId, servicePort)}/${lab.serverName(host, ip, port)}`,
            ),
          );
        const named = new Set(listeners);
        for (const line of lines)
          if ([...named].some((listener) => listener.includes('*') && isNamed(listener, line)))
            kinds.add('chosen');
        if (lines.length > 0) kinds.add(read.network);
        expect([...named].filter((listener) => !lines.some((line) => isNamed(listener, line)))).toEqual([]);
        expect(lines.filter((line) => ![...named].some((listener) => isNamed(listener, line)))).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
    expect([...kinds].sort()).toEqual(['bridge', 'chosen', 'container', 'host']);
  });
});

describe('isNamed()', () => {
  it.each([
    ['web_80/10_0_0_5_31000', 'web_80/10_0_0_5_31000', true],
    ['web_80/10_0_0_5_31000', 'web_80/10_0_0_5_31001', false],
    ['web_80/agent_*_31000', 'web_80/agent_10_0_0_5_31000', true],
    ['web_80/agent_*_31000', 'web_80/agent_31000', false],
    ['web_80/agent_*_31000', 'web_80/agent_b_10_0_0_5_31000', false],
    ['web_80/agent_*_31000', 'web_81/agent_10_0_0_5_31000', false],
    ['web_*/agent_*_80', 'web_10050/agent_9_0_0_7_80', true],
    ['web_*/agent_*_80', 'web_b_10050/agent_9_0_0_7_80', false],
    ['a.c_*/s_80', 'abc_1/s_80', false],
    ['a(_*/s', 'a(_1/s', true],
  ])('%s means %s: %s', (listener, row, expected) => {
    expect(isNamed(listener, row)).toBe(expected);
  });
});

describe('ports of apps and tasks', () => {
  it.each<[string, ServedApp, number[]]>([
    ['definitions', app({ portDefinitions: [{ port: 1 }, { port: 2 }] }), [1, 2]],
    [
      'mappings of a bridge',
      app({ network: 'bridge', portMappings: [mapping(80, 5), mapping(81, 6)] }),
      [5, 6],
    ],
    [
      'mappings of which one has none',
      app({ network: 'bridge', portMappings: [mapping(80), mapping(81, 6)] }),
      [6],
    ],
    ['mappings without any', app({ network: 'bridge', portMappings: [mapping(80)] }), [10000]],
    ['mappings that the host network does not use', app({ portMappings: [mapping(80, 5)] }), [10000]],
  ])('service ports come from %s', (_what, served, expected) => {
    expect(servicePortsOf(served)).toEqual(expected);
  });

  it.each<[string, ServedApp, number[]]>([
    ['the task', app(), [31000]],
    [
      'the mappings, with an address of its own',
      app({ network: 'container', portMappings: [mapping(80)] }),
      [80],
    ],
    [
      'discovery before mappings',
      app({ network: 'container', portMappings: [mapping(80)], discoveryPorts: [81] }),
      [81],
    ],
  ])('ports that are dialled come from %s', (_what, served, expected) => {
    expect(taskPortsOf(served, task())).toEqual(expected);
  });

  it('of a bridge are those inside where a task tells none', () => {
    const bridge = app({ network: 'bridge', portMappings: [mapping(80, 5)], portDefinitions: [] });

    expect(taskPortsOf(bridge, task({ ports: [] }))).toEqual([80]);
  });
});

const HOSTS: Record<string, string> = {
  '10.0.0.5': '10.0.0.5',
  'agent-1.example': '10.0.0.6',
  odd_name: '10.0.0.7',
};

/** Apps as Marathon 1.4 to 1.11 writes them, in all networks. */
function randomApp(): fc.Arbitrary<MarathonApp> {
  const port = fc.integer({ min: 1, max: 65_535 });
  const mappings = fc.array(fc.record({ containerPort: port, servicePort: fc.option(port, { nil: null }) }), {
    maxLength: 3,
  });
  const container = fc.oneof(
    fc.record({ portMappings: mappings }),
    fc.record({
      docker: fc.record({ network: fc.constantFrom('BRIDGE', 'USER', 'HOST'), portMappings: mappings }),
    }),
  );
  const oneTask: fc.Arbitrary<MarathonTask> = fc.record(
    {
      id: fc.uuid(),
      host: fc.constantFrom(...Object.keys(HOSTS)),
      ports: fc.array(port, { maxLength: 3 }),
      ipAddresses: fc.array(fc.record({ ipAddress: fc.ipV4() }), { maxLength: 2 }),
    },
    { requiredKeys: ['id', 'host'] },
  );
  const labels = fc.dictionary(
    fc.constantFrom(
      'HAPROXY_0_PORT',
      'HAPROXY_1_PORT',
      'HAPROXY_2_PORT',
      'HAPROXY_0_ENABLED',
      'HAPROXY_1_VHOST',
    ),
    fc.constantFrom('80', ' 81 ', '082'),
  );
  const discovery = fc.record({ ports: fc.array(fc.record({ number: port }), { maxLength: 2 }) });
  return fc.record(
    {
      id: fc.constantFrom('/web', '/prod/web', '/a.b-c/d'),
      labels,
      portDefinitions: fc.array(fc.record({ port }), { maxLength: 3 }),
      networks: fc.array(fc.record({ mode: fc.constantFrom('host', 'container', 'container/bridge') }), {
        maxLength: 2,
      }),
      ipAddress: fc.oneof(fc.constant(null), fc.record({ discovery }, { requiredKeys: [] })),
      container,
      tasks: fc.array(oneTask, { maxLength: 3 }),
    },
    { requiredKeys: ['id', 'labels', 'tasks'] },
  ) as fc.Arbitrary<MarathonApp>;
}
