import { expect, test } from 'vitest';
import type { MarathonApp } from '../../../src/lab/balancer/marathon-app.ts';
import { PortAssigner } from '../../../src/lab/balancer/port-assigner.ts';
import { app, generate } from './balancer-builder.ts';

const TASK = { id: 't', host: '10.0.0.5', ports: [31000], ipAddresses: [{ ipAddress: '9.0.0.7' }] };
const MAPPINGS = [{ containerPort: 80, hostPort: 0, servicePort: 10005 }];
const noMappingPort = [{ containerPort: 80, hostPort: 0 }];

/** Backend and server of the one service. */
function placed(more: Partial<MarathonApp>): string[] {
  const { text } = generate([app('/web', 10001, {}, { tasks: [TASK], ...more })]);
  return [...text.matchAll(/^backend (\S+)|^ {2}server (\S+ \S+)/gm)].map(
    (match) => match[1] ?? match[2] ?? '',
  );
}

test.each<[string, Partial<MarathonApp>, string[]]>([
  ['host', {}, ['web_10001', '10_0_0_5_31000 10.0.0.5:31000']],
  [
    'host without ports of the task',
    { tasks: [{ ...TASK, ports: [] }] },
    ['web_10001', '10_0_0_5_10001 10.0.0.5:10001'],
  ],
  [
    'bridge',
    { networks: [{ mode: 'container/bridge' }], container: { portMappings: MAPPINGS } },
    ['web_10005', '10_0_0_5_31000 10.0.0.5:31000'],
  ],
  [
    'container',
    { networks: [{ mode: 'container' }], container: { portMappings: MAPPINGS } },
    ['web_10005', '10_0_0_5_9_0_0_7_80 9.0.0.7:80'],
  ],
  [
    'container before 1.5',
    { container: { docker: { network: 'USER', portMappings: MAPPINGS } } },
    ['web_10005', '10_0_0_5_9_0_0_7_80 9.0.0.7:80'],
  ],
  [
    'address per task before 1.5',
    { ipAddress: { discovery: { ports: [{ number: 8080 }] } } },
    ['web_10001', '10_0_0_5_9_0_0_7_8080 9.0.0.7:8080'],
  ],
  [
    'container without a service port',
    { networks: [{ mode: 'container' }], portDefinitions: null, container: { portMappings: noMappingPort } },
    ['web_10071', '10_0_0_5_9_0_0_7_80 9.0.0.7:80'],
  ],
  [
    'container, task still without an address',
    {
      networks: [{ mode: 'container' }],
      container: { portMappings: MAPPINGS },
      tasks: [{ ...TASK, ipAddresses: [] }],
    },
    [],
  ],
])('network %s', (_name, more, expected) => {
  expect(placed(more)).toEqual(expected);
});

test('assigned ports come from a hash, and are the lowest free one when the range is nearly used up', () => {
  const wide = new PortAssigner({ min: 10050, max: 10100 });
  expect([80, 443, 80].map((port) => wide.portFor('/web', port))).toEqual([10071, 10100, 10071]);

  const narrow = new PortAssigner({ min: 1, max: 3 });
  const ports = [80, 81, 82, 83].map((port) => narrow.portFor('/web', port));
  expect(ports.slice(0, 3).sort()).toEqual([1, 2, 3]);
  expect(ports[3]).toBeUndefined();
});
