import { describe, expect, it } from 'vitest';
import { readZddFlags, ZDD_FLAGS, zddOptions } from '../../../src/cli/zdd-flags.ts';
import { longhelp } from '../../../src/cli/zdd-longhelp.ts';
import { OPTIONS } from '../../../src/config/options.ts';

const nothing = { spelt: {}, notes: [], problems: [] };

function readFile(path: string): string {
  const texts: Record<string, string> = {
    '/login': 'bob:pa:ss\r\nthe rest\n',
    '/empty': '\n',
    '/bare': 'bob\n',
  };
  const text = texts[path];
  if (text === undefined) throw new Error('ENOENT');
  return text;
}

const read = (typed: Record<string, unknown>) => readZddFlags(typed, readFile);

describe('ZDD_FLAGS', () => {
  it('has every flag of zdd.py, by both its names', () => {
    expect(Object.values(ZDD_FLAGS).map(({ flags }) => flags.replace(/ <.*/, ''))).toEqual([
      '--longhelp',
      ...['-m, --marathon', '-l, --marathon-lb', '-j, --json', '-d, --dry-run', '-f, --force'],
      ...['-s, --step-delay', '-i, --initial-instances', '--linear-increase', '-r, --resume'],
      ...['-w, --max-wait', '-n, --new-instances', '-c, --complete-cur', '-p, --complete-prev'],
      ...['--pre-kill-hook', '--syslog-socket', '--log-format', '--log-level', '--auth-credentials'],
      ...['--marathon-auth-credential-file', '--dcos-auth-credentials', '--marathon-ca-cert'],
    ]);
  });

  it('names only options that exist, and means something by each flag', () => {
    const names = new Set<string>(OPTIONS.map(({ name }) => name));

    for (const { option, doc, flags } of Object.values(ZDD_FLAGS)) {
      if (option !== undefined) expect(names).toContain(option);
      expect(option ?? doc, flags).toBeDefined();
    }
  });
});

describe('zddOptions()', () => {
  it('has the flags of zdd.py, then the other options of rollouts, none twice', () => {
    const options = zddOptions();
    const long = options.map(({ flags }) => /--[a-z-]+/.exec(flags)?.[0]);

    expect(new Set(long).size).toBe(long.length);
    expect(long).toEqual(expect.arrayContaining(['--drain-timeout', '--on-failure', '--accept', '--old']));
    expect(long).not.toContain('--acme-email');
    expect(options.filter(({ description }) => !/^[A-Z].*\.|\]$/.test(description))).toEqual([]);
  });
});

describe('readZddFlags()', () => {
  it.each([
    [{ marathon: 'http://m:8080' }, { marathonUrl: 'http://m:8080' }, { marathonUrl: '--marathon' }],
    [{ json: 'a.json' }, { app: 'a.json' }, { app: '--json' }],
    [{ force: true }, { yes: true }, { yes: '--force' }],
    [{ completeCur: true }, { complete: true }, { complete: '--complete-cur' }],
    [{ newInstances: '=2' }, { newInstances: '2' }, { newInstances: '--new-instances' }],
    [{ marathonCaCert: '/ca' }, { marathonCaFile: '/ca' }, { marathonCaFile: '--marathon-ca-cert' }],
    [{ drainTimeout: '60' }, { drainTimeout: '60' }, { drainTimeout: '--drain-timeout' }],
    [{}, {}, {}],
  ])('reads %j as %j', (typed, flags, spelt) => {
    expect(read(typed)).toEqual({ ...nothing, flags, spelt });
  });

  it.each([
    ['DEBUG', 'debug'],
    ['INFO', 'info'],
    ['WARNING', 'warn'],
    ['ERROR', 'error'],
    ['CRITICAL', 'error'],
    ['NOTSET', 'debug'],
    ['warning', 'warn'],
    ['warn', 'warn'],
    ['LOUD', 'LOUD'],
  ])('reads the log level %s as %s', (given, level) => {
    expect(read({ logLevel: given }).flags).toEqual({ logLevel: level });
  });

  it.each([
    [{ syslogSocket: '/dev/null' }, {}, []],
    [
      { syslogSocket: '/dev/log' },
      {},
      [{ option: '--syslog-socket', reason: 'log lines go to standard error, not to a socket' }],
    ],
    [
      { logFormat: '%(asctime)-15s %(name)s: %(message)s' },
      {},
      [{ option: '--log-format', reason: 'log lines are json or text, not in a format of Python' }],
    ],
    [{ logFormat: 'json' }, { logFormat: 'json' }, []],
  ])('takes %j, and says once what means nothing', (typed, flags, notes) => {
    expect(read(typed)).toMatchObject({ flags, notes, problems: [] });
  });

  it.each([
    [{ authCredentials: 'bob:pa:ss' }, { marathonUser: 'bob', marathonPassword: 'pa:ss' }],
    [{ marathonAuthCredentialFile: '/login' }, { marathonUser: 'bob', marathonPassword: 'pa:ss' }],
    [{ marathonAuthCredentialFile: '/empty' }, {}],
    [
      { authCredentials: 'bob:pa:ss', marathonAuthCredentialFile: '/login' },
      { marathonUser: 'bob', marathonPassword: 'pa:ss' },
    ],
    [{ dcosAuthCredentials: '{"uid":"x"}' }, { dcosServiceAccount: '{"uid":"x"}' }],
  ])('takes who we are from %j', (typed, flags) => {
    expect(read(typed)).toMatchObject({ flags, problems: [] });
  });

  it.each([
    [{ authCredentials: 'bob' }, '--auth-credentials is not user and password with a colon between them'],
    [{ authCredentials: ':x' }, '--auth-credentials is not user and password with a colon between them'],
    [
      { marathonAuthCredentialFile: '/bare' },
      'the first line of --marathon-auth-credential-file "/bare" is not user and password with a colon between them',
    ],
    [
      { marathonAuthCredentialFile: '/gone' },
      '--marathon-auth-credential-file "/gone" cannot be read: ENOENT',
    ],
    [
      { authCredentials: 'bob:other', marathonAuthCredentialFile: '/login' },
      '--auth-credentials and --marathon-auth-credential-file disagree about marathonPassword; give one of them',
    ],
    [
      { marathon: 'http://a', marathonUrl: 'http://b' },
      '--marathon-url and --marathon disagree about marathonUrl; give one of them',
    ],
  ])('says what is wrong with %j, without the password', (typed, problem) => {
    expect(read(typed).problems).toEqual([problem]);
  });
});

describe('longhelp()', () => {
  it('is a page that tells how it works, what is different, and every flag', () => {
    const page = longhelp();

    for (const { flags } of zddOptions()) expect(page).toContain(flags);
    expect(page).toContain('What is different from zdd.py');
    expect(page.split('\n').filter((line) => /\t| $/.test(line))).toEqual([]);
  });
});
