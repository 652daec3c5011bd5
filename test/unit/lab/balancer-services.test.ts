import { describe, expect, test } from 'vitest';
import type { GeneratedConfig } from '../../../src/lab/balancer/config.ts';
import { app, generate, http, section } from './balancer-builder.ts';

describe('8.5 templates by label', () => {
  test('{placeholders} are filled, doubled braces are braces, CRLF becomes LF', () => {
    const labels = {
      HAPROXY_0_VHOST: 'a.com',
      HAPROXY_0_HTTP_FRONTEND_ACL: '  # {backend} {hostname} {cleanedUpHostname} {appId} {{x}}\r\n',
    };

    expect(http(generate([app('/w', 10001, labels)]))).toEqual(['  # w_10001 a.com a_com_w /w {x}']);
  });

  test.each([
    ['an unknown placeholder', '{nonsense}', "KeyError: 'nonsense'"],
    ['a placeholder of another template', '{path}', "KeyError: 'path'"],
    ['a lonely brace', 'x } y', "Single '}' encountered"],
  ])('%s stops the generation for all apps', (_name, text, message) => {
    const broken = app('/w', 10001, { HAPROXY_0_VHOST: 'a.com', HAPROXY_0_HTTP_FRONTEND_ACL: text });

    expect(() => generate([app('/good', 10002), broken])).toThrow(message);
  });

  test.each([
    ['HAPROXY_0_AUTH', 'realm:user'],
    ['HAPROXY_0_AUTH', 'realm:user:a:b'],
    ['HAPROXY_0_BACKEND_WEIGHT', 'many'],
    ['HAPROXY_0_PORT', ''],
    ['HAPROXY_DEPLOYMENT_GROUP', ''],
  ])('%s=%s stops the generation for all apps', (name, value) => {
    expect(() => generate([app('/good', 10002), app('/w', 10001, { [name]: value })])).toThrow();
  });
});

describe('8.3 groups, strict mode, apps without servers', () => {
  const names = (config: GeneratedConfig): string[] =>
    [...config.text.matchAll(/^backend (\S+)/gm)].map(([, name]) => name ?? '');

  test.each<[string, Record<string, string>, string[], string[]]>([
    ['the group of the app', { HAPROXY_GROUP: 'external' }, ['external'], ['w_10001']],
    ['one of a comma list', { HAPROXY_GROUP: 'internal,external' }, ['external'], ['w_10001']],
    ['another group', { HAPROXY_GROUP: 'internal' }, ['external'], []],
    [
      'the group of the port wins',
      { HAPROXY_0_GROUP: 'external', HAPROXY_GROUP: 'x' },
      ['external'],
      ['w_10001'],
    ],
    [
      'the group of the port wins against',
      { HAPROXY_0_GROUP: 'x', HAPROXY_GROUP: 'external' },
      ['external'],
      [],
    ],
    ['* takes everything', { HAPROXY_GROUP: 'internal' }, ['*'], ['w_10001']],
    ['a disabled port', { HAPROXY_GROUP: 'external', HAPROXY_0_ENABLED: 'no' }, ['external'], []],
  ])('%s', (_name, labels, groups, expected) => {
    expect(names(generate([{ ...app('/w', 10001), labels }], { groups }))).toEqual(expected);
  });

  test('an app without any group is taken by * only', () => {
    const lonely = { ...app('/w', 10001), labels: {} };

    expect(names(generate([lonely]))).toEqual([]);
    expect(names(generate([lonely], { groups: ['*'] }))).toEqual(['w_10001']);
  });

  test('strict mode takes only ports that say so', () => {
    const apps = [app('/no', 10001), app('/yes', 10002, { HAPROXY_0_ENABLED: 'Yes' })];

    expect(names(generate(apps, {}, { strict: true }))).toEqual(['yes_10002']);
  });

  test('an app without servers leaves no trace', () => {
    const empty = app('/empty', 10001, { HAPROXY_0_VHOST: 'a.com' }, { tasks: [] });

    expect(generate([empty]).text).toBe(generate([]).text);
  });

  test('without ports 80 and 443 the rest stays', () => {
    const config = generate([app('/w', 10001, { HAPROXY_0_VHOST: 'a.com' })], { bindsHttpAndHttps: false });

    expect(config.text).not.toMatch(/marathon_https?_in/);
    expect(config.text).toContain('frontend marathon_http_appid_in');
    expect(names(config)).toEqual(['w_10001']);
  });
});

