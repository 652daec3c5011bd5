import { describe, expect, it } from 'vitest';
import { type App, appSchema } from '../../../src/marathon/app-schema.ts';
import { appOf, readDefinition } from '../../../src/rollout/definition.ts';
import { nextColour } from '../../../src/rollout/next-colour.ts';
import { type PreflightInput, preflight } from '../../../src/rollout/preflight.ts';
import { definitionJson, greenApp, labels } from '../../support/rollout-apps.ts';

/** The next colour of the green app, from the JSON with these changes. */
function nextOf(changes: Record<string, unknown> = {}, last: App | undefined = greenApp()): App {
  const { definition } = readDefinition(
    JSON.stringify(definitionJson(changes)),
    'x',
    new Set(['no-health-checks']),
  );
  const nowMs = Date.UTC(2026, 0, 1);
  return appOf(nextColour({ definition, last, target: 3, newInstances: 0, initialInstances: 1, nowMs }));
}
const input = (changes: Partial<PreflightInput> = {}): PreflightInput => ({
  next: nextOf(),
  last: greenApp(),
  apps: [greenApp()],
  accept: new Set(),
  ...changes,
});
const found = (changes: Partial<PreflightInput> = {}) =>
  preflight(input(changes)).map(({ level, code, sentence }) => [level, code, sentence]);
const other = (json: Record<string, unknown>): App =>
  appSchema.parse({ id: '/other', labels: { HAPROXY_GROUP: 'external' }, ...json });
const balancer = (changes: object = {}) => ({
  id: '/marathon-lb',
  groups: ['external'] as string[] | 'all',
  checksHealth: true,
  ...changes,
});
const bridge = (servicePort: number, more: object = {}) => ({
  networks: [{ mode: 'container/bridge' }],
  container: { portMappings: [{ containerPort: 8080, servicePort, ...more }] },
});
const unlabelled = (name: string) => greenApp({}, { [name]: undefined });
const relabelled = (name: string, value: string) => greenApp({}, { [name]: value });
const labelled = (changes: Record<string, unknown>) => nextOf({ labels: labels(changes) });

