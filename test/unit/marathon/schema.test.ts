import { describe, expect, it } from 'vitest';
import { CertathonError } from '../../../src/lib/errors.ts';
import { appSchema } from '../../../src/marathon/app-schema.ts';
import { accept } from '../../../src/marathon/parse.ts';
import { deploymentsSchema, infoSchema, queueSchema } from '../../../src/marathon/schema.ts';

const read = (value: unknown) => accept(appSchema, value, 'app /lb');

/** As Marathon 1.8 writes it. */
const modern = {
  id: '/marathon-lb',
  container: {
    type: 'DOCKER',
    docker: { image: 'mesosphere/marathon-lb', parameters: [], privileged: true },
    volumes: [],
  },
  instances: 2,
  env: { HAPROXY_SSL_CERT: 'pem', PW: { secret: 's0' } },
  labels: { HAPROXY_GROUP: 'external' },
  networks: [{ mode: 'host' }],
  portDefinitions: [{ port: 443, protocol: 'tcp', name: 'https', labels: {} }],
  requirePorts: true,
  upgradeStrategy: { maximumOverCapacity: 0.2, minimumHealthCapacity: 0.5 },
  executorResources: { cpus: 0.1 },
  version: '2020-01-01T10:00:00.000Z',
  versionInfo: { lastScalingAt: '2020-01-01T10:00:00.000Z', lastConfigChangeAt: '2020-01-01T09:00:00.000Z' },
  deployments: [{ id: 'd1' }],
  tasks: [
    {
      id: 'lb.instance-1._app.1',
      host: '10.0.0.5',
      ports: [443],
      state: 'TASK_RUNNING',
      version: '2020-01-01T10:00:00.000Z',
      ipAddresses: [{ ipAddress: '10.0.0.5', protocol: 'IPv4' }],
      healthCheckResults: [{ alive: true, consecutiveFailures: 0, lastFailure: null }],
    },
    { id: 'lb.instance-2._app.3', host: '10.0.0.6', ports: [], state: 'TASK_FAILED' },
  ],
  constraints: [['hostname', 'UNIQUE']],
};

describe('appSchema', () => {
  it('reads an app of Marathon 1.8', () => {
    expect(read(modern)).toMatchObject({
      id: '/marathon-lb',
      network: 'host',
      image: 'mesosphere/marathon-lb',
      env: { HAPROXY_SSL_CERT: 'pem', PW: { secret: 's0' } },
      deployments: ['d1'],
      portDefinitions: [{ port: 443, name: 'https' }],
      executorResources: { cpus: 0.1 },
      constraints: [['hostname', 'UNIQUE']],
      tasks: [
        { id: 'lb.instance-1._app.1', ipAddresses: ['10.0.0.5'], healthCheckResults: [{ alive: true }] },
        { id: 'lb.instance-2._app.3', state: 'TASK_FAILED', healthCheckResults: [] },
      ],
    });
  });

  it('takes missing, null and empty fields alike', () => {
    const fields = [
      'env',
      'labels',
      'tasks',
      'deployments',
      'portDefinitions',
      'constraints',
      'healthChecks',
    ];
    const nulls = Object.fromEntries(
      [...fields, 'container', 'ipAddress', 'versionInfo'].map((name) => [name, null]),
    );
    const empties = Object.fromEntries(
      fields.map((name) => [name, name === 'env' || name === 'labels' ? {} : []]),
    );
    const bare = read({ id: '/lb' });

    expect(read({ id: '/lb', ...nulls })).toEqual(bare);
    expect(read({ id: '/lb', ...empties })).toEqual(bare);
    expect(bare).toMatchObject({
      env: {},
      labels: {},
      tasks: [],
      deployments: [],
      network: 'host',
      instances: 1,
    });
    expect(bare.executorResources).toBeUndefined();
  });

  it.each([
    ['host, as 1.4 says it', { container: { docker: { network: 'HOST' } }, ports: [443, 9090] }, 'host'],
    ['bridge, as 1.4 says it', { container: { docker: { network: 'BRIDGE' } } }, 'bridge'],
    ['an address of its own, as 1.4 says it', { ipAddress: { networkName: 'dcos' } }, 'container'],
    ['host, where 1.4 leaves the address empty', { ipAddress: {} }, 'host'],
    ['bridge, as 1.5 says it', { networks: [{ mode: 'container/bridge' }] }, 'bridge'],
    [
      'an address of its own, as 1.5 says it',
      { networks: [{ mode: 'container', name: 'dcos' }] },
      'container',
    ],
  ])('knows the network: %s', (_name, fields, network) => {
    expect(read({ id: '/lb', ...fields }).network).toBe(network);
  });

  it('takes port mappings and ports from where 1.4 keeps them', () => {
    const app = read({
      id: '/lb',
      ports: [10_000],
      container: { docker: { network: 'BRIDGE', portMappings: [{ containerPort: 443, hostPort: 0 }] } },
    });

    expect(app.portMappings).toMatchObject([{ containerPort: 443, hostPort: 0 }]);
    expect(app.portDefinitions).toMatchObject([{ port: 10_000 }]);
  });

  it('takes the ports that are found by the address of a task', () => {
    const ports = [{ number: 80, name: 'http', protocol: 'tcp' }, { name: 'without a number' }];

    expect(
      read({ id: '/web', ipAddress: { networkName: 'dcos', discovery: { ports } } }).discoveryPorts,
    ).toEqual([80]);
    expect(read({ id: '/web', ipAddress: { networkName: 'dcos', discovery: null } }).discoveryPorts).toEqual(
      [],
    );
  });

  it('hands the environment over as the very object that was read', () => {
    const env = JSON.parse('{"B":"1","A":{"secret":"s","more":1},"__proto__":"odd"}') as unknown;

    expect(JSON.stringify(read({ id: '/lb', env }).env)).toBe(JSON.stringify(env));
  });

  it('takes a task without a state as running once it has started', () => {
    const tasks = [{ id: 'a', startedAt: '2020-01-01T10:00:00.000Z' }, { id: 'b' }];

    expect(read({ id: '/lb', tasks }).tasks.map(({ state }) => state)).toEqual([
      'TASK_RUNNING',
      'TASK_STAGING',
    ]);
  });

  it.each([
    ['arguments', { args: ['sse', '--group', 'external'] }, ['sse', '--group', 'external'], undefined],
    ['a command that is a whole script', { args: null, cmd: 'x'.repeat(9_000) }, [], 'x'.repeat(9_000)],
    ['neither', {}, [], undefined],
  ])('reads what an app is told: %s', (_what, fields, args, cmd) => {
    const app = read({ id: '/lb', ...fields });

    expect(app.args).toEqual(args);
    expect(app.cmd).toBe(cmd);
  });

  it('reads what readiness checks said, with the status alone of the answer', () => {
    const readinessCheckResults = [
      {
        name: 'ready',
        taskId: 'a',
        ready: false,
        lastResponse: { status: 503, contentType: 'text/plain', body: 'x'.repeat(9_000) },
      },
      { taskId: 'b', ready: true, lastResponse: null },
    ];

    expect(read({ id: '/lb', readinessCheckResults }).readinessCheckResults).toEqual([
      { name: 'ready', taskId: 'a', ready: false, lastResponse: { status: 503 } },
      { name: 'readinessCheck', taskId: 'b', ready: true, lastResponse: undefined },
    ]);
  });

  it('names app, field and value of what it refuses', () => {
    const error = failure(() => read({ id: '/lb', instances: 'two', tasks: [{ id: 'a', ports: [70_000] }] }));

    expect(error.code).toBe('MARATHON_ANSWER_INVALID');
    expect(error.message).toMatch(/^Marathon describes app \/lb unusably: /);
    expect(error.message).toMatch(/instances: .*\("two"\)/);
    expect(error.message).toMatch(/tasks\.0\.ports\.0: .*\(70000\)/);
  });

  it('never shows a value of env or labels', () => {
    const error = failure(() =>
      read({ id: '/lb', env: { KEY: 'hush-1', N: 123_456 }, labels: { L: 654_321 } }),
    );

    expect(error.message).toContain('env.N: expected text or a secret reference');
    expect(error.message).toContain('labels.L: ');
    expect(error.message).not.toMatch(/hush|123|654/);
  });

  it.each([[null], ['text'], [[]], [7]])('refuses %j as a whole', (value) => {
    expect(failure(() => read(value)).message).toContain('the whole answer: ');
  });
});

