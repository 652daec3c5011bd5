import { describe, expect, test } from 'vitest';
import { app, generate, http, https, section } from './balancer-builder.ts';

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
