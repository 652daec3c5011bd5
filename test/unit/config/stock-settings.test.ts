import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type CommandCall, createProgram } from '../../../src/cli/program.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { stockSettings } from '../../../src/config/stock-settings.ts';
import { startedFrom } from '../../support/stock.ts';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ACCOUNT = JSON.stringify({
  ...{ uid: 'letsencrypt', login_endpoint: 'https://master.mesos/acs/api/v1/auth/login' },
  private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
});

type Start = ReturnType<typeof startedFrom>;

/** Through the same steps as main.ts: settings, command line, configuration. */
async function loaded({ argv, env, exists }: Start) {
  const stock = stockSettings(argv, env, exists);
  const calls: CommandCall[] = [];
  const program = createProgram(
    async (call) => void calls.push(call),
    async () => undefined,
  );
  await program.parseAsync([...stock.argv], { from: 'user' });
  const [call] = calls;
  if (call === undefined) throw new Error('no command');
  const { config, sources, warnings } = loadConfig({
    ...{ command: call.command, flags: call.flags, env: stock.env, defaults: stock.defaults },
    spelt: { ...stock.spelt, ...call.spelt },
    problems: [...stock.refusals, ...call.problems],
    readFile: () => {
      throw new Error('ENOENT');
    },
  });
  return { stock, command: call.command, config, sources, warnings };
}

const LETSENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory';

describe('a definition of a predecessor with only the image replaced', () => {
  it('of letsencrypt-dcos is one of ours: port 80, its volume, its CA in its second version', async () => {
    const { stock, command, config, warnings } = await loaded(startedFrom('letsencrypt-dcos'));

    expect(command).toBe('serve');
    expect(config).toMatchObject({
      ...{ marathonUrl: ['http://marathon.mesos:8080'], marathonLbApp: ['/marathon-lb'] },
      ...{ acmeEmail: 'ops@example.com', acmeDirectory: LETSENCRYPT, appId: '/letsencrypt-dcos' },
      ...{ delivery: 'environment', certEnv: 'HAPROXY_SSL_CERT', store: '/etc/letsencrypt/certathon' },
      ...{ challengePort: 80, adminPort: 8081, user: undefined, domains: [], discover: 'off' },
    });
    expect(stock).toMatchObject({
      ...{ predecessor: 'letsencrypt-dcos', storage: '/etc/letsencrypt', refusals: [] },
      labels: { ownVhost: true, firstNameOnly: true },
      whyRoot: 'the files in /etc/letsencrypt are those of root, as letsencrypt-dcos ran',
    });
    const lines = [...stock.notices, ...warnings.map(({ fields }) => fields)];
    expect(lines.map((line) => ('given' in line ? line.given : line.option))).toEqual([
      ...[
        'command',
        'MARATHON_URL',
        'MARATHON_LB_ID',
        'LETSENCRYPT_SERVER_URL',
        'LETSENCRYPT_EMAIL',
        'acmeDirectory',
      ],
    ]);
  });

  it('of letsencrypt-dcos on the host’s network listens where Marathon says', async () => {
    const { config, sources } = await loaded(startedFrom('letsencrypt-dcos-host'));

    expect(config).toMatchObject({
      ...{ challengePort: 31_002, certEnv: 'HAPROXY_SSL_CERT2', acmeDirectory: LETSENCRYPT },
      ...{ marathonUser: 'bob', marathonPassword: 'secret-of-bob' },
      domains: ['shop.example.com', 'www.example.com'],
    });
    expect(sources.challengePort).toBe('env PORT0');
  });

  it('of marathon-acme is one of ours: port 8000, its directory for the balancers, our store in it', async () => {
    const { stock, command, config } = await loaded(startedFrom('marathon-acme'));

    expect(command).toBe('serve');
    expect(config).toMatchObject({
      ...{ marathonUrl: ['http://marathon1:8080', 'http://marathon2:8080'], acmeEmail: 'ops@example.com' },
      ...{
        delivery: 'directory',
        directory: '/var/lib/marathon-acme',
        store: '/var/lib/marathon-acme/certathon',
      },
      ...{
        balancerUrls: ['http://lb1:9090', 'http://lb2:9090'],
        challengePort: 8000,
        acmeDirectory: LETSENCRYPT,
      },
    });
    expect(stock.labels).toEqual({ ownVhost: false, firstNameOnly: true });
    expect(config).toMatchObject({ discover: 'labels', groups: ['external'] });
    expect(stock.notices).toHaveLength(5);
  });

  it('of marathon-acme without arguments is told by its volume', async () => {
    const { config } = await loaded(startedFrom('marathon-acme', { args: undefined }));

    expect(config).toMatchObject({
      ...{ delivery: 'directory', directory: '/var/lib/marathon-acme', challengePort: 8000 },
      balancerUrls: ['http://marathon-lb.marathon.mesos:9090'],
    });
  });

  it('of letsencrypt-marathon-lb is one of ours: port 8080, its volume, its service account', async () => {
    const secrets = { 'letsencrypt-marathon-lb/marathon-secret': ACCOUNT };
    const { stock, command, config } = await loaded(startedFrom('letsencrypt-marathon-lb', {}, secrets));

    expect(command).toBe('serve');
    expect(config).toMatchObject({
      ...{
        marathonUrl: ['https://marathon.mesos:8443'],
        marathonLbApp: ['/marathon-lb'],
        challengePort: 8080,
      },
      ...{ acmeDirectory: LETSENCRYPT, delivery: 'environment', store: '/letsencrypt/.lego/certathon' },
      dcosServiceAccount: { uid: 'letsencrypt' },
    });
    expect(stock.predecessor).toBe('letsencrypt-marathon-lb');
  });

  it.each([
    ['letsencrypt-dcos', { env: { LETSENCRYPT_EMAIL: 'a@b.c', LETSENCRYPT_SERVER_URL: '' } }, 'v02'],
    ['letsencrypt-dcos', { env: { LETSENCRYPT_EMAIL: 'a@b.c' } }, 'v02'],
    ['marathon-acme', {}, 'v02'],
    ['letsencrypt-marathon-lb', { env: { LETSENCRYPT_EMAIL: 'a@b.c' } }, 'staging-v02'],
    [
      'letsencrypt-marathon-lb',
      {
        env: {
          LETSENCRYPT_EMAIL: 'a@b.c',
          LETSENCRYPT_URL: 'https://acme-staging.api.letsencrypt.org/directory',
        },
      },
      'staging-v02',
    ],
  ] as const)('of %s, changed by %j, asks the CA that it asked: %s', async (name, change, ca) => {
    const { config } = await loaded(startedFrom(name, change));

    expect(config.acmeDirectory).toBe(`https://acme-${ca}.api.letsencrypt.org/directory`);
  });

  it('is refused whole, with what else is wrong, when it wants Vault or DNS-01', async () => {
    const args = ['--vault', '--lb', 'lb', 'secret'];
    const env = {
      LETSENCRYPT_EMAIL: 'TODO',
      LETSENCRYPT_VERIFICATION_METHOD: 'dns',
      DOMAINS: '*.example.com',
    };

    await expect(loaded(startedFrom('marathon-acme', { args }))).rejects.toMatchObject({
      ...{ code: 'CONFIG_INVALID', exitStatus: 2 },
      facts: {
        problems: [
          expect.stringMatching(/^--vault is/),
          expect.stringMatching(/^balancerUrls \(--lb\) "lb"/),
        ],
      },
    });
    await expect(loaded(startedFrom('letsencrypt-marathon-lb', { env }))).rejects.toMatchObject({
      facts: {
        problems: [
          ...[expect.stringMatching(/DNS-01 is not/), expect.stringMatching(/wildcard \*\.example\.com/)],
          expect.stringMatching(/^acmeEmail \(env LETSENCRYPT_EMAIL\)/),
        ],
      },
    });
  });
});