describe('other answers', () => {
  it('reads deployments of all versions', () => {
    const found = accept(
      deploymentsSchema,
      [
        {
          id: 'd1',
          version: 'v',
          affectedApps: ['/lb'],
          affectedPods: [],
          steps: [{ actions: [{ action: 'RestartApplication', app: '/lb' }] }],
          currentActions: [{ action: 'RestartApplication', app: '/lb', readinessCheckResults: [] }],
          currentStep: 1,
          totalSteps: 1,
        },
        { id: 'd2', currentActions: null },
      ],
      'its deployments',
    );

    expect(found).toEqual([
      {
        id: 'd1',
        version: 'v',
        affectedApps: ['/lb'],
        currentActions: [{ action: 'RestartApplication', app: '/lb' }],
        currentStep: 1,
        totalSteps: 1,
      },
      { id: 'd2', version: '', affectedApps: [], currentActions: [], currentStep: 0, totalSteps: 0 },
    ]);
  });

  it('reads the queue, in milliseconds and with the reasons that count', () => {
    const queue = [
      {
        app: { id: '/lb' },
        count: 1,
        delay: { timeLeftSeconds: 12, overdue: false },
        since: 'ts',
        processedOffersSummary: {
          rejectSummaryLastOffers: [
            { reason: 'InsufficientPorts', declined: 2, processed: 2 },
            { reason: 'UnfulfilledRole', declined: 0, processed: 2 },
          ],
        },
      },
      { pod: { id: '/pod' }, count: 1, delay: { timeLeftSeconds: 0, overdue: true } },
    ];

    expect(accept(queueSchema, { queue }, 'its queue')).toEqual([
      {
        appId: '/lb',
        count: 1,
        delayMs: 12_000,
        overdue: false,
        since: 'ts',
        rejections: [{ reason: 'InsufficientPorts', declined: 2, processed: 2 }],
      },
    ]);
  });

  it('reads the info of a Marathon without a leader', () => {
    expect(
      accept(infoSchema, { version: '1.8.222', leader: null, marathon_config: {} }, 'itself'),
    ).toMatchObject({
      version: '1.8.222',
      leader: undefined,
      marathon_config: { features: [] },
    });
  });
});

function failure(action: () => unknown): CertathonError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(CertathonError);
    return error as CertathonError;
  }
  throw new Error('It did not fail');
}