describe('preflight()', () => {
  it('has nothing to say of an app that can be rolled out', () => {
    expect(preflight(input())).toEqual([]);
    expect(preflight(input({ balancers: [balancer()] }))).toEqual([]);
    expect(preflight(input({ last: undefined, next: nextOf({}, undefined), apps: [] }))).toEqual([]);
  });

  it.each<[string, Partial<PreflightInput>, unknown[]]>([
    [
      'an old colour without health checks',
      { last: greenApp({ healthChecks: [] }) },
      ['refuse', 'no-health-checks', '/nginx-green has no health check'],
    ],
    [
      'a new colour without health checks',
      { next: nextOf({ healthChecks: [] }) },
      ['refuse', 'no-health-checks', '/nginx-blue has no health check'],
    ],
    [
      'a time that is none',
      { last: relabelled('HAPROXY_DEPLOYMENT_STARTED_AT', 'soon') },
      ['refuse', 'started-at-unreadable', 'of /nginx-green is no time: "soon"; marathon-lb would stop'],
    ],
    [
      'a time with a zone',
      { last: relabelled('HAPROXY_DEPLOYMENT_STARTED_AT', '2026-01-01T00:00:00Z') },
      ['refuse', 'started-at-zone', 'of /nginx-green has a time zone'],
    ],
    [
      'a split in words',
      { last: relabelled('HAPROXY_DEPLOYMENT_NEW_INSTANCES', 'some') },
      ['refuse', 'new-instances-unreadable', 'of /nginx-green is no number: "some"'],
    ],
    [
      'no target',
      { last: unlabelled('HAPROXY_DEPLOYMENT_TARGET_INSTANCES') },
      ['refuse', 'no-target', '/nginx-green has no HAPROXY_DEPLOYMENT_TARGET_INSTANCES'],
    ],
    [
      'a target in words',
      { last: relabelled('HAPROXY_DEPLOYMENT_TARGET_INSTANCES', 'ten') },
      ['refuse', 'no-target', '/nginx-green has no HAPROXY_DEPLOYMENT_TARGET_INSTANCES'],
    ],
    [
      'no target, which is accepted',
      { last: unlabelled('HAPROXY_DEPLOYMENT_TARGET_INSTANCES'), accept: new Set(['no-target']) },
      ['warn', 'no-target', '/nginx-green'],
    ],
    [
      'no health checks, which is accepted',
      { next: nextOf({ healthChecks: [] }), accept: new Set(['no-health-checks']) },
      ['warn', 'no-health-checks', '/nginx-blue'],
    ],
    [
      'a deployment of the old colour',
      { last: greenApp({ deployments: [{ id: 'd1' }] }) },
      ['wait', 'locked', "/nginx-green is held by Marathon's deployment d1"],
    ],
    [
      'an app of that id elsewhere',
      { apps: [other({ id: '/nginx-blue', ports: [] })] },
      ['refuse', 'id-taken', '/nginx-blue is there already'],
    ],
    [
      'readiness checks',
      { next: nextOf({ readinessChecks: [{}] }) },
      ['warn', 'readiness', 'marathon-lb does not look at readiness checks'],
    ],
    [
      'a health check of a port that is not there',
      { next: nextOf({ healthChecks: [{ protocol: 'HTTP' }, { protocol: 'TCP', portIndex: 1 }] }) },
      ['refuse', 'port-index', 'Health check 1 of /nginx-blue asks for the port with index 1, and it has 1'],
    ],
  ])('tells of %s', (_what, changes, [level, code, sentence]) => {
    expect(found(changes)).toEqual([[level, code, expect.stringContaining(sentence as string)]]);
  });

  it.each<[string, Partial<PreflightInput>]>([
    ['a check of a fixed port', { next: nextOf({ healthChecks: [{ port: 9_000, portIndex: 7 }] }) }],
    ['a command for a check', { next: nextOf({ healthChecks: [{ protocol: 'COMMAND', portIndex: 7 }] }) }],
    ['tcp mode', { next: labelled({ HAPROXY_0_MODE: 'tcp' }) }],
    ['constraints', { next: nextOf({ constraints: [['hostname', 'UNIQUE']] }) }],
    ['apps of the group itself', { apps: [greenApp(), nextOf()] }],
    ['the group in its other spelling', { apps: [relabelled('HAPROXY_DEPLOYMENT_GROUP', '/nginx')] }],
    ['labels of the old colour at the first time', { last: undefined, apps: [] }],
  ])('says nothing of %s', (_what, changes) => {
    expect(found(changes)).toEqual([]);
  });

  it('tells first what refuses, then what is to be waited for, then the rest', () => {
    const last = greenApp({ deployments: [{ id: 'd1' }] }, { HAPROXY_DEPLOYMENT_STARTED_AT: 'soon' });

    const levels = found({ last, next: nextOf({ readinessChecks: [{}] }) }).map(([level]) => level);

    expect(levels).toEqual(['refuse', 'wait', 'warn']);
  });
});

