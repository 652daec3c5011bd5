import { expect, test } from 'vitest';
import { app, generate, https, section } from './balancer-builder.ts';

const generated = (...apps: ReturnType<typeof app>[]) => generate(apps, { groupsHttpsByVhost: true });

test('port 443 passes names on by SNI to a socket of each, whose frontend holds the rules of its apps by weight', () => {
  const config = generated(
    app('/a', 10001, { HAPROXY_0_VHOST: 'b.com,a.com' }),
    app('/p', 10002, { HAPROXY_0_VHOST: 'a.com', HAPROXY_0_PATH: '/p' }),
  );

  expect(https(config)).toEqual([
    '  tcp-request inspect-delay 5s',
    '  tcp-request content accept if { req_ssl_hello_type 1 }',
    '  use_backend a_com if { req_ssl_sni -i a.com }',
    '  use_backend b_com if { req_ssl_sni -i b.com }',
  ]);
  expect(section(config, 'backend a_com')).toEqual([
    'backend a_com',
    '  server loopback-for-tls abns@a_com send-proxy-v2',
  ]);
  expect(section(config, 'frontend a_com')).toEqual([
    'frontend a_com',
    '  mode http',
    '  bind abns@a_com accept-proxy ssl crt /etc/ssl/cert.pem',
    '  acl path_p_10002 path_beg /p',
    '  use_backend p_10002 if { ssl_fc_sni a.com } path_p_10002',
    '  use_backend a_10001 if { ssl_fc_sni a.com }',
  ]);
});

test('certificates and bind words of the apps of a name stand on its bind line', () => {
  const config = generated(
    app('/a', 10001, { HAPROXY_0_VHOST: 'a.com', HAPROXY_0_SSL_CERT: '/c/a.pem' }),
    app('/b', 10002, { HAPROXY_0_VHOST: 'a.com', HAPROXY_0_BIND_OPTIONS: 'no-sslv3' }),
  );

  expect(section(config, 'frontend a_com')[2]).toBe(
    '  bind abns@a_com accept-proxy ssl crt /c/a.pem no-sslv3',
  );
});
