import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  lockHash,
  planCommand,
  planNode,
  planPackages,
  planPath,
  planTools,
} from '../../../scripts/bootstrap.mjs';

const lockOf = (packages: Record<string, unknown>) => JSON.stringify({ packages: { '': {}, ...packages } });
const pino = { 'node_modules/pino': { version: '10.4.0', integrity: 'sha512-a' } };
const darwin = { 'node_modules/darwin': { version: '1.0.0', integrity: 'sha512-b', optional: true } };
const lock = lockOf({ ...pino, ...darwin });

describe('planPackages()', () => {
  it.each([
    ['keeps packages stamped with this very lock file', { stamp: `${lockHash(lock)}\n` }, { do: 'keep' }],
    ['only stamps what npm itself installed by this lock file', { installed: lockOf(pino) }, { do: 'stamp' }],
    ['installs into an empty clone', {}, { do: 'install', reason: 'no npm packages are installed' }],
    [
      'installs when a package has another version',
      {
        installed: lockOf({ 'node_modules/pino': { version: '9.0.0' } }),
        stamp: lockHash('an older lock file'),
      },
      { do: 'install', reason: 'node_modules/pino is not what the lock file names' },
    ],
    [
      'installs when a package is missing',
      { installed: lockOf({}) },
      { do: 'install', reason: 'node_modules/pino is not what the lock file names' },
    ],
    [
      'installs over a torn list',
      { installed: '{' },
      { do: 'install', reason: 'the list of installed npm packages is unreadable' },
    ],
  ])('%s', (_what, seen, plan) => {
    expect(planPackages({ lock, ...seen })).toEqual(plan);
  });
});

describe('planTools()', () => {
  const calm = {
    missing: ['haproxy', 'pebble', 'pebble-challtestsrv'],
    hasApt: true,
    isRoot: true,
    canSudo: false,
  };

  it('does nothing when nothing is missing', () => {
    expect(planTools({ ...calm, missing: [] })).toEqual({ do: 'nothing' });
  });

  it('installs each package once, as root, without starting a service', () => {
    const plan = planTools(calm);

    expect(plan).toMatchObject({
      do: 'install',
      packages: ['haproxy', 'pebble'],
      argv: ['sh', '-c', expect.any(String)],
    });
    const script = plan.do === 'install' ? plan.argv.at(-1) : '';
    expect(script).toContain('apt-get install -y --no-install-recommends haproxy pebble');
    expect(script).toContain('policy-rc.d');
    expect(spawnSync('sh', ['-n', '-c', script ?? '']).status).toBe(0);
  });

  it('takes the DNS server without its service', () => {
    expect(planTools({ ...calm, missing: ['dnsmasq'] })).toMatchObject({ packages: ['dnsmasq-base'] });
  });

  it('goes through sudo when that asks nothing', () => {
    expect(planTools({ ...calm, isRoot: false, canSudo: true })).toMatchObject({
      argv: ['sudo', '-n', 'sh', '-c', expect.any(String)],
    });
  });

  it.each([
    [
      'without rights',
      { isRoot: false },
      'pebble not found; install with sudo apt-get install -y --no-install-recommends pebble',
    ],
    [
      'without apt',
      { hasApt: false },
      'pebble not found; install with your package manager (on Debian and Ubuntu: sudo apt-get install -y --no-install-recommends pebble)',
    ],
  ])('says what to install %s', (_what, seen, sentence) => {
    expect(planTools({ ...calm, missing: ['pebble'], ...seen })).toEqual({ do: 'stop', sentence });
  });
});

describe('planNode()', () => {
  it.each([
    ['v24.21.0', 'v20.20.2', 'pinned'],
    ['v24.21.0', 'v26.0.0', 'pinned'],
    [undefined, 'v24.1.0', 'running'],
    [undefined, 'v20.20.2', 'none'],
    ['', 'v22.9.0', 'none'],
  ] as const)('given the pinned %s and the running %s goes on with %s', (pinned, running, choice) => {
    expect(planNode({ pinned, running })).toBe(choice);
  });
});

describe('planPath()', () => {
  it('puts the packages first and adds the folders of daemons, each once', () => {
    expect(planPath('/r', '/usr/bin:/r/node_modules/.bin:/usr/sbin')).toBe(
      '/r/node_modules/.bin:/usr/bin:/usr/sbin:/usr/local/sbin:/sbin',
    );
  });
});

describe('planCommand()', () => {
  it.each([
    ['demo', ['src/main.ts', 'lab', 'demo', '--keep'], true],
    ['lab', ['src/main.ts', 'lab', '--keep'], true],
    ['test', ['scripts/test.ts', '--keep'], true],
    ['check', ['scripts/test.ts', '--project', 'unit', '--keep'], false],
  ])('passes the arguments of %s on', (name, argv, tools) => {
    expect(planCommand(name, ['--keep'])).toEqual({ argv, tools, env: {} });
  });

  it.each([
    ['deom', '"deom" is no command; there are demo, lab, test, test:long, bench, check, docs.'],
    ['constructor', '"constructor" is no command; there are demo, lab, test, test:long, bench, check, docs.'],
    [undefined, 'A command is missing; there are demo, lab, test, test:long, bench, check, docs.'],
  ])('answers %s with one sentence', (name, problem) => {
    expect(planCommand(name)).toEqual({ problem });
  });
});

describe('scripts/bootstrap.mjs', () => {
  it('ends outside a whole clone with one sentence and no stack', () => {
    const folder = mkdtempSync(join(tmpdir(), 'certathon-bootstrap-'));
    mkdirSync(join(folder, 'scripts'));
    const script = join(folder, 'scripts/bootstrap.mjs');
    cpSync(resolve(import.meta.dirname, '../../../scripts/bootstrap.mjs'), script);

    const { status, stdout, stderr } = spawnSync(process.execPath, [script, 'check'], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });

    expect(stderr).toBe(
      `${folder} has no package-lock.json; run this inside a whole clone of the repository.\n`,
    );
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  });
});
