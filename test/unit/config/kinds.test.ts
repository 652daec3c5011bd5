import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Kind, type KindRules, parseKind } from '../../../src/config/kinds.ts';

const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string;
const named = {
  letsencrypt: 'https://ca.example/directory',
  'letsencrypt-staging': 'https://staging.example/d',
};
const longLabel = 'a'.repeat(64);

const accepted: [Kind, string, unknown, KindRules?][] = [
  ['text', 'blue moon', 'blue moon'],
  ['secret', 'pass word', 'pass word'],
  ['path', './store', './store'],
  ['email', 'ops@example.com', 'ops@example.com'],
  ['list', 'a.example, b.example\n\tc.example,,a.example', ['a.example', 'b.example', 'c.example']],
  ['list', ',', []],
  ['words', 'a-b, c', ['a-b', 'c'], { choices: ['a-b', 'c', 'd'] }],
  ['boolean', 'Yes', true],
  ['boolean', 'off', false],
  ['integer', '5', 5, { range: ['1', '100'] }],
  ['port', '65535', 65535],
  ['share', '1/3', 1 / 3],
  ['share', 'auto', 'auto'],
  ['share', '.25', 0.25],
  ['share', '0.5', 0.5, { range: ['0.05', '0.9'] }],
  ['duration', '90s', 90_000],
  ['duration', '10m', 600_000],
  ['duration', '2h', 7_200_000],
  ['duration', '1d', 86_400_000],
  ['duration', '500ms', 500],
  ['duration', '0s', 0],
  ['duration', '90', 90_000, { bareSeconds: true }],
  ['duration', '0', 0, { bareSeconds: true }],
  ['duration', '500ms', 500, { bareSeconds: true }],
  ['choice', 'warn', 'warn', { choices: ['off', 'warn'] }],
  ['url', 'letsencrypt', 'https://ca.example/directory', { named }],
  ['url', 'https://ca.example:14000/dir?a=b', 'https://ca.example:14000/dir?a=b', { named }],
  ['url', 'http://127.0.0.1:14000/dir', 'http://127.0.0.1:14000/dir', { named }],
  ['urls', 'http://a:8080/ https://b/service/marathon/', ['http://a:8080', 'https://b/service/marathon']],
  ['urls', 'http://u:p@a:8080', ['http://u:p@a:8080'], { credentials: true }],
  ['host', 'ACME.internal', 'acme.internal'],
  ['address', '127.0.0.11', '127.0.0.11'],
  ['address', '::', '::'],
  ['servers', '10.0.0.2, 10.0.0.3:5353 ::1 [::1]:53', ['10.0.0.2', '10.0.0.3:5353', '::1', '[::1]:53']],
  ['appId', '/infra/marathon-lb', '/infra/marathon-lb'],
  ['appId', 'marathon-lb', '/marathon-lb'],
  ['appId', '/a.b-c/d', '/a.b-c/d'],
  ['variable', 'HAPROXY_SSL_CERT', 'HAPROXY_SSL_CERT'],
  ['variable', 'HAPROXY_SSL_CERT0', 'HAPROXY_SSL_CERT0'],
  ['variable', 'HAPROXY_SSL_CERT100', 'HAPROXY_SSL_CERT100'],
  ['cron', '17 4,16 * * *', '17 4,16 * * *'],
  ['cron', '0 0 29 2 *', '0 0 29 2 *'],
  [
    'windows',
    '0 3 * * 6 for 2h; 0 12 * * 0 for 30m',
    [
      { cron: '0 3 * * 6', durationMs: 7_200_000 },
      { cron: '0 12 * * 0', durationMs: 1_800_000 },
    ],
  ],
  ['windows', '  0  3 * * sat\tfor 31d ;', [{ cron: '0 3 * * sat', durationMs: 2_678_400_000 }]],
  [
    'windows',
    '@daily for 1h @weekly for 2h',
    [
      { cron: '@daily', durationMs: 3_600_000 },
      { cron: '@weekly', durationMs: 7_200_000 },
    ],
  ],
  ['windows', '@daily for 60s\n;\n@daily  for 60s', [{ cron: '@daily', durationMs: 60_000 }]],
  ['timeZone', 'Europe/Berlin', 'Europe/Berlin'],
  ['timeZone', 'UTC', 'UTC'],
  ['user', '1000', { uid: 1000, gid: 1000 }],
  ['user', '0:7', { uid: 0, gid: 7 }],
  ['privateKey', pem, pem],
  ['privateKey', pem.replaceAll('\n', '\\n'), pem],
];

