import { describe, expect, it } from 'vitest';
import { type BalancerApp, balancersOf } from '../../../src/haproxy/balancers.ts';

type Task = BalancerApp['tasks'][number];
const task = (fields: Partial<Task> = {}): Task => ({
  id: 't1',
  host: '10.0.0.5',
  ports: [],
  ipAddresses: [],
  state: 'TASK_RUNNING',
  version: 'v1',
  healthCheckResults: [],
  ...fields,
});
const app = (fields: Partial<BalancerApp> = {}): BalancerApp => ({
  network: 'host',
  portDefinitions: [],
  portMappings: [],
  tasks: [task()],
  ...fields,
});
const definition = (port: number, name?: string) => ({ port, name });
const mapping = (containerPort: number, name?: string) => ({ containerPort, name });

describe('balancersOf()', () => {
  it.each([
    [
      'host network with the fixed ports of the stock app',
      app({
        portDefinitions: [80, 443, 9090].map((port) => definition(port)),
        tasks: [task({ ports: [80, 443, 9090] })],
      }),
      ['10.0.0.5', 443, 9090],
    ],
    [
      'host network without requirePorts: HAProxy binds 443 all the same',
      app({ portDefinitions: [definition(80), definition(443)], tasks: [task({ ports: [31_000, 31_001] })] }),
      ['10.0.0.5', 443, 9090],
    ],
    ['host network without any port', app(), ['10.0.0.5', 443, 9090]],
    [
      'host network with other ports, by name',
      app({
        portDefinitions: [definition(10_001, 'https'), definition(10_002, 'admin')],
        tasks: [task({ ports: [31_001, 31_002] })],
      }),
      ['10.0.0.5', 31_001, 31_002],
    ],
    [
      'bridge',
      app({
        network: 'bridge',
        portMappings: [mapping(80), mapping(443), mapping(9090)],
        tasks: [task({ ports: [31_000, 31_001, 31_002] })],
      }),
      ['10.0.0.5', 31_001, 31_002],
    ],
    [
      'bridge, by name',
      app({ network: 'bridge', portMappings: [mapping(8443, 'https')], tasks: [task({ ports: [31_005] })] }),
      ['10.0.0.5', 31_005, 9090],
    ],
    [
      'an address of its own',
      app({ network: 'container', tasks: [task({ ports: [31_000], ipAddresses: ['9.0.0.7'] })] }),
      ['9.0.0.7', 443, 9090],
    ],
  ])('finds host and ports: %s', (_name, seen, [host, tlsPort, adminPort]) => {
    expect(balancersOf(seen)).toEqual({
      balancers: [{ id: 't1', host, tlsPort, adminPort, version: 'v1', isAlive: undefined }],
      idle: [],
    });
  });

  it('takes other ports of HAProxy when told', () => {
    expect(balancersOf(app(), { tls: 8443, admin: 9999 }).balancers).toMatchObject([
      { tlsPort: 8443, adminPort: 9999 },
    ]);
  });

  it('lists apart what serves nobody, with the reason', () => {
    const seen = app({
      network: 'bridge',
      portMappings: [mapping(443)],
      tasks: [
        task({ id: 'runs', ports: [31_000] }),
        task({ id: 'starts', state: 'TASK_STAGING', ports: [31_001] }),
        task({ id: 'dead', state: 'TASK_FAILED', version: undefined }),
        task({ id: 'nowhere', host: '', ports: [31_002] }),
        task({ id: 'portless' }),
      ],
    });

    const { balancers, idle } = balancersOf(seen);

    expect(balancers.map(({ id }) => id)).toEqual(['runs']);
    expect(idle.map(({ taskId, reason }) => [taskId, reason])).toEqual([
      ['starts', 'not-running'],
      ['dead', 'not-running'],
      ['nowhere', 'no-host'],
      ['portless', 'no-tls-port'],
    ]);
  });

  it('is alive only when all checks say so, and unknown without a result', () => {
    const results = [[], [{ alive: true }], [{ alive: true }, { alive: false }]];
    const tasks = results.map((healthCheckResults, index) => task({ id: `t${index}`, healthCheckResults }));

    expect(balancersOf(app({ tasks })).balancers.map(({ isAlive }) => isAlive)).toEqual([
      undefined,
      true,
      false,
    ]);
  });
});
