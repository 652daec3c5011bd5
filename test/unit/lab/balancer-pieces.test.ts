import { describe, expect, test } from 'vitest';
import { echoed } from '../../../src/lab/balancer/echo.ts';
import { stockHead } from '../../../src/lab/balancer/head.ts';
import { readOptions } from '../../../src/lab/balancer/options.ts';
import { type Places, putInPlace } from '../../../src/lab/balancer/places.ts';
import { serverId, serverName } from '../../../src/lab/balancer/server-names.ts';
import { readSwitches } from '../../../src/lab/balancer/switches.ts';

describe('server names and ids', () => {
  test.each([
    ['10.0.6.25', '10.0.6.25', 31184, '10_0_6_25_31184'],
    ['agent-1.example', '10.0.0.5', 31184, 'agent-1_example_10_0_0_5_31184'],
    ['10.0.0.5', '9.0.0.7', 80, '10_0_0_5_9_0_0_7_80'],
  ])('%s at %s:%d is %s', (host, ip, port, name) => {
    expect(serverName(host, ip, port)).toBe(name);
  });

  test('the id is a hash of the name, and a taken one is hashed again', () => {
    const taken = new Set<number>();

    const first = serverId('127_0_0_1_30001', taken);
    const second = serverId('127_0_0_1_30001', taken);

    expect(first).toBe(24701);
    expect(second).not.toBe(first);
    expect(taken).toEqual(new Set([first, second]));
  });
});

describe('echoed() writes what echo -e writes', () => {
  test.each([
    ['a\\nb', 'a\nb\n'],
    ['a\nb', 'a\nb\n'],
    ['a\\\\nb', 'a\\nb\n'],
    ['\\\\\\n', '\\\n\n'],
    ['a\\tb\\x41\\0102\\q', 'a\tbAB\\q\n'],
    ['kept\\c gone', 'kept'],
    ['kept\\\\c', 'kept\\c\n'],
  ])('%j → %j', (value, written) => {
    expect(echoed(value)).toBe(written);
  });
});

describe('putInPlace()', () => {
  const places: Places = {
    address: '127.90.4.11',
    ports: { http: 8080, https: 8443, admin: 9190, appId: 9191 },
    statsSocket: '/s/haproxy.sock',
    adminSocket: '/s/admin.sock',
    stateDirectory: '/s/state',
    certificateDirectory: '/s/ssl',
    mostConnections: 2000,
  };

  test('binds, sockets, state, limits and admin services are those of this machine', () => {
    const text = putInPlace(
      `${stockHead()}frontend x\n  bind *:80\n  bind *:443 ssl crt /a\n  bind *:10001\n`,
      places,
    );

    expect(text).not.toMatch(/\*:|0\.0\.0\.0|\/dev\/log|lua|\/var\//);
    expect(text).toContain('  bind 127.90.4.11:9190\n');
    expect(text).toContain(
      '  bind 127.90.4.11:8080\n  bind 127.90.4.11:8443 ssl crt /a\n  bind 127.90.4.11:10001\n',
    );
    expect(text).toContain('  stats socket unix@/s/haproxy.sock expose-fd listeners\n');
    expect(text).toContain('  server-state-base /s/state/\n');
    expect(text).toContain('  maxconn 2000\n');
    expect(text).toContain('  use_backend lab_admin if signalmlbusr1\n');
    expect(text).toMatch(/backend lab_admin\n {2}mode http\n {2}server admin unix@\/s\/admin\.sock\n$/);
  });

  test('Lua of the operator stays, and is found where the start wrote it', () => {
    expect(putInPlace('  lua-load /etc/ssl/cert100.pem', places)).toContain(
      '  lua-load /s/ssl/cert100.pem\n',
    );
    expect(putInPlace('  bind *:443 ssl crt /etc/ssl/cert.pem', places)).toContain(
      '8443 ssl crt /s/ssl/cert.pem\n',
    );
  });
});

describe('readOptions()', () => {
  const env = { PORTS: '80', HOST: '127.0.0.1' };
  const base = ['--group', 'external'];

  test('reads what marathon-lb reads', () => {
    const argv = ['sse', '-m', 'http://a:8080', 'http://b:8080/', '--health-check', '--haproxy-map'];
    const more = ['--group', 'internal', '--syslog-socket', '/dev/null', '--auth-credentials', 'u:p'];

    const options = readOptions([...argv, ...base, ...more], { ...env, PORT1: '8443' });

    expect(options).toMatchObject({
      mode: 'sse',
      marathonUrls: ['http://a:8080', 'http://b:8080'],
      groups: ['external', 'internal'],
      needsHealth: true,
      usesMap: true,
      bindsHttpAndHttps: true,
      strict: false,
      credentials: { user: 'u', password: 'p' },
      ports: { http: 80, https: 8443, admin: 9090, appId: 9091 },
    });
  });

  test.each<[string, string[], string | undefined, string | undefined]>([
    ['before the mode', ['--ssl-certs', '/a,/b', 'sse', ...base], '/a,/b', undefined],
    ['after the mode', ['sse', ...base, '--ssl-certs', '/a'], '/a', undefined],
    ['joined by =', ['sse', ...base, '--ssl-certs=/a'], undefined, '/a'],
  ])('--ssl-certs %s', (_name, argv, listed, overriding) => {
    const options = readOptions(argv, env);

    expect([options.listedCertificates, options.overridingCertificates]).toEqual([listed, overriding]);
  });

  test.each<[string, string[], Record<string, string>, string]>([
    ['PORTS is not set', ['sse', ...base], { HOST: '127.0.0.1' }, '$PORTS is not set'],
    ['the mode is missing', base, env, 'Unknown mode --group'],
    ['no group is given', ['sse'], env, '--group is required'],
    ['a password holds a colon', ['sse', ...base, '--auth-credentials', 'u:p:q'], env, '--auth-credentials'],
    ['the address is no loopback one', ['sse', ...base], { ...env, HOST: '10.0.0.1' }, 'no loopback address'],
    ['an argument is unknown', ['sse', ...base, '--nonsense'], env, 'nonsense'],
  ])('refuses when %s', (_name, argv, given, message) => {
    expect(() => readOptions(argv, given)).toThrow(message);
  });
});

test('readSwitches() refuses an unknown switch and a value out of bounds', () => {
  expect(readSwitches('{"dropUsr1":2}')).toEqual({ dropUsr1: 2 });
  expect(() => readSwitches('{"dropUsr2":2}')).toThrow('dropUsr2');
  expect(() => readSwitches('{"delayUsr1Ms":-1}')).toThrow('delayUsr1Ms');
});
