import { describe, expect, test } from 'vitest';
import { type ConfigRules, type GeneratedConfig, generateConfig } from '../../../src/lab/balancer/config.ts';
import { applyDeploymentGroups } from '../../../src/lab/balancer/groups.ts';
import { stockHead } from '../../../src/lab/balancer/head.ts';
import type { MarathonApp } from '../../../src/lab/balancer/marathon-app.ts';
import { readServices, type ServiceRules } from '../../../src/lab/balancer/services.ts';
import { TEMPLATES } from '../../../src/lab/balancer/templates.ts';

const PATH = '/.well-known/acme-challenge/';
const CATCH_ALL = {
  HAPROXY_0_VHOST: 'acme.internal',
  HAPROXY_0_PATH: PATH,
  HAPROXY_0_BACKEND_WEIGHT: '1000000',
  HAPROXY_0_HTTP_FRONTEND_ACL_WITH_PATH:
    '  acl path_{backend} path_beg {path}\n  http-request set-header X-Acme-Host %[req.hdr(host)] if path_{backend}\n  http-request set-header Host {hostname} if path_{backend}\n  http-request allow if path_{backend}\n  use_backend {backend} if path_{backend}\n',
  HAPROXY_0_HTTPS_FRONTEND_ACL_WITH_PATH:
    '  http-request set-header X-Acme-Host %[req.hdr(host)] if path_{backend}\n  http-request allow if path_{backend}\n  use_backend {backend} if path_{backend}\n',
};

function app(
  id: string,
  port: number,
  labels: Record<string, string> = {},
  more: Partial<MarathonApp> = {},
): MarathonApp {
  return {
    id,
    labels: { HAPROXY_GROUP: 'external', ...labels },
    portDefinitions: [{ port }],
    tasks: [{ id: `${id}.1`, host: '10.0.0.5', state: 'TASK_RUNNING', ports: [31000] }],
    ...more,
  };
}

function generate(
  apps: MarathonApp[],
  rules: Partial<ConfigRules> = {},
  more: Partial<ServiceRules> = {},
): GeneratedConfig {
  const grouped = applyDeploymentGroups(apps);
  const services = readServices(grouped.apps, {
    needsHealth: true,
    strict: false,
    ownName: undefined,
    addresses: new Map([
      ['10.0.0.5', '10.0.0.5'],
      ['agent-1.example', '10.0.0.7'],
    ]),
    lastHealth: new Map(),
    drainingTasks: grouped.drainingTasks,
    ...more,
  });
  return generateConfig(services, {
    head: stockHead(),
    texts: TEMPLATES,
    groups: ['external'],
    certificates: ['/etc/ssl/cert.pem'],
    bindsHttpAndHttps: true,
    mapDirectory: undefined,
    ...rules,
  });
}

/** The lines of one section, without its blank ones. */
function section(config: GeneratedConfig, head: string): string[] {
  const lines = config.text.split('\n');
  const start = lines.indexOf(head);
  if (start === -1) return [];
  const next = lines.findIndex((line, at) => at > start && /^\S/.test(line));
  return lines.slice(start, next === -1 ? undefined : next).filter((line) => line !== '');
}

const http = (config: GeneratedConfig): string[] => section(config, 'frontend marathon_http_in').slice(3);
const https = (config: GeneratedConfig): string[] => section(config, 'frontend marathon_https_in').slice(3);

const listAndPath = app('/acme/sidecar', 10002, { HAPROXY_0_VHOST: 'a.com,b.com', HAPROXY_0_PATH: PATH });