describe('preflight() of the way from the balancers', () => {
  const noGroup = { HAPROXY_GROUP: null };
  const ungrouped = { next: labelled(noGroup), last: unlabelled('HAPROXY_GROUP') };
  it.each<[string, Partial<PreflightInput>, unknown[][]]>([
    [
      'no group',
      ungrouped,
      [['refuse', 'no-group', '/nginx-blue has no HAPROXY_GROUP: no balancer takes it']],
    ],
    [
      'no group beside balancers with groups',
      { ...ungrouped, balancers: [balancer()] },
      [['refuse', 'no-group', 'no balancer takes it']],
    ],
    [
      'no group beside a balancer that takes all',
      { ...ungrouped, balancers: [balancer({ groups: 'all' })] },
      [],
    ],
    ['a group of the port alone', { next: labelled({ ...noGroup, HAPROXY_0_GROUP: 'external' }) }, []],
    [
      'the same groups in another order',
      { next: labelled({ HAPROXY_GROUP: 'b, a' }), last: relabelled('HAPROXY_GROUP', 'a,b') },
      [],
    ],
    [
      'another group',
      { next: labelled({ HAPROXY_GROUP: 'internal' }) },
      [['refuse', 'group-differs', 'The balancer groups of port 0 change from external to internal']],
    ],
    [
      'a group more',
      { next: labelled({ HAPROXY_GROUP: 'external,internal' }) },
      [['refuse', 'group-differs', 'from external to external, internal']],
    ],
    [
      'a group that only comes',
      { last: unlabelled('HAPROXY_GROUP') },
      [['refuse', 'group-differs', 'from none to external']],
    ],
    [
      'a port that is switched off',
      { next: labelled({ HAPROXY_0_ENABLED: 'false' }) },
      [['refuse', 'not-enabled', 'No port of /nginx-blue is enabled']],
    ],
    ['a port that is switched on', { next: labelled({ HAPROXY_0_ENABLED: 'Yes' }) }, []],
    [
      'balancers of another group',
      { balancers: [balancer({ id: '/lb-in', groups: ['internal'] })] },
      [['refuse', 'no-balancer', 'No balancer takes the group external of /nginx-blue (/lb-in)']],
    ],
    ['no balancer at all', { balancers: [] }, [['refuse', 'no-balancer', '(none is known)']]],
    [
      'a balancer that ignores health',
      { balancers: [balancer({ checksHealth: false })] },
      [['warn', 'health-ignored', '/marathon-lb runs without --health-check']],
    ],
    [
      'a balancer of another group that does',
      { balancers: [balancer(), balancer({ groups: ['x'], checksHealth: false })] },
      [],
    ],
  ])('judges %s', (_what, changes, expected) => {
    expect(found(changes)).toEqual(
      expected.map(([level, code, text]) => [level, code, expect.stringContaining(text as string)]),
    );
  });

  it('compares the groups of every port that both have', () => {
    const two = { container: { portMappings: [{ servicePort: 10000 }, { servicePort: 10002 }] } };
    const last = greenApp(two, { HAPROXY_1_GROUP: 'internal' });

    expect(found({ last, next: nextOf(two, last) })).toEqual([
      ['refuse', 'group-differs', expect.stringContaining('of port 1 change from internal to external')],
    ]);
    expect(found({ last, next: nextOf({}, last) })).toEqual([]);
  });

  it.each<[string, Record<string, string>, object[], boolean]>([
    ['ports of two groups', { HAPROXY_1_GROUP: 'internal' }, [], true],
    [
      'ports of two groups, each with its balancers',
      { HAPROXY_1_GROUP: 'internal' },
      [balancer(), balancer({ id: '/lb-in', groups: ['internal'] })],
      true,
    ],
    [
      'ports of two groups, which the same balancers take',
      { HAPROXY_1_GROUP: 'internal' },
      [balancer({ groups: ['external', 'internal'] })],
      false,
    ],
    [
      'a port of another group that is switched off',
      { HAPROXY_1_GROUP: 'internal', HAPROXY_1_ENABLED: 'false' },
      [],
      false,
    ],
    ['ports of one group', { HAPROXY_0_GROUP: 'external' }, [balancer()], false],
  ])('judges %s', (_what, more, balancers, isRefused) => {
    const json = {
      container: { portMappings: [{ servicePort: 10000 }, { servicePort: 10002 }] },
      labels: labels(more),
    };
    const next = nextOf(json, undefined);
    const known = balancers.length === 0 ? {} : { balancers: balancers as PreflightInput['balancers'] };

    expect(found({ last: undefined, apps: [], next, ...known })).toEqual(
      isRefused
        ? [
            [
              'refuse',
              'ports-apart',
              expect.stringContaining('Different balancers take the ports of /nginx-blue'),
            ],
          ]
        : [],
    );
  });

  const container = (containerPort: number) => ({
    networks: [{ mode: 'container', name: 'dcos' }],
    container: { portMappings: [{ containerPort, servicePort: 10000 }] },
  });
  const host = { networks: [{ mode: 'host' }], container: undefined, portDefinitions: [{ port: 10000 }] };
  it.each<[string, Record<string, unknown>, Record<string, unknown>, unknown[][]]>([
    [
      'from bridge to an address of its own',
      bridge(10000),
      container(80),
      [['refuse', 'network-differs', 'The network changes from bridge to container']],
    ],
    [
      'from an address of its own to host',
      container(80),
      host,
      [['refuse', 'network-differs', 'from container to host']],
    ],
    ['from host to bridge, where both dial the agent', host, bridge(10000), []],
    [
      'the port of an address of its own',
      container(80),
      container(8080),
      [['refuse', 'container-port-differs', 'The container ports change from 80 to 8080']],
    ],
    ['nothing of an address of its own', container(80), container(80), []],
  ])('judges a network that changes %s', (_what, before, after, expected) => {
    const last = greenApp(before);

    expect(found({ last, next: nextOf(after, last) })).toEqual(
      expected.map(([level, code, text]) => [level, code, expect.stringContaining(text as string)]),
    );
  });
});

