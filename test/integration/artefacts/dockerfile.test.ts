import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IMAGE_USER } from '../../../src/config/stock-settings.ts';
import { buildStages, isIgnored, parseDockerfile } from './dockerfile.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const PACKAGE = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};
const INSTRUCTIONS = parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
const valuesOf = (word: string) => INSTRUCTIONS.filter((one) => one.word === word).map(({ rest }) => rest);

describe('the Dockerfile', () => {
  it('stands on the Node that the tests run on', () => {
    const major = PACKAGE.devDependencies.node?.split('.')[0];

    expect(valuesOf('FROM').map((image) => image.split(' ')[0])).toEqual([
      `node:${major}-slim`,
      `node:${major}-slim`,
    ]);
  });

  it('serves by default, and starts as root to become a user without rights', () => {
    expect(valuesOf('ENTRYPOINT')).toEqual(['["node", "/app/src/main.ts"]']);
    expect(valuesOf('CMD')).toEqual(['["serve"]']);
    expect(valuesOf('USER')).toEqual([]);
    expect(valuesOf('ENV').join(' ')).toContain(`CERTATHON_USER=${IMAGE_USER}`);
  });

  it('fills the compile cache as root, which starts the program, and lets the other user read it', () => {
    const words = INSTRUCTIONS.map(({ word, rest }) => `${word} ${rest}`);
    const warmUp = words.findIndex((line) => line.startsWith('RUN node src/main.ts --help'));

    expect(words[warmUp]).toMatch(/CERTATHON_USER=0 .* chmod -R a\+rX \/var\/cache\/certathon$/);
    expect(warmUp).toBeGreaterThan(words.findIndex((line) => /^ENV .*NODE_COMPILE_CACHE=/.test(line)));
  });

  it('declares no volume, since Marathon mounts the store', () => {
    expect(INSTRUCTIONS.filter(({ word }) => ['VOLUME', 'HEALTHCHECK', 'ADD', 'ARG'].includes(word))).toEqual(
      [],
    );
  });
});

describe('isIgnored()', () => {
  const lines = ['*', '!src', 'src/lab'];
  it.each([
    ['README.md', true],
    ['node_modules', true],
    ['src', false],
    ['src/main.ts', false],
    ['src/lab', true],
    ['src/lab/marathon/api.ts', true],
    ['src/labels.ts', false],
  ])('answers for %s with %s', (path, expected) => {
    expect(isIgnored(lines, path)).toBe(expected);
  });
});

/** What the image would hold, started as nobody where this test may change the user. */
describe('the image', { timeout: 150_000 }, () => {
  let folder = '';
  let image = '';
  const isRoot = process.getuid?.() === 0;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'certathon-image-'));
    chmodSync(folder, 0o755);
    // What `npm test` tells its scripts is about this clone; the registry and the way to it stay.
    const foreign = /^(npm_(package|lifecycle)_|npm_config_(local_)?prefix$|INIT_CWD$|CERTATHON_|NODE_ENV$)/;
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
    image = buildStages(ROOT, folder, env);
    mkdirSync(join(image, 'bin'));
    // The Node of this clone may lie where nobody may read.
    copyFileSync(process.execPath, join(image, 'bin/node'), constants.COPYFILE_FICLONE);
    chmodSync(join(image, 'bin/node'), 0o755);
  }, 150_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function run(args: string[], env: Record<string, string> = {}) {
    const { status, stdout, stderr } = spawnSync(
      join(image, 'bin/node'),
      [join(image, 'app/src/main.ts'), ...args],
      {
        cwd: '/',
        encoding: 'utf8',
        env: { PATH: '/usr/bin:/bin', NODE_ENV: 'production', ...env },
        timeout: 30_000,
        ...(isRoot ? { uid: 65_534, gid: 65_534 } : {}),
      },
    );
    return { status, stdout, stderr };
  }

  it('holds the runtime dependencies and none for development', () => {
    const modules = join(image, 'app/node_modules');
    const missing = Object.keys(PACKAGE.dependencies).filter((name) => !existsSync(join(modules, name)));
    const extra = Object.keys(PACKAGE.devDependencies).filter((name) => existsSync(join(modules, name)));

    expect({ missing, extra }).toEqual({ missing: [], extra: [] });
  });

  it('holds the program without the lab, the tests and the scripts', () => {
    expect(readdirSync(join(image, 'app')).sort()).toEqual([
      'LICENSE',
      'node_modules',
      'package.json',
      'src',
    ]);
    expect(existsSync(join(image, 'app/src/lab'))).toBe(false);
  });

  it('tells its version and its commands', () => {
    expect(run(['--version'])).toEqual({ status: 0, stdout: `${PACKAGE.version}\n`, stderr: '' });

    const help = run(['--help']);
    expect(help).toMatchObject({ status: 0, stderr: '' });
    expect(help.stdout).toMatch(/serve[\s\S]*renew/);
  });

  it('refuses a wrong configuration with status 2 and words that say what to correct', () => {
    const { status, stderr } = run(['serve'], { CERTATHON_TLS_PORT: 'https', CERTATHON_RENEW_ATT: '1/3' });

    expect(stderr).toContain('tlsPort (env CERTATHON_TLS_PORT) "https" is not a port from 1 to 65535');
    expect(stderr).toContain('did you mean CERTATHON_RENEW_AT?');
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(status).toBe(2);
  });
});
