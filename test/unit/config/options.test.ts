import { describe, expect, it } from 'vitest';
import { helpOptions, maskedView, referenceRows } from '../../../src/config/describe.ts';
import { parseKind } from '../../../src/config/kinds.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { type CommandName, envName, flagName, type OptionEntry } from '../../../src/config/option.ts';
import { OPTIONS } from '../../../src/config/options.ts';
import { nearest } from '../../../src/config/suggest.ts';

const ENTRIES: readonly OptionEntry[] = OPTIONS;

describe('OPTIONS', () => {
  it('has no name twice, neither as option nor as variable', () => {
    const variables = ENTRIES.flatMap(({ name, also = [] }) => [
      envName(name),
      ...also.map((one) => one.name),
    ]);

    expect(new Set(variables).size).toBe(variables.length);
  });

  it.each(ENTRIES.map((entry) => [entry.name, entry] as const))(
    'describes %s by a sentence',
    (_name, entry) => {
      expect(entry.doc).toMatch(/^[A-Z].*\.$/);
      expect(entry.name).toMatch(/^[a-z][A-Za-z]+$/);
    },
  );

  const written = ENTRIES.flatMap((entry) =>
    [entry.default, entry.example].flatMap((text) =>
      text === undefined ? [] : [[entry.name, text, entry] as const],
    ),
  );
  it.each(written)('accepts for %s its own default or example %j', (_name, text, entry) => {
    expect(parseKind(entry.kind, text, entry)).not.toHaveProperty('problem');
  });

  it('derives flag and variable', () => {
    expect(flagName('acmeCaFile')).toBe('--acme-ca-file');
    expect(envName('acmeCaFile')).toBe('CERTATHON_ACME_CA_FILE');
  });
});

describe('helpOptions()', () => {
  it('gives each command its own options', () => {
    const flagsOf = (command: 'serve' | 'renew') => helpOptions(command).map(({ flags }) => flags);

    expect(flagsOf('renew')).toContain('--now');
    expect(flagsOf('serve')).not.toContain('--now');
    expect(flagsOf('serve')).toContain('--schedule <cron>');
    expect(flagsOf('renew')).not.toContain('--schedule <cron>');
  });

  it('keeps what is about certificates out of rollouts, and the other way round', () => {
    const namesOf = (command: CommandName) =>
      helpOptions(command).map(({ flags }) => flags.split(' ')[0] as string);
    const shared = ['--marathon-url', '--marathon-lb-app', '--balancer-admin-port', '--request-timeout'];
    const certificates = ['--acme-email', '--store', '--delivery', '--domains', '--tls-port', '--renew-at'];
    const rollouts = ['--marathon-lb', '--max-wait', '--accept', '--pre-kill-hook'];

    expect(namesOf('serve')).toEqual(expect.arrayContaining([...shared, ...certificates]));
    expect(namesOf('rollout start')).toEqual(expect.arrayContaining([...shared, ...rollouts]));
    expect(namesOf('rollout start').filter((flag) => certificates.includes(flag))).toEqual([]);
    expect(namesOf('serve').filter((flag) => rollouts.includes(flag))).toEqual([]);
  });

  it.each([
    ['rollout start', '--app', '--group'],
    ['rollout status', '--group', '--max-wait'],
    ['rollout resume', '--complete', '--dry-run'],
    ['rollout abort', '--yes', '--complete'],
    ['rollout history', '--json', '--yes'],
    ['zdd', '--complete-prev', '--json'],
  ] as const)('gives %s %s and not %s', (command, own, foreign) => {
    const flags = helpOptions(command).map((option) => option.flags.split(' ')[0]);

    expect(flags).toContain(own);
    expect(flags).not.toContain(foreign);
  });

  it('names default, choices and variable in one line', () => {
    expect(helpOptions('serve').find(({ flags }) => flags.startsWith('--route-check'))?.description).toBe(
      'Whether the public route of each name, and its CAA records, are tried before the CA is asked. One of off, warn, require. Default: warn. [CERTATHON_ROUTE_CHECK]',
    );
  });
});

describe('maskedView()', () => {
  it('shows values, and of secrets only that they are set', () => {
    const { config } = loadConfig({
      env: { CERTATHON_MARATHON_PASSWORD: 'shown-never', CERTATHON_TLS_PORT: '9443' },
      terminal: false,
    });

    const view = maskedView(config);

    expect(view).toMatchObject({ marathonPassword: '[masked]', tlsPort: 9443 });
    expect(view).not.toHaveProperty('adminToken');
    expect(JSON.stringify(view)).not.toContain('shown-never');
  });

  it('shows an address without whoever stands before its @', () => {
    const { config } = loadConfig({
      env: { CERTATHON_MARATHON_LB: 'http://bob:hunter-77@lb:9090 http://alone@lb http://lb2' },
      terminal: false,
    });

    expect(maskedView(config).marathonLb).toEqual([
      'http://[masked]@lb:9090',
      'http://[masked]@lb',
      'http://lb2',
    ]);
  });
});

describe('referenceRows()', () => {
  it('has a row for every option', () => {
    expect(referenceRows().map(({ name }) => name)).toEqual(ENTRIES.map(({ name }) => name));
  });
});

describe('referenceRows() of commands', () => {
  it.each([
    ['marathonUrl', 'all'],
    ['store', 'certificates, store, accounts'],
    ['ca', 'accounts'],
    ['marathonLb', 'rollouts'],
    ['schedule', 'serve'],
    ['dryRun', 'renew, plan, adopt, rollout start, zdd'],
  ])('calls those of %s %s', (option, commands) => {
    expect(referenceRows().find(({ name }) => name === option)?.commands).toBe(commands);
  });
});

describe('nearest()', () => {
  const known = ['CERTATHON_MARATHON_URL', 'CERTATHON_DOMAINS', 'CERTATHON_STORE'];
  it.each([
    ['CERTATHON_MARATHON_ULR', 'CERTATHON_MARATHON_URL'],
    ['CERTATHON_DOMAIN', 'CERTATHON_DOMAINS'],
    ['CERTATHON_SOMETHING_ELSE', undefined],
    ['x'.repeat(10_000), undefined],
  ])('takes %s for %s', (name, expected) => {
    expect(nearest(name, known)).toBe(expected);
  });
});