describe('preflight() of ports', () => {
  const first = { last: undefined, next: nextOf({}, undefined) };
  const taker = other(bridge(10000));
  const refused = [['refuse', 'port-taken', '/other has the frontend port 10000 on the same balancers']];
  it.each<[string, Partial<PreflightInput>, unknown[][]]>([
    ['a frontend port that another app has', { ...first, apps: [taker] }, refused],
    [
      'one that it has by a label',
      {
        ...first,
        apps: [other({ ...bridge(10005), labels: { HAPROXY_GROUP: 'external', HAPROXY_0_PORT: '10000' } })],
      },
      refused,
    ],
    [
      'one that it has had all the time',
      { apps: [taker] },
      [['warn', 'port-taken', '/other has the frontend port 10000']],
    ],
    [
      'one on other balancers',
      { ...first, apps: [other({ ...bridge(10000), labels: { HAPROXY_GROUP: 'internal' } })] },
      [],
    ],
    [
      'one on other groups of one balancer',
      {
        ...first,
        apps: [other({ ...bridge(10000), labels: { HAPROXY_GROUP: 'internal' } })],
        balancers: [balancer({ groups: ['external', 'internal'] })],
      },
      refused,
    ],
    [
      'one of an app without a group beside a balancer that takes all',
      { ...first, apps: [other({ ...bridge(10000), labels: {} })], balancers: [balancer({ groups: 'all' })] },
      refused,
    ],
    [
      'one of a port that is switched off',
      {
        ...first,
        apps: [
          other({ ...bridge(10000), labels: { HAPROXY_GROUP: 'external', HAPROXY_0_ENABLED: 'false' } }),
        ],
      },
      [],
    ],
    [
      'one on another address',
      {
        ...first,
        next: appOf({
          ...readDefinition(
            JSON.stringify(definitionJson({ labels: labels({ HAPROXY_0_BIND_ADDR: '10.0.0.1' }) })),
            'x',
          ).definition,
        }),
        apps: [
          other({ ...bridge(10000), labels: { HAPROXY_GROUP: 'external', HAPROXY_0_BIND_ADDR: '10.0.0.2' } }),
        ],
      },
      [],
    ],
    [
      'the alternative port elsewhere',
      { apps: [other(bridge(10001))] },
      [['warn', 'port-shared', '/other has the service port 10001 too']],
    ],
    [
      'the alternative port elsewhere, at the first time',
      { ...first, apps: [other(bridge(10001))] },
      [['warn', 'port-shared', '10001']],
    ],
    [
      'ports that Marathon still chooses',
      { ...first, next: nextOf(bridge(0), undefined), apps: [other(bridge(0))] },
      [],
    ],
    [
      'many apps with one port',
      {
        ...first,
        apps: Array.from({ length: 7 }, (_, index) => other({ ...bridge(10000), id: `/a${index}` })),
      },
      [['refuse', 'port-taken', '/a0, /a1, /a2, /a3, /a4 and 2 more have the frontend port 10000']],
    ],
  ])('judges %s', (_what, changes, expected) => {
    expect(found(changes)).toEqual(
      expected.map(([level, code, text]) => [level, code, expect.stringContaining(text as string)]),
    );
  });

  const fixedHost = (port: number, requirePorts = true) => ({
    networks: [{ mode: 'host' }],
    container: undefined,
    portDefinitions: [{ port: 10000 }, { port }],
    requirePorts,
  });
  const warning = (port: number) => [
    [
      'warn',
      'host-port-fixed',
      `Both colours want port ${port} of their agent: beside the agents of the 3 tasks of /nginx-green, up to 3 more are needed`,
    ],
  ];
  it.each<[string, Record<string, unknown>, Record<string, unknown>, unknown[][]]>([
    ['wanted by both', fixedHost(8080), fixedHost(8080), warning(8080)],
    ['not required', fixedHost(8080, false), fixedHost(8080, false), []],
    [
      'of which each has another, and with it another frontend',
      fixedHost(8080),
      fixedHost(8081),
      [
        [
          'refuse',
          'front-moves',
          expect.stringContaining('The frontend of port 1 would move from 8080 to 8081'),
        ],
      ],
    ],
    ['mapped by both', bridge(10000, { hostPort: 8080 }), bridge(10000, { hostPort: 8080 }), warning(8080)],
    ['left to Mesos', bridge(10000, { hostPort: 0 }), bridge(10000, { hostPort: 0 }), []],
  ])('judges a port of the agent %s', (_what, before, after, expected) => {
    const last = greenApp(before);

    expect(found({ last, next: nextOf(after, last) })).toEqual(expected);
  });
});