describe('8.19 which tasks become servers', () => {
  const healthChecks = [
    {
      protocol: 'HTTP',
      path: '/health',
      portIndex: 0,
      intervalSeconds: 5,
      timeoutSeconds: 2,
      gracePeriodSeconds: 60,
      maxConsecutiveFailures: 2,
    },
  ];
  const alive = { alive: true };
  const dead = { alive: false };
  const serverLines = (
    task: object,
    lastHealth = new Map<string, boolean>(),
    checks: typeof healthChecks = healthChecks,
  ): number => {
    const task1 = { id: 't', host: '10.0.0.5', state: 'TASK_RUNNING', ports: [31000], ...task };
    const config = generate(
      [app('/w', 10001, {}, { healthChecks: checks, tasks: [task1] })],
      {},
      { lastHealth },
    );
    return section(config, 'backend w_10001').filter((line) => line.startsWith('  server ')).length;
  };

  test.each<[string, object, number]>([
    ['one alive result suffices', { healthCheckResults: [dead, alive] }, 1],
    ['none alive', { healthCheckResults: [dead] }, 0],
    ['an empty list', { healthCheckResults: [] }, 0],
    ['no list and nothing known', {}, 0],
    ['no host', { host: '', healthCheckResults: [alive] }, 0],
    ['a host that does not resolve', { host: 'nowhere.example', healthCheckResults: [alive] }, 0],
    ['no state', { state: undefined, healthCheckResults: [alive] }, 1],
    ['no ports', { ports: [], healthCheckResults: [alive] }, 1],
    ...['LOST', 'UNREACHABLE'].map((state): [string, object, number] => [
      state,
      { state: `TASK_${state}`, healthCheckResults: [alive] },
      1,
    ]),
    ...['STAGING', 'STARTING', 'KILLING', 'UNKNOWN', 'KILLED', 'FINISHED', 'FAILED', 'GONE'].map(
      (state): [string, object, number] => [
        state,
        { state: `TASK_${state}`, healthCheckResults: [alive] },
        0,
      ],
    ),
  ])('%s', (_name, task, count) => {
    expect(serverLines(task)).toBe(count);
  });

  test('without a list the last known result of that task counts', () => {
    const known = new Map<string, boolean>();
    serverLines({ healthCheckResults: [alive] }, known);

    expect(serverLines({}, known)).toBe(1);
  });

  test('an app without health checks needs no results', () => {
    expect(serverLines({}, new Map(), [])).toBe(1);
  });

  test('checks go into the backend and its servers', () => {
    const config = generate([
      app(
        '/w',
        10001,
        {},
        {
          healthChecks,
          tasks: [{ id: 't', host: '10.0.0.5', ports: [31184], healthCheckResults: [alive] }],
        },
      ),
    ]);

    expect(section(config, 'backend w_10001')).toEqual([
      'backend w_10001',
      '  balance roundrobin',
      '  mode http',
      '  option forwardfor',
      '  http-request set-header X-Forwarded-Port %[dst_port]',
      '  http-request add-header X-Forwarded-Proto https if { ssl_fc }',
      '  option  httpchk GET /health',
      '  timeout check 2s',
      '  server 10_0_0_5_31184 10.0.0.5:31184 id 22175 check inter 5s fall 3',
    ]);
  });
});

describe('8.2 names', () => {
  const server = (config: GeneratedConfig, backend: string): string[] =>
    section(config, `backend ${backend}`).filter((line) => line.startsWith('  server '));

  test('a host that is no address gives both', () => {
    const task = { id: 't', host: 'agent-1.example', ports: [31184] };

    expect(server(generate([app('/w', 10001, {}, { tasks: [task] })]), 'w_10001')[0]).toMatch(
      /^ {2}server agent-1_example_10_0_0_7_31184 10\.0\.0\.7:31184 id \d+$/,
    );
  });

  test.each([
    ['nginx', 'nginx_10001'],
    ['/nginx', 'nginx_10001'],
    ['/prod/web', 'prod_web_10001'],
  ])('deployment group %s gives backend %s', (group, backend) => {
    const config = generate([app('/w-blue', 10001, { HAPROXY_DEPLOYMENT_GROUP: group })]);

    expect(server(config, backend)).toHaveLength(1);
  });

  test('HAPROXY_0_PORT is bound and named instead of the service port; sticky servers have a cookie', () => {
    const config = generate([app('/prod/web', 10001, { HAPROXY_0_PORT: '80', HAPROXY_0_STICKY: 'true' })]);

    expect(section(config, 'frontend prod_web_80')).toEqual([
      'frontend prod_web_80',
      '  bind *:80',
      '  mode tcp',
      '  use_backend prod_web_80',
    ]);
    expect(server(config, 'prod_web_80')[0]).toMatch(/ id \d+ check cookie [0-9a-f]{10}$/);
  });

  test('MODE beats the health check, and a vhost makes http', () => {
    const mode = (labels: Record<string, string>): string | undefined =>
      section(generate([app('/w', 10001, labels)]), 'backend w_10001')[2];

    expect(mode({})).toBe('  mode tcp');
    expect(mode({ HAPROXY_0_VHOST: 'a.com' })).toBe('  mode http');
    expect(mode({ HAPROXY_0_VHOST: 'a.com', HAPROXY_0_MODE: 'TCP' })).toBe('  mode tcp');
  });

  test('port mappings of a container network give the service ports', () => {
    const bridged = app(
      '/w',
      0,
      {},
      {
        portDefinitions: null,
        networks: [{ mode: 'container/bridge' }],
        container: { portMappings: [{ containerPort: 80, servicePort: 10005 }] },
      },
    );

    expect(server(generate([bridged]), 'w_10005')).toHaveLength(1);
  });
});
