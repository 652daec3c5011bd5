import { describe, expect, test } from 'vitest';
import type { ApiError } from '../../../src/lab/marathon/api-error.ts';
import { dialectOf } from '../../../src/lab/marathon/dialect.ts';
import { completeApp, mergeApp } from '../../../src/lab/marathon/normalize.ts';
import { readApp } from '../../../src/lab/marathon/read-app.ts';
import { viewOldDefinition } from '../../../src/lab/marathon/view-old-app.ts';

const OLD = dialectOf('1.4.14');
const NEW = dialectOf('1.11.24');

const docker = (change: object) => ({ type: 'DOCKER', docker: { image: 'x', ...change } });
const mapping = { containerPort: 80, hostPort: 0, servicePort: 10_000 };

/** What an app is after it was created, or changed, by a body in the JSON of 1.4. */
const created = (body: object, dialect = OLD) =>
  completeApp('/app', readApp({ cmd: 'sleep 1', ...body }, dialect, true), dialect);
const changed = (first: object, change: object) => mergeApp(created(first), readApp(change, OLD, false), OLD);

/** Status and reasons of a refusal. */
function refusalOf(read: () => unknown): unknown {
  try {
    read();
  } catch (error) {
    const { status, body } = error as ApiError;
    const { details } = body as { details: { path: string; errors: string[] }[] };
    return [status, ...details.map(({ path, errors }) => `${path}: ${errors.join()}`)];
  }
  return 'accepted';
}

describe('networks in the JSON of 1.4', () => {
  test.each([
    ['nothing', {}, [{ mode: 'host' }]],
    ['network HOST', { container: docker({ network: 'HOST' }) }, [{ mode: 'host' }]],
    ['network NONE', { container: docker({ network: 'NONE' }) }, [{ mode: 'host' }]],
    ['network BRIDGE', { container: docker({ network: 'BRIDGE' }) }, [{ mode: 'container/bridge' }]],
    ['network USER', { container: docker({ network: 'USER' }) }, [{ mode: 'container' }]],
    [
      'network USER with a name',
      { container: docker({ network: 'USER' }), ipAddress: { networkName: 'dcos' } },
      [{ mode: 'container', name: 'dcos' }],
    ],
    [
      'an address alone',
      { ipAddress: { networkName: 'dcos', discovery: { ports: [{ number: 80, name: 'http' }] } } },
      [{ mode: 'container', name: 'dcos' }],
    ],
  ])('%s is understood, by 1.11 too', (_name, body, networks) => {
    expect(created(body).networks).toEqual(networks);
    expect(created(body, NEW).networks).toEqual(networks);
  });

  test('ports to be discovered are port mappings', () => {
    const discovery = { ports: [{ number: 80, name: 'http', protocol: 'tcp' }] };

    for (const dialect of [OLD, NEW])
      expect(created({ ipAddress: { discovery } }, dialect).container?.portMappings).toMatchObject([
        { containerPort: 80, name: 'http', protocol: 'tcp' },
      ]);
  });

  test('a container that replaces another one brings its network along', () => {
    const bridge = { container: docker({ network: 'BRIDGE', portMappings: [mapping] }) };

    expect(changed(bridge, { container: docker({ network: 'HOST' }) }).networks).toEqual([{ mode: 'host' }]);
    expect(changed({}, bridge).networks).toEqual([{ mode: 'container/bridge' }]);
    expect(changed(bridge, { env: { A: '1' } }).networks).toEqual([{ mode: 'container/bridge' }]);
  });

  test('networks and port mappings of 1.5 mean nothing', () => {
    const app = created({
      networks: [{ mode: 'container/bridge' }],
      container: { ...docker({}), portMappings: [mapping] },
    });

    expect(app.networks).toEqual([{ mode: 'host' }]);
    expect(app.container?.portMappings).toBeUndefined();
  });
});

