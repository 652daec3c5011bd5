import { describe, expect, test } from 'vitest';
import { app, generate, http, https } from './balancer-builder.ts';

const PATH = '/.well-known/acme-challenge/';
const listAndPath = app('/acme/sidecar', 10002, { HAPROXY_0_VHOST: 'a.com,b.com', HAPROXY_0_PATH: PATH });

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
