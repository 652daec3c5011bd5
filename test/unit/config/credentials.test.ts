import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskedView } from '../../../src/config/describe.ts';
import { parseKind } from '../../../src/config/kinds.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { CertathonError } from '../../../src/lib/errors.ts';
import { maskSecrets } from '../../../src/lib/mask.ts';

const { privateKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = rsa.export({ type: 'pkcs8', format: 'pem' }) as string;
const oldPem = rsa.export({ type: 'pkcs1', format: 'pem' }) as string;
const shortPem = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
});
const ecPem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
});

const LOGIN = 'https://master.mesos/acs/api/v1/auth/login';
/** The JSON of a service account, changed. */
const account = (change: object = {}, space?: number) =>
  JSON.stringify(
    { scheme: 'RS256', uid: 'certathon', private_key: pem, login_endpoint: LOGIN, ...change },
    null,
    space,
  );

describe('a service account', () => {
  const value = { uid: 'certathon', privateKey: pem, loginEndpoint: LOGIN };
  it.each<[string, string, object]>([
    ['as DC/OS writes it', account(), value],
    ['over several lines', account({}, 2), value],
    ['with a mark of byte order before it', `\uFEFF${account()}`, value],
    ['without a scheme', account({ scheme: undefined }), value],
    ['with fields of its own', account({ more: 1 }), value],
    ['with line ends as backslash and n', account({ private_key: pem.replaceAll('\n', '\\n') }), value],
    ['with a key of the older form', account({ private_key: oldPem }), { ...value, privateKey: oldPem }],
    [
      'with a login without TLS, inside a cluster',
      account({ login_endpoint: 'http://127.0.0.1:8101/login?a=b' }),
      { ...value, loginEndpoint: 'http://127.0.0.1:8101/login?a=b' },
    ],
  ])('is read %s', (_what, text, expected) => {
    expect(parseKind('serviceAccount', text, {})).toEqual({ value: expected });
  });

  const key = 'has no private_key that is a private key in PEM without a passphrase';
  const login = 'has no login_endpoint that is an http(s) address without a password';
  it.each([
    ['no JSON', `uid: certathon\n${pem}`, 'is not the JSON of a service account'],
    ['a list', `[${account()}]`, 'is not the JSON of a service account'],
    ['null', 'null', 'is not the JSON of a service account'],
    ['another scheme', account({ scheme: 'HS256' }), 'is of another scheme than RS256'],
    ['no uid', account({ uid: undefined }), 'has no uid that can be used'],
    ['an empty uid', account({ uid: '' }), 'has no uid that can be used'],
    ['a uid of two lines', account({ uid: 'a\nb' }), 'has no uid that can be used'],
    ['a number as uid', account({ uid: 7 }), 'has no uid that can be used'],
    ['no key', account({ private_key: undefined }), key],
    ['a torn key', account({ private_key: pem.slice(0, 300) }), key],
    [
      'a key of another kind',
      account({ private_key: ecPem }),
      'has a private_key that is no RSA key of at least 2048 bits',
    ],
    [
      'a short key',
      account({ private_key: shortPem }),
      'has a private_key that is no RSA key of at least 2048 bits',
    ],
    ['no address of the login', account({ login_endpoint: undefined }), login],
    ['a path as login', account({ login_endpoint: '/acs/api/v1/auth/login' }), login],
    ['a file as login', account({ login_endpoint: 'file:///etc/passwd' }), login],
    ['a login with a password', account({ login_endpoint: 'https://a:b@master.mesos/' }), login],
  ])('is refused with %s', (_what, text, problem) => {
    expect(parseKind('serviceAccount', text, {})).toEqual({ problem });
  });

  it('answers any JSON with a value or a problem, never with an exception', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parseKind('serviceAccount', text, {})).toHaveProperty('problem');
      }),
    );
  });
});

describe('a token', () => {
  it.each(['eyJhbGciOiJIUzI1NiJ9.e30.abc-_', 'a1:b2/+=~'])('is read as it is: %s', (text) => {
    expect(parseKind('token', text, {})).toEqual({ value: text });
  });

  it.each([['token abc'], ['tökén-1'], ['"a"\u2028b']])(
    'is refused where a header can not hold it: %j',
    (text) => {
      expect(parseKind('token', text, {})).toEqual({
        problem: 'is not a token: it has spaces or odd letters',
      });
    },
  );
});

function load(env: Record<string, string>, files: Record<string, string> = {}) {
  const readFile = (path: string) => files[path] ?? '';
  return loadConfig({ env, terminal: false, readFile }).config;
}