const refused: [Kind, string, string, KindRules?][] = [
  ['text', 'a\nb', 'has control characters in it'],
  ['text', 'a'.repeat(65_537), 'is longer than 65536 characters'],
  ['list', 'a\u0000b', 'has control characters in it'],
  ['path', 'a\0b', 'has control characters in it'],
  ['email', 'ops', 'is not an e-mail address such as ops@example.com'],
  ['email', 'mailto:ops@example.com', 'is not an e-mail address such as ops@example.com'],
  ['boolean', 'maybe', 'is neither true nor false'],
  ['integer', '0', 'is not a whole number from 1 to 100', { range: ['1', '100'] }],
  ['integer', '1e1', 'is not a whole number from 1 to 100', { range: ['1', '100'] }],
  ['integer', '-1', 'is not a whole number from 0 to 9007199254740991'],
  ['port', '0', 'is not a port from 1 to 65535'],
  ['port', '65536', 'is not a port from 1 to 65535'],
  ['port', '80/tcp', 'is not a port from 1 to 65535'],
  ['share', '1/0', 'is neither auto nor a share such as 1/3 or 0.33 from 0 to 1'],
  ['share', '0/0', 'is neither auto nor a share such as 1/3 or 0.33 from 0 to 1'],
  ['share', '.', 'is neither auto nor a share such as 1/3 or 0.33 from 0 to 1'],
  ['share', '33%', 'is neither auto nor a share such as 1/3 or 0.33 from 0 to 1'],
  [
    'share',
    '0.95',
    'is neither auto nor a share such as 1/3 or 0.33 from 0.05 to 0.9',
    { range: ['0.05', '0.9'] },
  ],
  ['duration', '10', 'is not a duration such as 90s, 10m, 2h or 1d from 0s to 365d'],
  ['duration', '1h30m', 'is not a duration such as 90s, 10m, 2h or 1d from 0s to 365d'],
  ['duration', '-5s', 'is not a duration such as 90s, 10m, 2h or 1d from 0s to 365d'],
  ['duration', '2d', 'is not a duration such as 90s, 10m, 2h or 1d from 1s to 1d', { range: ['1s', '1d'] }],
  [
    'duration',
    '0',
    'is not a duration such as 90s, 10m, 2h or 1d, or of seconds such as 90, from 1s to 1d',
    { range: ['1s', '1d'], bareSeconds: true },
  ],
  [
    'duration',
    '1.5',
    'is not a duration such as 90s, 10m, 2h or 1d, or of seconds such as 90, from 0s to 365d',
    { bareSeconds: true },
  ],
  ['words', 'a-b, e', 'is not a list of a-b, c', { choices: ['a-b', 'c'] }],
  ['choice', 'WARN', 'is not one of off, warn', { choices: ['off', 'warn'] }],
  ['url', 'lets', 'is neither an https address nor one of letsencrypt, letsencrypt-staging', { named }],
  [
    'url',
    'constructor',
    'is neither an https address nor one of letsencrypt, letsencrypt-staging',
    { named },
  ],
  [
    'url',
    'http://ca.example/',
    'is neither an https address nor one of letsencrypt, letsencrypt-staging',
    { named },
  ],
  [
    'url',
    'https://u:p@ca.example/',
    'is neither an https address nor one of letsencrypt, letsencrypt-staging',
    { named },
  ],
  ['urls', 'marathon.mesos:8080', 'is not a list of addresses such as http://marathon.mesos:8080'],
  ['urls', 'http://a http://', 'is not a list of addresses such as http://marathon.mesos:8080'],
  ['urls', 'http://a?x=1', 'is not a list of addresses such as http://marathon.mesos:8080'],
  ['urls', 'http://u:p@a', 'is not a list of addresses such as http://marathon.mesos:8080'],
  [
    'urls',
    'lb:9090',
    'is not a list of addresses such as http://lb.example:9090',
    { example: 'http://lb.example:9090' },
  ],
  ['urls', ',', 'is not a list of addresses such as http://marathon.mesos:8080'],
  ['host', '10.0.0.1', 'is not a host name such as acme.internal'],
  ['host', '*.example.com', 'is not a host name such as acme.internal'],
  ['host', `${longLabel}.example`, 'is not a host name such as acme.internal'],
  ['address', 'localhost', 'is not an IP address'],
  ['address', '127.1', 'is not an IP address'],
  ['servers', 'dns.example', 'is not a list of addresses such as 10.0.0.2 or 10.0.0.2:53'],
  ['servers', '10.0.0.2:0', 'is not a list of addresses such as 10.0.0.2 or 10.0.0.2:53'],
  ['appId', '/Marathon', 'is not an app id such as /marathon-lb'],
  ['appId', '/a_b', 'is not an app id such as /marathon-lb'],
  ['appId', '/a/', 'is not an app id such as /marathon-lb'],
  ['appId', '/a/../b', 'is not an app id such as /marathon-lb'],
  ['appId', '/a/versions', 'is not an app id such as /marathon-lb'],
  ['appId', '/', 'is not an app id such as /marathon-lb'],
  ['variable', 'PATH', 'is neither HAPROXY_SSL_CERT nor one of HAPROXY_SSL_CERT0 to HAPROXY_SSL_CERT100'],
  [
    'variable',
    'HAPROXY_SSL_CERT101',
    'is neither HAPROXY_SSL_CERT nor one of HAPROXY_SSL_CERT0 to HAPROXY_SSL_CERT100',
  ],
  [
    'variable',
    'HAPROXY_SSL_CERT01',
    'is neither HAPROXY_SSL_CERT nor one of HAPROXY_SSL_CERT0 to HAPROXY_SSL_CERT100',
  ],
  ['cron', '61 * * * *', 'is not a cron expression such as 17 4,16 * * *, or never comes due'],
  ['cron', 'often', 'is not a cron expression such as 17 4,16 * * *, or never comes due'],
  ['cron', '0 0 31 2 *', 'is not a cron expression such as 17 4,16 * * *, or never comes due'],
  ...['0 3 * * 6', '0 3 * * 6 for', 'for 2h', '0 3 * * 6 for 2', '0 3 * * 6 for 1h for 2h', ';'].map(
    (text): [Kind, string, string] => [
      'windows',
      text,
      'is not a list of windows such as 0 3 * * 6 for 2h; 0 12 * * 0 for 30m',
    ],
  ),
  [
    'windows',
    '0 3 * * * for 2h; 61 * * * * for 2h',
    'has a window that begins at 61 * * * *, which is no cron expression, or never comes due',
  ],
  [
    'windows',
    '0 0 31 2 * for 2h',
    'has a window that begins at 0 0 31 2 *, which is no cron expression, or never comes due',
  ],
  ['windows', '0 3 * * * for 59s', 'has a window that lasts 59s, which is not from 1m to 31d'],
  ['windows', '0 3 * * * for 32d', 'has a window that lasts 32d, which is not from 1m to 31d'],
  [
    'windows',
    Array.from({ length: 21 }, (_, minute) => `${minute} 3 * * * for 1h`).join(';'),
    'has more than 20 windows',
  ],
  ['user', 'node', 'is not a user, or user and group, in numbers such as 1000:1000'],
  ['user', '4294967295', 'is not a user, or user and group, in numbers such as 1000:1000'],
  ['timeZone', 'Mars/Olympus', 'is not a time zone such as UTC or Europe/Berlin'],
  ['timeZone', '+02:00', 'is not a time zone such as UTC or Europe/Berlin'],
  ['privateKey', 'key', 'is not a private key in PEM without a passphrase'],
  ['privateKey', pem.slice(0, 100), 'is not a private key in PEM without a passphrase'],
];