describe('8.4 chunks of ports 80 and 443', () => {
  test('example 1: a list of vhosts with a path stands above the plain owner on both ports', () => {
    const config = generate([app('/web/shop', 10001, { HAPROXY_0_VHOST: 'a.com' }), listAndPath]);

    expect(section(config, 'frontend marathon_http_in')).toEqual([
      'frontend marathon_http_in',
      '  bind *:80',
      '  mode http',
      '  acl path_acme_sidecar_10002 path_beg /.well-known/acme-challenge/',
      '  acl host_a_com_acme_sidecar hdr(host) -i a.com',
      '  acl host_a_com_acme_sidecar hdr(host) -i b.com',
      '  use_backend acme_sidecar_10002 if host_a_com_acme_sidecar path_acme_sidecar_10002',
      '  acl host_a_com_web_shop hdr(host) -i a.com',
      '  use_backend web_shop_10001 if host_a_com_web_shop',
    ]);
    expect(section(config, 'frontend marathon_https_in')).toEqual([
      'frontend marathon_https_in',
      '  bind *:443 ssl crt /etc/ssl/cert.pem',
      '  mode http',
      '  acl path_acme_sidecar_10002 path_beg /.well-known/acme-challenge/',
      '  use_backend acme_sidecar_10002 if { ssl_fc_sni a.com } path_acme_sidecar_10002',
      '  use_backend acme_sidecar_10002 if { ssl_fc_sni b.com } path_acme_sidecar_10002',
      '  use_backend web_shop_10001 if { ssl_fc_sni a.com }',
    ]);
  });

  test('example 2: a redirecting owner of one vhost keeps its use_backend and adds one redirect', () => {
    const shop = app('/web/shop', 10001, { HAPROXY_0_VHOST: 'a.com', HAPROXY_0_REDIRECT_TO_HTTPS: 'true' });

    const lines = http(generate([shop, listAndPath]));

    expect(lines.slice(3)).toEqual([
      '  use_backend acme_sidecar_10002 if host_a_com_acme_sidecar path_acme_sidecar_10002',
      '  acl host_a_com_web_shop hdr(host) -i a.com',
      '  use_backend web_shop_10001 if host_a_com_web_shop',
      '  redirect scheme https code 301 if !{ ssl_fc } host_a_com_web_shop',
    ]);
  });

  test('example 3: of equal weights the smaller app id stands first, and a higher weight moves all its lines', () => {
    const owner = app('/aaa', 10001, { HAPROXY_0_VHOST: 'a.com', HAPROXY_0_PATH: '/' });
    const labels = { HAPROXY_0_VHOST: 'a.com', HAPROXY_0_PATH: PATH };
    const first = [
      '  acl host_a_com_aaa hdr(host) -i a.com',
      '  acl path_aaa_10001 path_beg /',
      '  use_backend aaa_10001 if host_a_com_aaa path_aaa_10001',
    ];
    const second = [
      '  acl host_a_com_sidecar hdr(host) -i a.com',
      '  acl path_sidecar_10002 path_beg /.well-known/acme-challenge/',
      '  use_backend sidecar_10002 if host_a_com_sidecar path_sidecar_10002',
    ];

    const equal = http(generate([app('/sidecar', 10002, labels), owner]));
    const weighted = http(
      generate([app('/sidecar', 10002, { ...labels, HAPROXY_0_BACKEND_WEIGHT: '1000' }), owner]),
    );

    expect(equal).toEqual([...first, ...second]);
    expect(weighted).toEqual([...second, ...first]);
  });

  test('example 4: the catch-all templates stand above an owner with several vhosts, redirect and auth', () => {
    const owner = app('/shop/web', 10001, {
      HAPROXY_0_VHOST: 'a.com,b.com',
      HAPROXY_0_REDIRECT_TO_HTTPS: 'true',
      HAPROXY_0_AUTH: 'realm:user:$5$x',
    });

    const config = generate([owner, app('/acme', 10002, CATCH_ALL)]);

    expect(http(config)).toEqual([
      '  acl path_acme_10002 path_beg /.well-known/acme-challenge/',
      '  http-request set-header X-Acme-Host %[req.hdr(host)] if path_acme_10002',
      '  http-request set-header Host acme.internal if path_acme_10002',
      '  http-request allow if path_acme_10002',
      '  use_backend acme_10002 if path_acme_10002',
      '  acl host_a_com_shop_web hdr(host) -i a.com',
      '  acl host_a_com_shop_web hdr(host) -i b.com',
      '  redirect scheme https code 301 if !{ ssl_fc } host_a_com_shop_web',
    ]);
    const authLines = (host: string): string[] => [
      '  acl auth_a_com_shop_web http_auth(user_shop_web_10001)',
      `  http-request auth realm "realm" if { ssl_fc_sni ${host} } !auth_a_com_shop_web`,
      `  use_backend shop_web_10001 if { ssl_fc_sni ${host} }`,
    ];
    expect(https(config)).toEqual([
      '  acl path_acme_10002 path_beg /.well-known/acme-challenge/',
      '  http-request set-header X-Acme-Host %[req.hdr(host)] if path_acme_10002',
      '  http-request allow if path_acme_10002',
      '  use_backend acme_10002 if path_acme_10002',
      ...authLines('a.com'),
      ...authLines('b.com'),
    ]);
    expect(section(config, 'userlist user_shop_web_10001')).toEqual([
      'userlist user_shop_web_10001',
      '  user user password $5$x',
    ]);
  });

  const V = { HAPROXY_0_VHOST: 'a.com' };
  const VV = { HAPROXY_0_VHOST: 'a.com,b.com' };
  const P = { HAPROXY_0_PATH: '/p' };
  const R = { HAPROXY_0_REDIRECT_TO_HTTPS: 'true' };
  const A = { HAPROXY_0_AUTH: 'r:u:h' };
  const X = 'host_a_com_w';
  const use = '  use_backend w_10001 if';
  const redirect = '  redirect scheme https code 301 if !{ ssl_fc }';
  const sni = (host: string): string => `{ ssl_fc_sni ${host} }`;
  test.each<[string, Record<string, string>, string[], string[]]>([
    [
      'one vhost, path, redirect: no use_backend on 80',
      { ...V, ...P, ...R },
      [`  acl ${X} hdr(host) -i a.com`, '  acl path_w_10001 path_beg /p', `${redirect} ${X} path_w_10001`],
      ['  acl path_w_10001 path_beg /p', `${use} ${sni('a.com')} path_w_10001`],
    ],
    [
      'several vhosts: one acl each, one use_backend',
      VV,
      [`  acl ${X} hdr(host) -i a.com`, `  acl ${X} hdr(host) -i b.com`, `${use} ${X}`],
      [`${use} ${sni('a.com')}`, `${use} ${sni('b.com')}`],
    ],
    [
      'several vhosts, path, redirect',
      { ...VV, ...P, ...R },
      [
        '  acl path_w_10001 path_beg /p',
        `  acl ${X} hdr(host) -i a.com`,
        `  acl ${X} hdr(host) -i b.com`,
        `${redirect} ${X} path_w_10001`,
      ],
      [
        '  acl path_w_10001 path_beg /p',
        `${use} ${sni('a.com')} path_w_10001`,
        `${use} ${sni('b.com')} path_w_10001`,
      ],
    ],
    [
      'one vhost, path, auth',
      { ...V, ...P, ...A },
      [
        `  acl ${X} hdr(host) -i a.com`,
        '  acl auth_a_com_w http_auth(user_w_10001)',
        '  acl path_w_10001 path_beg /p',
        `  http-request auth realm "r" if ${X} path_w_10001 !auth_a_com_w`,
        `${use} ${X} path_w_10001`,
      ],
      [
        '  acl path_w_10001 path_beg /p',
        '  acl auth_a_com_w http_auth(user_w_10001)',
        `  http-request auth realm "r" if ${sni('a.com')} path_w_10001 !auth_a_com_w`,
        `${use} ${sni('a.com')} path_w_10001`,
      ],
    ],
    [
      'one vhost, auth, redirect: auth only on 443',
      { ...V, ...A, ...R },
      [`  acl ${X} hdr(host) -i a.com`, `${use} ${X}`, `${redirect} ${X}`],
      [
        '  acl auth_a_com_w http_auth(user_w_10001)',
        `  http-request auth realm "r" if ${sni('a.com')} !auth_a_com_w`,
        `${use} ${sni('a.com')}`,
      ],
    ],
    [
      'several vhosts, auth',
      { ...VV, ...A },
      [
        `  acl ${X} hdr(host) -i a.com`,
        `  acl ${X} hdr(host) -i b.com`,
        '  acl auth_a_com_w http_auth(user_w_10001)',
        `  http-request auth realm "r" if ${X} !auth_a_com_w`,
        `${use} ${X}`,
      ],
      ['a.com', 'b.com'].flatMap((host) => [
        '  acl auth_a_com_w http_auth(user_w_10001)',
        `  http-request auth realm "r" if ${sni(host)} !auth_a_com_w`,
        `${use} ${sni(host)}`,
      ]),
    ],
    ['a path without a vhost is ignored', P, [], []],
  ])('%s', (_name, labels, onHttp, onHttps) => {
    const config = generate([app('/w', 10001, labels)]);

    expect([http(config), https(config)]).toEqual([onHttp, onHttps]);
  });
});

