import { describe, expect, it } from 'vitest';
import { appSchema } from '../../../src/marathon/app-schema.ts';
import {
  frontPortsOf,
  portLabel,
  servicePortOf,
  servicePortsOf,
  withServicePort,
} from '../../../src/rollout/service-port.ts';

const docker = {
  container: { docker: { portMappings: [{ a: 1, servicePort: 1, b: 2 }, { servicePort: 2 }] } },
};
const mapped = { container: { volumes: [], portMappings: [{ servicePort: 3 }, { servicePort: 4 }] } };
const defined = { portDefinitions: [{ port: 5, name: 'http' }, { port: 6 }], requirePorts: true };
const listed = { ports: [7, 8] };

describe('servicePortOf()', () => {
  it.each([
    [docker, 'container.docker.portMappings', 1],
    [mapped, 'container.portMappings', 3],
    [defined, 'portDefinitions', 5],
    [listed, 'ports', 7],
    [{ ...docker, ...listed }, 'container.docker.portMappings', 1],
    [{ ...defined, ...listed }, 'portDefinitions', 5],
    [{ container: { docker: { portMappings: [] } }, ...listed }, 'ports', 7],
    [{ container: { portMappings: [{ containerPort: 80 }] }, ...listed }, 'container.portMappings', 0],
    [{ ports: ['x'] }, 'ports', 0],
  ])('finds that of %j in %s', (definition, list, port) => {
    expect(servicePortOf(definition)).toEqual({ list, port });
  });

  it.each([{}, { container: null }, { ports: [] }, { portDefinitions: 'x' }])(
    'finds none in %j',
    (definition) => {
      expect(servicePortOf(definition)).toBeUndefined();
      expect(withServicePort(definition, 9)).toBe(definition);
    },
  );
});

describe('withServicePort()', () => {
  it.each([
    [
      docker,
      { container: { docker: { portMappings: [{ a: 1, servicePort: 9, b: 2 }, { servicePort: 2 }] } } },
    ],
    [mapped, { container: { volumes: [], portMappings: [{ servicePort: 9 }, { servicePort: 4 }] } }],
    [defined, { portDefinitions: [{ port: 9, name: 'http' }, { port: 6 }], requirePorts: true }],
    [listed, { ports: [9, 8] }],
    [
      { container: { portMappings: [{ containerPort: 80 }] } },
      { container: { portMappings: [{ containerPort: 80, servicePort: 9 }] } },
    ],
  ])('writes it into %j and changes nothing else, nor the original', (definition, expected) => {
    const before = JSON.stringify(definition);

    expect(JSON.stringify(withServicePort(definition, 9))).toBe(JSON.stringify(expected));
    expect(JSON.stringify(definition)).toBe(before);
  });
});

describe('servicePortsOf() and frontPortsOf()', () => {
  const ports = [{ servicePort: 10000 }, { servicePort: 10002 }];
  it.each([
    ['bridge, 1.5', { networks: [{ mode: 'container/bridge' }], container: { portMappings: ports } }],
    ['bridge, 1.4', { container: { docker: { network: 'BRIDGE', portMappings: ports } }, ports: [1, 2] }],
    [
      'bridge, mappings without ports',
      { container: { docker: { network: 'BRIDGE' } }, ports: [10000, 10002] },
    ],
    ['host, 1.5', { networks: [{ mode: 'host' }], portDefinitions: [{ port: 10000 }, { port: 10002 }] }],
    ['host, 1.4', { ports: [10000, 10002] }],
    [
      'host, where mappings mean nothing',
      {
        ports: [10000, 10002],
        container: { docker: { network: 'HOST', portMappings: [{ servicePort: 1 }] } },
      },
    ],
    ['an address of its own', { networks: [{ mode: 'container' }], container: { portMappings: ports } }],
  ])('read %s', (_what, json) => {
    const app = appSchema.parse({
      id: '/web',
      ...json,
      labels: { HAPROXY_1_PORT: '443', HAPROXY_0_PORT: 'x' },
    });

    expect(servicePortsOf(app)).toEqual([10000, 10002]);
    expect(frontPortsOf(app)).toEqual([10000, 443]);
  });
});

describe('portLabel()', () => {
  it.each([
    ['10001', 10001],
    [' 10001 ', 10001],
    ['10001,10003', 10001],
    ['0', undefined],
    ['65536', undefined],
    ['8e3', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('reads %j as %s', (text, expected) => {
    expect(portLabel({ labels: text === undefined ? {} : { P: text } }, 'P')).toBe(expected);
  });
});