describe('parseKind()', () => {
  it.each(accepted)('reads a %s written %j', (kind, text, value, rules = {}) => {
    expect(parseKind(kind, text, rules)).toEqual({ value });
  });

  it.each(refused)('refuses a %s written %j', (kind, text, problem, rules = {}) => {
    expect(parseKind(kind, text, rules)).toEqual({ problem });
  });

  it.each([
    ['https://acme-v01.api.letsencrypt.org/directory', 'letsencrypt'],
    ['https://acme-staging.api.letsencrypt.org/directory', 'letsencrypt-staging'],
  ])('sends %s of ACME v1, which has ended, to its successor and says so', (text, successor) => {
    const parsed = parseKind('url', text, { named });

    expect(parsed).toEqual({
      value: named[successor as keyof typeof named],
      note: `${new URL(text).hostname} has ended; ${successor} is asked instead`,
    });
  });

  it('reads every whole number of a unit as that many milliseconds', () => {
    const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
    const anyUnit = fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[]));
    fc.assert(
      fc.property(fc.nat(8000), anyUnit, (count, unit) => {
        expect(parseKind('duration', `${count}${unit}`, {})).toEqual({ value: count * units[unit] });
      }),
    );
  });

  it('reads the share a/b as a divided by b, and the same share as a decimal', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999 }), fc.integer({ min: 0, max: 999 }), (whole, more) => {
        const share = whole / (whole + more);
        expect(parseKind('share', `${whole}/${whole + more}`, {})).toEqual({ value: share });
        const read = parseKind('share', share.toFixed(6), {}) as { value: number };
        expect(read.value).toBeCloseTo(share, 5);
      }),
    );
  });

  it('answers any text with a value or a problem, never with an exception', () => {
    const kinds: Kind[] = ['text', 'list', 'boolean', 'integer', 'port', 'share', 'duration', 'url', 'urls'];
    const more: Kind[] = [
      'host',
      'address',
      'servers',
      'appId',
      'variable',
      'timeZone',
      'email',
      'path',
      'windows',
    ];
    fc.assert(
      fc.property(fc.constantFrom(...kinds, ...more), fc.string({ minLength: 1 }), (kind, text) => {
        const parsed = parseKind(kind, text, {});
        expect('problem' in parsed || 'value' in parsed).toBe(true);
      }),
    );
  });
});