describe('contradictions', () => {
  const uris = 'You cannot specify both uris and fetch fields';
  const ports = 'You cannot specify both ports and port definitions';

  test.each([
    ['uris and fetch', { uris: ['a'], fetch: [{ uri: 'b' }] }, true, [400, `: ${uris}`]],
    ['both empty in a new app', { uris: [], fetch: [] }, true, 'accepted'],
    ['both empty in an update', { uris: [], fetch: [] }, false, [400, `: ${uris}`]],
    ['one of them null', { uris: ['a'], fetch: null }, false, 'accepted'],
    ['other ports', { ports: [1], portDefinitions: [{ port: 2 }] }, false, [400, `: ${ports}`]],
    ['more ports', { ports: [1, 2], portDefinitions: [{ port: 1 }] }, true, [400, `: ${ports}`]],
    ['the same ports', { ports: [1], portDefinitions: [{ port: 1 }] }, false, 'accepted'],
    [
      'an address and ports',
      { ipAddress: {}, ports: [1] },
      true,
      [400, ': You cannot specify both an IP address and ports'],
    ],
    [
      'an unknown network',
      { container: docker({ network: 'FLAT' }) },
      false,
      [400, '/container/docker/network: FLAT is not a valid network type'],
    ],
    [
      "mappings without docker's engine",
      { container: { type: 'MESOS', docker: { image: 'x', portMappings: [mapping] } } },
      true,
      [400, '/container/portMappings: Mesos Containerizer does not support portMappings'],
    ],
    ['no image', { container: { volumes: [] } }, true, [400, '/container: docker must not be empty']],
    ['a wrong type', { instances: 'two' }, false, [400, '/instances: error.expected.jsnumber']],
    ['no list', { uris: 'a' }, false, [400, '/uris: error.expected.jsarray']],
  ])('1.4 meets %s', (_name, body, isWhole, expected) => {
    expect(refusalOf(() => readApp(body, OLD, isWhole))).toEqual(expected);
  });

  test.each([
    [
      'uris and fetch',
      { uris: ['a'], fetch: [{ uri: 'b' }] },
      [422, '/uris: may not be set in conjunction with fetch'],
    ],
    ['both empty', { uris: [], fetch: [] }, 'accepted'],
    [
      'other ports',
      { ports: [1], portDefinitions: [{ port: 2 }] },
      [422, '/: cannot specify both ports and port definitions'],
    ],
    [
      'both kinds of network',
      { networks: [{ mode: 'host' }], container: docker({ network: 'HOST' }) },
      [422, '/: must not specify both container.docker.network and networks'],
    ],
    [
      'an address and networks',
      { networks: [{ mode: 'container' }], ipAddress: {} },
      [422, '/: must not specify both networks and ipAddress'],
    ],
  ])('1.11 meets %s', (_name, body, expected) => {
    expect(refusalOf(() => readApp(body, NEW, false))).toEqual(expected);
  });
});

describe('viewOldDefinition()', () => {
  test('writes every field, and null where nothing is set', () => {
    const view = viewOldDefinition(created({ portDefinitions: [{ port: 10_000, name: 'http' }] }));

    expect(view).toEqual({
      id: '/app',
      cmd: 'sleep 1',
      args: null,
      user: null,
      env: {},
      instances: 1,
      cpus: 1,
      mem: 128,
      disk: 0,
      gpus: 0,
      executor: '',
      constraints: [],
      uris: [],
      fetch: [],
      storeUrls: [],
      backoffSeconds: 1,
      backoffFactor: 1.15,
      maxLaunchDelaySeconds: 3600,
      container: null,
      healthChecks: [],
      readinessChecks: [],
      dependencies: [],
      upgradeStrategy: { maximumOverCapacity: 1, minimumHealthCapacity: 1 },
      labels: {},
      ipAddress: null,
      residency: null,
      secrets: {},
      taskKillGracePeriodSeconds: null,
      unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
      killSelection: 'YOUNGEST_FIRST',
      ports: [10_000],
      portDefinitions: [{ port: 10_000, protocol: 'tcp', name: 'http', labels: {} }],
      requirePorts: false,
      version: '',
      versionInfo: { lastScalingAt: '', lastConfigChangeAt: '' },
    });
  });

  test('shows a bridge in the docker container, its service ports as ports, and uris beside fetch', () => {
    const container = docker({ network: 'BRIDGE', portMappings: [mapping], privileged: true });

    expect(viewOldDefinition(created({ container, uris: ['http://files/x'] }))).toMatchObject({
      container: {
        type: 'DOCKER',
        volumes: [],
        docker: {
          image: 'x',
          network: 'BRIDGE',
          portMappings: [{ ...mapping, protocol: 'tcp', labels: {} }],
          privileged: true,
          parameters: [],
          forcePullImage: false,
        },
      },
      ports: [10_000],
      portDefinitions: [{ port: 10_000, protocol: 'tcp', labels: {} }],
      uris: ['http://files/x'],
      fetch: [{ uri: 'http://files/x', extract: true, executable: false, cache: false }],
    });
  });

  test('shows an address of its own, and then no ports', () => {
    const view = viewOldDefinition(created({ ipAddress: { networkName: 'dcos' } }));

    expect(view.ipAddress).toEqual({ groups: [], labels: {}, discovery: { ports: [] }, networkName: 'dcos' });
    for (const field of ['ports', 'portDefinitions', 'requirePorts', 'networks'])
      expect(view).not.toHaveProperty(field);
  });

  test.each([
    ['HTTP', ['ignoreHttp1xx']],
    ['TCP', []],
    ['MESOS_TCP', ['delaySeconds']],
    ['COMMAND', ['delaySeconds']],
  ])('shows of a %s check only what its kind knows', (protocol, own) => {
    const command = protocol === 'COMMAND' ? { command: { value: 'true' } } : {};
    const [check = {}] = viewOldDefinition(created({ healthChecks: [{ protocol, ...command }] }))
      .healthChecks as object[];

    const seldom = ['delaySeconds', 'ignoreHttp1xx', 'ipProtocol'];
    expect(Object.keys(check).filter((field) => seldom.includes(field))).toEqual(own);
  });

  test('what it shows of a bridge means the same when it is sent back', () => {
    const container = docker({ network: 'BRIDGE', portMappings: [mapping] });
    const { uris: _both, version: _alone, ...view } = viewOldDefinition(created({ container }));

    expect(changed({ container }, view)).toEqual(created({ container }));
  });
});
