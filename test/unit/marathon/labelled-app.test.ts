import { expect, it } from 'vitest';
import { labelledApp } from '../../../src/marathon/labelled-app.ts';

const PORTS = [{}, {}];

it.each<[string, Record<string, unknown>, number]>([
  ['no port at all', {}, 0],
  ['port definitions', { portDefinitions: PORTS }, 2],
  ['ports of 1.4', { ports: [1, 2, 3] }, 3],
  ['mappings', { container: { portMappings: PORTS } }, 2],
  ['mappings below docker', { container: { docker: { portMappings: PORTS } } }, 2],
  ['an address for each task', { ipAddress: { discovery: { ports: PORTS } } }, 2],
  ['null for all that is unset', { portDefinitions: null, ports: null, container: null, ipAddress: null }, 0],
])('labelledApp() counts ports with %s', (_what, fields, portCount) => {
  expect(labelledApp({ id: '/a', ...fields })).toEqual({ id: '/a', labels: {}, portCount });
});

it('labelledApp() keeps the labels that tell marathon-lb or us something', () => {
  const labels = {
    ...{ HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: 'a.example.com', CERTATHON_0_DOMAIN: 'a.example.com' },
    MARATHON_ACME_0_DOMAIN: 'b.example.com',
  };

  expect(labelledApp({ id: '/a', labels: { ...labels, TEAM: 'shop', haproxy_x: 'y' } })?.labels).toEqual(
    labels,
  );
  expect(labelledApp({ id: '/a', labels: null })?.labels).toEqual({});
});

it.each<[string, unknown]>([
  ['no object', 'app'],
  ['a list', []],
  ['null', null],
  ['no id', { labels: {} }],
  ['an id without end', { id: 'a'.repeat(5_000) }],
  ['a label that is no text', { id: '/a', labels: { TEAM: 5 } }],
  ['labels that are a list', { id: '/a', labels: [] }],
  ['ports that are no list', { id: '/a', ports: {} }],
])('labelledApp() leaves out %s', (_what, value) => {
  expect(labelledApp(value)).toBeUndefined();
});