describe('2.5 order', () => {
  test.each<[string, Record<string, Record<string, string>>, string[]]>([
    ['equal weight: app id', { '/b': {}, '/a': {} }, ['a', 'b']],
    ['a higher weight first', { '/a': {}, '/b': { HAPROXY_0_BACKEND_WEIGHT: '2' } }, ['b', 'a']],
    ['a negative one last', { '/a': { HAPROXY_0_BACKEND_WEIGHT: '-5' }, '/b': {} }, ['b', 'a']],
    [
      'PATH raises an explicit 0 to 1',
      { '/a': {}, '/b': { HAPROXY_0_BACKEND_WEIGHT: '0', HAPROXY_0_PATH: '/x' } },
      ['b', 'a'],
    ],
    [
      'an explicit weight stays beside PATH',
      { '/a': {}, '/b': { HAPROXY_0_BACKEND_WEIGHT: '-1', HAPROXY_0_PATH: '/x' } },
      ['a', 'b'],
    ],
  ])('%s', (_name, apps, expected) => {
    const entries = Object.entries(apps);
    const list = entries.map(([id, labels], at) =>
      app(id, 10001 + at, { HAPROXY_0_VHOST: 'a.com', ...labels }),
    );

    const order = http(generate(list)).flatMap((line) => /use_backend (\w)_/.exec(line)?.[1] ?? []);

    expect(order).toEqual(expected);
  });
});