describe('stockSettings()', () => {
  const start = (change: Record<string, string>, argv = ['serve'], there = ['/etc/letsencrypt']) =>
    stockSettings(argv, { LETSENCRYPT_EMAIL: 'a@b.c', CERTATHON_USER: '1000:1000', ...change }, (path) =>
      there.includes(path),
    );

  it('leaves a definition of our own as it is', () => {
    const env = { CERTATHON_DOMAINS: 'a.example', PORT0: '31002', CERTATHON_USER: '1000:1000' };

    expect(stockSettings(['serve', '--json'], env, () => false)).toEqual({
      ...{
        predecessor: undefined,
        storage: undefined,
        argv: ['serve', '--json'],
        env,
        spelt: {},
        defaults: {},
      },
      ...{ labels: undefined, whyRoot: undefined, notices: [], refusals: [] },
    });
  });

  it.each([
    ['goes on as root over the storage', {}, ['/etc/letsencrypt'], undefined],
    ['goes on as root for port 80', {}, [], undefined],
    ['becomes the user of the image without either', { PORT0: '31002' }, [], '1000:1000'],
    ['becomes it where another port is named', { CERTATHON_CHALLENGE_PORT: '8080' }, [], '1000:1000'],
    ['becomes another user that is named', { CERTATHON_USER: '7:7' }, ['/etc/letsencrypt'], '7:7'],
  ])('%s', (_what, change, there, user) => {
    expect(start(change, ['serve'], there).env.CERTATHON_USER).toBe(user);
  });

  it.each([
    ['behind a bridge, where PORT0 is the agent’s', { PORT0: '31002', PORT_80: '31002' }, '80', undefined],
    ['on the host’s network', { PORT0: '31002', PORT_10001: '31002' }, undefined, '31002'],
    ['without Marathon', {}, '80', undefined],
  ])('tells the port %s', (_where, change, challengePort, port0) => {
    const { defaults, env } = start(change);

    expect([defaults.challengePort?.text, env.PORT0]).toEqual([challengePort, port0]);
  });

  it('keeps a store of ours that was begun elsewhere, and puts a new one into the volume', () => {
    const begun = ['/etc/letsencrypt', '/var/lib/certathon/certificates'];

    expect(start({}).defaults.store?.text).toBe('/etc/letsencrypt/certathon');
    expect(start({}, ['serve'], begun).defaults.store).toBeUndefined();
    expect(start({}, ['serve'], []).defaults.store).toBeUndefined();
  });

  it('lets an operator of marathon-acme choose the other delivery', () => {
    const { defaults } = stockSettings(
      ['/s/'],
      { CERTATHON_DELIVERY: 'environment' },
      (path) => path === '/s/',
    );

    expect(Object.keys(defaults).sort()).toEqual(['challengePort', 'groups', 'store']);
    expect(defaults.store).toEqual({ text: '/s/certathon', source: 'as marathon-acme has it' });
  });
});