function problemsOf(env: Record<string, string>, files: Record<string, string> = {}): string[] {
  try {
    load(env, files);
  } catch (error) {
    if (error instanceof CertathonError) return error.facts.problems as string[];
    throw error;
  }
  return [];
}

describe('the credentials for Marathon', () => {
  it.each<[string, Record<string, string>, Record<string, string>]>([
    ['the variable of DC/OS', { DCOS_SERVICE_ACCOUNT_CREDENTIAL: account() }, {}],
    ['our own variable', { CERTATHON_DCOS_SERVICE_ACCOUNT: account() }, {}],
    [
      'a file',
      { CERTATHON_DCOS_SERVICE_ACCOUNT_FILE: '/run/account' },
      { '/run/account': `${account({}, 2)}\n` },
    ],
  ])('take a service account from %s, and mask it from then on', (_what, env, files) => {
    const config = load(env, files);

    expect(config.dcosServiceAccount).toEqual({ uid: 'certathon', privateKey: pem, loginEndpoint: LOGIN });
    expect(Object.isFrozen(config.dcosServiceAccount)).toBe(true);
    expect(maskedView(config).dcosServiceAccount).toBe('[masked]');
    expect(maskSecrets(`it is ${account()}`)).not.toContain(pem.split('\n')[1]);
  });

  it('take a token from its file, without the line end', () => {
    const config = load(
      { CERTATHON_MARATHON_TOKEN_FILE: '/run/token' },
      { '/run/token': 'token-from-a-file\n' },
    );

    expect(config.marathonToken).toBe('token-from-a-file');
    expect(maskSecrets('it is token-from-a-file.')).toBe('it is [masked].');
  });

  const [user, password, token, dcos] = [
    { CERTATHON_MARATHON_USER: 'joe' },
    { CERTATHON_MARATHON_PASSWORD: 'hunter-111' },
    { CERTATHON_MARATHON_TOKEN: 'token-111' },
    { DCOS_SERVICE_ACCOUNT_CREDENTIAL: account() },
  ];
  it.each<[string, Record<string, string>, string[]]>([
    ['user and password', { ...user, ...password }, []],
    ['a token', { ...token }, []],
    ['a service account', { ...dcos }, []],
    [
      'a password and a token',
      { ...user, ...password, ...token },
      [
        'marathonUser (env CERTATHON_MARATHON_USER) and marathonToken (env CERTATHON_MARATHON_TOKEN) are both set; give one of them',
      ],
    ],
    [
      'a token and a service account',
      { ...token, ...dcos },
      [
        'marathonToken (env CERTATHON_MARATHON_TOKEN) and dcosServiceAccount (env DCOS_SERVICE_ACCOUNT_CREDENTIAL) are both set; give one of them',
      ],
    ],
    [
      'all three',
      { ...password, ...token, ...dcos },
      [
        'marathonPassword (env CERTATHON_MARATHON_PASSWORD) and marathonToken (env CERTATHON_MARATHON_TOKEN) are both set; give one of them',
        'marathonPassword (env CERTATHON_MARATHON_PASSWORD) and dcosServiceAccount (env DCOS_SERVICE_ACCOUNT_CREDENTIAL) are both set; give one of them',
      ],
    ],
    [
      'a password in the address and a token in a file',
      { MARATHON_URL: 'http://joe:hunter-222@m:8080', CERTATHON_MARATHON_TOKEN_FILE: '/run/token' },
      [
        'marathonUser (env MARATHON_URL, before the @) and marathonToken (file /run/token) are both set; give one of them',
      ],
    ],
    [
      'a user with a colon',
      { CERTATHON_MARATHON_USER: 'a:b', ...password },
      ['marathonUser (env CERTATHON_MARATHON_USER) has a colon, which ends the user in basic authentication'],
    ],
  ])('are one way or none: %s', (_what, env, problems) => {
    expect(problemsOf(env, { '/run/token': 'token-222' })).toEqual(problems);
  });

  it('are never quoted, however wrong they are', () => {
    const lines = problemsOf(
      { CERTATHON_MARATHON_TOKEN: 'a token with words', CERTATHON_DCOS_SERVICE_ACCOUNT_FILE: '/run/account' },
      { '/run/account': account({ login_endpoint: 'nowhere' }) },
    );

    expect(lines).toEqual([
      'marathonToken (env CERTATHON_MARATHON_TOKEN) [masked] is not a token: it has spaces or odd letters',
      'dcosServiceAccount (env CERTATHON_DCOS_SERVICE_ACCOUNT_FILE, file "/run/account") [masked] has no login_endpoint that is an http(s) address without a password',
      'marathonToken (env CERTATHON_MARATHON_TOKEN) and dcosServiceAccount (file /run/account) are both set; give one of them',
    ]);
  });
});