describe('8.6 map mode', () => {
  const rules = { mapDirectory: '/marathon-lb' };
  const httpRule = '  use_backend %[req.hdr(host),lower,regsub(:.*$,,),map(/marathon-lb/domain2backend.map)]';
  const httpsRule = '  use_backend %[ssl_fc_sni,lower,map(/marathon-lb/domain2backend.map)]';

  test('plain apps are lines of the map, and the sidecar of example 1 keeps its lines', () => {
    const config = generate([app('/web/shop', 10001, { HAPROXY_0_VHOST: 'a.com' }), listAndPath], rules);

    expect(http(config).slice(3)).toEqual([
      '  use_backend acme_sidecar_10002 if host_a_com_acme_sidecar path_acme_sidecar_10002',
      httpRule,
    ]);
    expect(https(config).at(-1)).toBe(httpsRule);
    expect(config.domainMap).toBe('a.com web_shop_10001\n');
    expect(config.appMap).toBe('/acme/sidecar acme_sidecar_10002\n/web/shop web_shop_10001\n');
  });

  test('the one rule comes after every chunk of weight 0 or more, whatever the mapped app asked for', () => {
    const mapped = app('/a', 10001, { HAPROXY_0_VHOST: 'a.com,c.com', HAPROXY_0_BACKEND_WEIGHT: '5000' });
    const redirecting = app('/r', 10003, { HAPROXY_0_VHOST: 'r.com', HAPROXY_0_REDIRECT_TO_HTTPS: 'true' });

    const config = generate([mapped, app('/b', 10002, { HAPROXY_0_VHOST: 'b.com' }), redirecting], rules);

    expect(http(config)).toEqual([
      '  acl host_r_com_r hdr(host) -i r.com',
      '  use_backend r_10003 if host_r_com_r',
      '  redirect scheme https code 301 if !{ ssl_fc } host_r_com_r',
      httpRule,
    ]);
    expect(https(config)).toEqual([httpsRule]);
    expect(config.domainMap).toBe('a.com a_10001\nc.com a_10001\nb.com b_10002\nr.com r_10003\n');
  });

  test('a label for the ordinary template takes the place of the map rule', () => {
    const odd = app('/a', 10001, { HAPROXY_0_VHOST: 'a.com', HAPROXY_0_HTTP_FRONTEND_ACL: '  # nothing\n' });

    expect(http(generate([odd], rules))).toEqual(['  # nothing']);
  });
});

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
