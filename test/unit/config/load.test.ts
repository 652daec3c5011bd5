import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type LoadRequest, loadConfig } from '../../../src/config/load.ts';
import { CertathonError } from '../../../src/lib/errors.ts';
import { maskSecrets } from '../../../src/lib/mask.ts';

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string;

/** Loads with nothing from the machine: no environment, no files but those given. */
function load({ files = {}, ...request }: LoadRequest & { files?: Record<string, string> } = {}) {
  const readFile = (path: string): string => {
    const text = files[path];
    if (text === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
    return text;
  };
  return loadConfig({ env: {}, terminal: false, readFile, ...request });
}

/** The lines of problems that loading ends with. */
function problemsOf(request: Parameters<typeof load>[0]): string[] {
  try {
    load(request);
  } catch (error) {
    if (!(error instanceof CertathonError)) throw error;
    expect(error.code).toBe('CONFIG_INVALID');
    const lines = error.facts.problems as string[];
    for (const line of lines) expect(error.message).toContain(line);
    return lines;
  }
  return [];
}

describe('loadConfig()', () => {
  it('fills everything from the defaults, and freezes the whole', () => {
    const { config, sources, warnings } = load();

    expect(config).toMatchObject({
      marathonUrl: ['http://marathon.mesos:8080'],
      marathonLbApp: ['/marathon-lb'],
      certEnv: 'HAPROXY_SSL_CERT',
      domains: [],
      acmeDirectory: 'https://acme-v02.api.letsencrypt.org/directory',
      renewAt: 'auto',
      ignoreRenewalInfo: false,
      jitterMs: 1_800_000,
      stateless: false,
      routeCheck: 'warn',
      logFormat: 'json',
    });
    expect(config.marathonPassword).toBeUndefined();
    expect(config.instance).toMatch(/.:\d+$/);
    expect(sources.renewAt).toBe('default');
    expect(warnings).toEqual([]);
    expect(Object.isFrozen(config) && Object.isFrozen(config.domains)).toBe(true);
  });

  it('writes text on a terminal unless told otherwise', () => {
    expect(load({ terminal: true }).config.logFormat).toBe('text');
    expect(load({ terminal: true, env: { CERTATHON_LOG_FORMAT: 'json' } }).config.logFormat).toBe('json');
  });

  const file = JSON.stringify({
    renewAt: '0.4',
    domains: ['f.example', 'g.example'],
    tlsPort: 9443,
    stateless: true,
  });
  const all: Parameters<typeof load>[0] = {
    flags: { renewAt: '0.2' },
    env: { CERTATHON_RENEW_AT: '0.3', CERTATHON_CONFIG: '/c.json' },
    files: { '/c.json': file },
  };
  it.each([
    ['the flag over all else', all, 0.2, '--renew-at'],
    ['the variable over the file', { ...all, flags: {} }, 0.3, 'env CERTATHON_RENEW_AT'],
    [
      'the file over the default',
      { ...all, flags: {}, env: { CERTATHON_CONFIG: '/c.json' } },
      0.4,
      '/c.json: renewAt',
    ],
    [
      'the file that a flag names',
      { flags: { config: '/c.json' }, files: { '/c.json': file } },
      0.4,
      '/c.json: renewAt',
    ],
    ['the default when a variable is empty', { env: { CERTATHON_RENEW_AT: ' ' } }, 'auto', 'default'],
  ])('takes %s', (_what, request, value, source) => {
    const { config, sources } = load(request);

    expect(config.renewAt).toBe(value);
    expect(sources.renewAt).toBe(source);
  });

  it('takes lists, numbers and booleans of JSON as they are', () => {
    const { config } = load({ flags: { config: '/c.json' }, files: { '/c.json': `\uFEFF${file}` } });

    expect(config).toMatchObject({ domains: ['f.example', 'g.example'], tlsPort: 9443, stateless: true });
  });

  it.each([
    ['MARATHON_URL', 'marathonUrl', 'http://m:8080', 'CERTATHON_MARATHON_URL'],
    ['MARATHON_LB_ID', 'marathonLbApp', '/edge', 'CERTATHON_MARATHON_LB_APP'],
    ['MARATHON_LB_CERT_ENV', 'certEnv', 'HAPROXY_SSL_CERT7', 'CERTATHON_CERT_ENV'],
    ['LETSENCRYPT_EMAIL', 'acmeEmail', 'ops@example.com', 'CERTATHON_ACME_EMAIL'],
    ['LETSENCRYPT_SERVER_URL', 'acmeDirectory', 'https://ca.example/a', 'CERTATHON_ACME_DIRECTORY'],
    ['LETSENCRYPT_URL', 'acmeDirectory', 'https://ca.example/b', 'CERTATHON_ACME_DIRECTORY'],
  ] as const)(
    'takes %s of a predecessor, with one line that names its successor',
    (given, option, value, use) => {
      const { config, sources, warnings } = load({ env: { [given]: value } });

      expect([config[option]].flat()).toEqual([value]);
      expect(sources[option]).toBe(`env ${given}`);
      expect(warnings).toEqual([{ event: 'config.deprecated', fields: { option, given, use, used: true } }]);
    },
  );

  it('lets the own name win over the one of a predecessor, and still says that this one is set', () => {
    const { config, warnings } = load({ env: { MARATHON_LB_ID: '/old', CERTATHON_MARATHON_LB_APP: '/new' } });

    expect(config.marathonLbApp).toEqual(['/new']);
    expect(warnings.map(({ fields }) => fields.used)).toEqual([false]);
  });

  it('takes what Marathon tells every task without a word', () => {
    const env = {
      MARATHON_APP_ID: '/tls/certathon',
      PORT0: '31000',
      PORT1: '31001',
      MESOS_TASK_ID: 'certathon.1',
    };
    const { config, warnings } = load({ env });

    expect(config).toMatchObject({
      appId: '/tls/certathon',
      challengePort: 31000,
      adminPort: 31001,
      instance: 'certathon.1',
    });
    expect(warnings).toEqual([]);
  });

  it('asks the successor of an ACME v1 server, with one line', () => {
    const { config, warnings } = load({
      env: { CERTATHON_ACME_DIRECTORY: 'https://acme-v01.api.letsencrypt.org/directory' },
    });

    expect(config.acmeDirectory).toBe('https://acme-v02.api.letsencrypt.org/directory');
    expect(warnings).toEqual([
      {
        event: 'config.deprecated',
        fields: {
          option: 'acmeDirectory',
          reason: 'acme-v01.api.letsencrypt.org has ended; letsencrypt is asked instead',
        },
      },
    ]);
  });

  it('says all problems at once, each with option, source and value', () => {
    const lines = problemsOf({
      flags: { renewAt: '3', config: '/c.json' },
      env: { CERTATHON_TLS_PORT: 'https', MARATHON_LB_ID: 'Edge', CERTATHON_DOMANS: 'a.example' },
      files: { '/c.json': '{ "routeCheck": "maybe", "schedul": "x", "domains": { "a": 1 } }' },
    });

    expect(lines.sort()).toEqual([
      '/c.json: "schedul" is not an option; did you mean schedule?',
      'domains (/c.json: domains) is not a text, number, boolean or list of texts',
      'env CERTATHON_DOMANS is not an option; did you mean CERTATHON_DOMAINS?',
      'marathonLbApp (env MARATHON_LB_ID) "Edge" is not a list of app ids such as /marathon-lb, /marathon-lb-internal',
      'renewAt (--renew-at) "3" is neither auto nor a share such as 1/3 or 0.33 from 0.05 to 0.9',
      'routeCheck (/c.json: routeCheck) "maybe" is not one of off, warn, require',
      'tlsPort (env CERTATHON_TLS_PORT) "https" is not a port from 1 to 65535',
    ]);
  });

  it.each([
    [
      'is not there',
      {},
      `config "/c.json" cannot be read: ENOENT: no such file or directory, open '/c.json'`,
    ],
    ['is garbage', { '/c.json': 'password: hunter22' }, 'config "/c.json" is not JSON'],
    ['is a list', { '/c.json': '[]' }, 'config "/c.json" holds no JSON object of options'],
    ['names a file itself', { '/c.json': '{"config":"/d.json"}' }, '/c.json: "config" is not an option'],
  ])('refuses a file that %s', (_what, files, line) => {
    const [problem] = problemsOf({ flags: { config: '/c.json' }, files });

    expect(problem?.startsWith(line)).toBe(true);
  });

  it('refuses --now and --dry-run where they mean nothing, and lets the rest of a shared environment be', () => {
    const env = { CERTATHON_NOW: 'yes', CERTATHON_SCHEDULE: '@daily', CERTATHON_JSON: 'true' };

    expect(problemsOf({ env, command: 'serve' })).toEqual(['now (env CERTATHON_NOW) means nothing to serve']);
    expect(load({ env: { ...env, CERTATHON_DRY_RUN: 'no' }, command: 'renew' }).config.now).toBe(true);
  });
});

describe('loadConfig() for rollouts', () => {
  const zdd = { marathonUrl: 'http://m:8080', marathonLb: 'http://lb:9090', app: 'shop.json' };

  it('fills what nobody gave', () => {
    const { config } = load({ command: 'rollout status' });

    expect(config).toMatchObject({
      ...{ marathonLb: [], initialInstances: 1, linearIncrease: 0, newInstances: 0, keepInstances: false },
      ...{ maxWaitMs: 300_000, drainTimeoutMs: 300_000, onDrainTimeout: 'stop', onFailure: 'rollback' },
      ...{ stepDelayMs: 1_000, hookTimeoutMs: 60_000, complete: false, accept: [] },
    });
    expect([config.app, config.group, config.old, config.preKillHook]).toEqual(Array(4).fill(undefined));
  });

  it('takes seconds without a unit, as zdd.py did', () => {
    const { config } = load({ command: 'zdd', flags: { ...zdd, maxWait: '90', stepDelay: '5' } });

    expect(config).toMatchObject({ maxWaitMs: 90_000, stepDelayMs: 5_000 });
  });

  it('passes over what concerns certificates only, however wrong it is, and masks its secrets', () => {
    const { config, sources, warnings } = load({
      command: 'rollout status',
      env: {
        CERTATHON_ACME_CA_FILE: '/nowhere',
        CERTATHON_DELIVERY: 'directory',
        CERTATHON_RENEW_AT: 'often',
        CERTATHON_ADMIN_TOKEN: 'token-of-others',
        LETSENCRYPT_EMAIL: 'ops@example.com',
      },
    });

    expect(config).toMatchObject({ delivery: 'environment', renewAt: 'auto' });
    expect([config.acmeCa, config.adminToken, config.acmeEmail]).toEqual(Array(3).fill(undefined));
    expect(sources.renewAt).toBe('default');
    expect(warnings).toEqual([]);
    expect(maskSecrets('it is token-of-others.')).toBe('it is [masked].');
  });

  it('passes over what concerns rollouts only when it is about certificates', () => {
    const env = { CERTATHON_MAX_WAIT: 'long', CERTATHON_MARATHON_LB: 'lb' };

    expect(load({ command: 'renew', env }).config.maxWaitMs).toBe(300_000);
    expect(problemsOf({ command: 'serve', env: { ...env, CERTATHON_COMPLETE: 'yes' } })).toEqual([
      'complete (env CERTATHON_COMPLETE) means nothing to serve',
    ]);
  });

  it('masks the password in the address of a balancer, however it is written', () => {
    const { config } = load({ env: { CERTATHON_MARATHON_LB: 'http://bob:of%20the-lb@lb:9090/' } });

    expect(config.marathonLb).toEqual(['http://bob:of%20the-lb@lb:9090']);
    expect(maskSecrets('of the-lb, of%20the-lb')).toBe('[masked], [masked]');
  });

  it('says all that zdd can not do without at once', () => {
    expect(problemsOf({ command: 'zdd', problems: ['--auth-credentials holds no colon'] })).toEqual([
      '--auth-credentials holds no colon',
      'marathonUrl is not set: give the address of Marathon by --marathon (-m)',
      'marathonLb is not set: give the address of the balancers, port 9090, by --marathon-lb (-l)',
      'app is not set: give the JSON file of the app by --json (-j)',
    ]);
  });

  it.each([
    ['the environment', { env: { CERTATHON_APP: 'shop.json' } }],
    ['the flag', { flags: { app: 'shop.json' } }],
  ])('takes the app of a rollout from %s, and asks for it', (_what, request) => {
    expect(load({ command: 'rollout start', ...request }).config.app).toBe('shop.json');
    expect(problemsOf({ command: 'rollout start' })).toEqual([
      'app is not set: name the JSON file of the app, as in `certathon rollout start shop.json`',
    ]);
  });

  it.each([
    [
      { complete: true, completePrev: true },
      'complete (-c) and completePrev (--complete-prev) contradict each other: one lets the new colour serve alone, the other the old one',
    ],
    [
      { resume: true, completePrev: true },
      'resume (--resume) and completePrev (--complete-prev) contradict each other: one goes on to the new colour, the other back to the old one',
    ],
    [
      { newInstances: '2', complete: true },
      'newInstances (--new-instances) and complete (-c) contradict each other: one begins a split, the other ends it',
    ],
    [
      { newInstances: '2', completePrev: true },
      'newInstances (--new-instances) and completePrev (--complete-prev) contradict each other: one begins a split, the other ends it',
    ],
  ])('refuses for zdd %j together', (flags, line) => {
    const spelt = { complete: '-c' };

    expect(problemsOf({ command: 'zdd', flags: { ...zdd, ...flags }, spelt })).toEqual([line]);
  });

  it.each([
    { complete: true, newInstances: '0' },
    { resume: true, newInstances: '2' },
  ])('lets %j be given to zdd together', (flags) => {
    expect(load({ command: 'zdd', flags: { ...zdd, ...flags } }).config).toMatchObject({ app: 'shop.json' });
  });

  it('knows which risks may be accepted', () => {
    const flags = { accept: 'no-target no-health-checks' };

    expect(load({ flags }).config.accept).toEqual(['no-target', 'no-health-checks']);
    expect(problemsOf({ flags: { accept: 'all' } })).toEqual([
      'accept (--accept) "all" is not a list of no-health-checks, no-target',
    ]);
  });
});

describe('loadConfig() and secrets', () => {
  it('reads a password from its file without the line end, and masks it from then on', () => {
    const { config, sources } = load({
      env: { CERTATHON_MARATHON_PASSWORD_FILE: '/run/pw' },
      files: { '/run/pw': 'from-a-file-1\n' },
    });

    expect(config.marathonPassword).toBe('from-a-file-1');
    expect(sources.marathonPassword).toBe('file /run/pw');
    expect(maskSecrets('it is from-a-file-1.')).toBe('it is [masked].');
  });

  it('moves user and password out of the address of Marathon', () => {
    const { config } = load({
      env: { CERTATHON_MARATHON_URL: 'http://bob:in%20url-12@a:8080 http://b:8080/' },
    });

    expect(config).toMatchObject({
      marathonUrl: ['http://a:8080', 'http://b:8080'],
      marathonUser: 'bob',
      marathonPassword: 'in url-12',
    });
    expect(maskSecrets('it is in url-12.')).toBe('it is [masked].');
  });

  it.each([
    [
      'text and file',
      { CERTATHON_MARATHON_PASSWORD: 'hunter-111', CERTATHON_MARATHON_PASSWORD_FILE: '/run/pw' },
      'marathonPasswordFile (env CERTATHON_MARATHON_PASSWORD_FILE) and marathonPassword (env CERTATHON_MARATHON_PASSWORD) are both set; give one of them',
    ],
    [
      'text and address',
      { CERTATHON_MARATHON_PASSWORD: 'hunter-111', MARATHON_URL: 'http://:hunter-222@m' },
      'marathonPassword (env CERTATHON_MARATHON_PASSWORD) and marathonUrl (env MARATHON_URL) disagree; give one of them',
    ],
    [
      'address and address',
      { MARATHON_URL: 'http://a:hunter-111@m http://a:hunter-222@n' },
      'marathonUrl (env MARATHON_URL) holds different users or passwords',
    ],
  ])('refuses two sources of one secret: %s', (_what, env, line) => {
    expect(problemsOf({ env, files: { '/run/pw': 'hunter-333' } })).toContain(line);
  });

  it('never quotes a secret, however wrong it is', () => {
    const secrets = [
      'abcd1',
      'typo-secret',
      'Xbox',
      'wrong-scheme',
      'wrong-port',
      'MIIsecret',
      key.split('\n')[1] ?? '',
    ];
    const lines = problemsOf({
      flags: { acmeAccountKeyFile: key },
      env: {
        CERTATHON_ADMIN_TOKEN: 'abcd1',
        CERTATHON_MARATHON_PASWORD: 'typo-secret',
        CERTATHON_MARATHON_URL: 'htp://u:wrong-scheme@h http://u:wrong/port-wrong-port@h:99999',
        CERTATHON_ACME_ACCOUNT_KEY: '-----BEGIN PRIVATE KEY-----\nMIIsecret',
        CERTATHON_MARATHON_PASSWORD: 'Xbox',
      },
    });

    expect(lines).toHaveLength(6);
    for (const secret of secrets) expect(lines.join('\n')).not.toContain(secret);
    expect(lines).toContain(
      'acmeAccountKeyFile (--acme-account-key-file) [masked] has control characters in it',
    );
    expect(lines).toContain('adminToken (env CERTATHON_ADMIN_TOKEN) [masked] is shorter than 6 characters');
  });

  it.each([
    ['an unreadable one', {}, /cannot be read: ENOENT/],
    ['an empty one', { '/f': ' \n' }, /is an empty file$/],
    ['one without a certificate', { '/f': 'hello' }, /holds no certificate in PEM$/],
    [
      'one with a torn certificate',
      { '/f': '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----' },
      /holds no certificate in PEM$/,
    ],
  ])('refuses a file of CA certificates: %s', (_what, files, expected) => {
    const [line, ...more] = problemsOf({ env: { CERTATHON_ACME_CA_FILE: '/f' }, files });

    expect(line).toMatch(/^acmeCaFile \(env CERTATHON_ACME_CA_FILE\) "\/f" /);
    expect(line).toMatch(expected);
    expect(more).toEqual([]);
  });

  it('takes an account key from its file, checked like the text', () => {
    const env = { CERTATHON_ACME_ACCOUNT_KEY_FILE: '/k.pem' };

    expect(load({ env, files: { '/k.pem': key } }).config.acmeAccountKey).toBe(key);
    expect(problemsOf({ env, files: { '/k.pem': 'nothing' } })).toEqual([
      'acmeAccountKey (env CERTATHON_ACME_ACCOUNT_KEY_FILE, file "/k.pem") [masked] is not a private key in PEM without a passphrase',
    ]);
  });
});
