import { describe, expect, it } from 'vitest';
import {
  type Check,
  checksOfApp,
  type DoctorFacts,
  keyReaders,
} from '../../../src/delivery/doctor-checks.ts';
import { toVariable } from '../../../src/delivery/variable.ts';
import { appSchema } from '../../../src/marathon/app-schema.ts';
import { makeBundle } from '../../support/bundles.ts';

const { pem } = makeBundle();
const CHECK = { protocol: 'HTTP', path: '/_haproxy_health_check', intervalSeconds: 5 };
const task = (index: number, changes: object = {}) => ({
  id: `lb.${index}`,
  host: `10.0.0.${index + 1}`,
  state: 'TASK_RUNNING',
  healthCheckResults: [{ alive: true }],
  ...changes,
});
/** Two healthy balancers as the reference of marathon-lb defines them. */
const app = (changes: object = {}) =>
  appSchema.parse({
    id: '/marathon-lb',
    instances: 2,
    args: ['sse', '-m', 'http://marathon:8080', '--group', 'external'],
    networks: [{ mode: 'host' }],
    env: { HAPROXY_SSL_CERT: toVariable(pem) },
    healthChecks: [CHECK],
    upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 },
    tasks: [task(0), task(1)],
    ...changes,
  });
const facts = (changes: Partial<DoctorFacts> = {}): DoctorFacts => ({
  marathonVersion: '1.8.222',
  delivery: 'environment',
  variable: 'HAPROXY_SSL_CERT',
  hasSpareAgent: undefined,
  front: undefined,
  ownLabels: undefined,
  ...changes,
});
const levels = (checks: Check[]) => checks.map(({ level, code }) => `${level} ${code}`);
const of = (checks: Check[], code: string) => checks.filter((check) => check.code === code);
const one = { instances: 1, tasks: [task(0)] };

describe('checksOfApp()', () => {
  it('is content with two healthy balancers, and tells who reads the key', () => {
    expect(levels(checksOfApp(app(), facts()))).toEqual([
      'ok APP',
      'ok RESTART',
      'ok STRATEGY',
      'note FRONT',
      'ok HEALTH_CHECK',
      'ok SIZE',
    ]);
  });

  it('is content with a directory, whatever a restart would do', () => {
    const args = ['sse', '--ssl-certs', '/certs', '-m', 'x'];
    const checks = checksOfApp(
      app({
        ...one,
        args: ['--ssl-certs', '/certs', ...args],
        upgradeStrategy: { minimumHealthCapacity: 1 },
      }),
      facts({ delivery: 'directory' }),
    );

    expect(levels(checks)).toEqual(['ok APP', 'note RESTART', 'note STRATEGY', 'ok HEALTH_CHECK']);
  });

  it('names the app at each line, begins each sentence with a capital letter and ends none', () => {
    const worst = app({
      ...one,
      args: ['poll', '--strict-mode', '--ssl-certs=/x'],
      healthChecks: [],
      env: { HAPROXY_SSL_CERT: 'A'.repeat(130_000) },
      deployments: [{ id: 'd1' }],
    });
    const checks = checksOfApp(worst, facts());

    expect(checks.length).toBeGreaterThan(8);
    expect(checks.filter((check) => check.app !== '/marathon-lb')).toEqual([]);
    expect(checks.filter(({ sentence }) => !/^([A-Z0-9]|--|HAPROXY).*[^.]$/.test(sentence))).toEqual([]);
    expect(checks.filter(({ hint = 'Do.' }) => !/[.]$/.test(hint))).toEqual([]);
    expect(checks.filter(({ level, error }) => (level === 'fail') !== (error !== undefined))).toEqual([]);
  });
});

describe('the restart', () => {
  const single = (min: number, over = 0) => ({
    ...one,
    upgradeStrategy: { minimumHealthCapacity: min, maximumOverCapacity: over },
  });
  it.each([
    ['one that leaves a gap', single(0), {}, ['warn RESTART', 'ok STRATEGY']],
    ['one that may hang', single(1, 1), {}, ['fail RESTART', 'note FREE_AGENT', 'note STRATEGY']],
    [
      'one with a free agent',
      single(1, 1),
      { hasSpareAgent: true },
      ['ok RESTART', 'note FREE_AGENT', 'ok STRATEGY'],
    ],
    [
      'one that surely hangs',
      { ...single(1, 1), constraints: [['hostname', 'CLUSTER', '10.0.0.1']] },
      {},
      ['fail RESTART', 'note STRATEGY'],
    ],
    [
      'two that are stopped together',
      { upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 } },
      {},
      ['warn RESTART', 'warn STRATEGY'],
    ],
    ['none', { instances: 0, tasks: [] }, {}, ['ok RESTART', 'ok STRATEGY']],
    ['two on a later Marathon', {}, { marathonVersion: '1.11.24' }, ['fail RESTART']],
  ])('of %s', (_what, changes, about, expected) => {
    const checks = checksOfApp(app(changes), facts(about));

    const found = levels(checks).filter((line) => /RESTART|FREE_AGENT|STRATEGY/.test(line));
    expect(found).toEqual(expected);
    for (const { level, error } of of(checks, 'RESTART'))
      expect(error).toBe(level === 'fail' ? 'DELIVERY_WOULD_HANG' : undefined);
  });

  it('is told of with what runs where, and with the lock', () => {
    const checks = checksOfApp(
      app({
        instances: 3,
        deployments: [{ id: 'd1' }],
        tasks: [task(0), task(1), task(2, { state: 'TASK_STAGING' })],
      }),
      facts(),
    );

    expect(of(checks, 'APP')).toMatchObject([
      { level: 'warn', sentence: '2 of 3 balancers run, on 10.0.0.1, 10.0.0.2' },
    ]);
    expect(of(checks, 'LOCK')).toMatchObject([{ level: 'note', sentence: expect.stringContaining('(d1)') }]);
  });
});

describe('health checks', () => {
  it.each([
    ['missing', [], {}, 'warn', 'no health check'],
    ['slow', [{ ...CHECK, intervalSeconds: 120 }], {}, 'warn', 'every 120 s only'],
    ['without an end', [{ ...CHECK, maxConsecutiveFailures: 0 }], {}, 'note', 'never replaces'],
    [
      'by the leader of a later Marathon',
      [CHECK],
      { marathonVersion: '1.10.26' },
      'warn',
      'counts no balancer',
    ],
    [
      'by Mesos on a later Marathon',
      [{ protocol: 'MESOS_HTTP', path: '/h' }],
      { marathonVersion: '1.10.26' },
      'ok',
      'MESOS_HTTP /h',
    ],
    ['usual', [CHECK], {}, 'ok', 'Health is checked by HTTP /_haproxy_health_check'],
  ])('that are %s', (_what, healthChecks, about, level, words) => {
    expect(of(checksOfApp(app({ healthChecks }), facts(about)), 'HEALTH_CHECK')).toMatchObject([
      { level, sentence: expect.stringContaining(words) },
    ]);
  });
});

describe('the size of the variables', () => {
  const sized = (bytes: number, more = {}) => ({
    env: {
      HAPROXY_SSL_CERT: 'A'.repeat(bytes - 'HAPROXY_SSL_CERT='.length),
      OTHER: 'A'.repeat(900_000),
      ...more,
    },
  });
  it.each([
    [
      'small',
      sized(5_000),
      'ok',
      'HAPROXY_SSL_CERT has 5000 of 122880 bytes, all certificates together 5000 of 409600',
    ],
    ['almost full', sized(100_000), 'warn', '100000 of 122880'],
    ['too large', sized(122_881), 'fail', '122881 of 122880'],
    [
      'too large together',
      sized(
        100_000,
        Object.fromEntries([1, 2, 3, 4].map((slot) => [`HAPROXY_SSL_CERT${slot}`, 'A'.repeat(90_000)])),
      ),
      'fail',
      'together 460072 of 409600',
    ],
    ['empty', { env: {} }, 'ok', 'has 0 of'],
    ['a secret', { env: { HAPROXY_SSL_CERT: { secret: 's' } } }, 'ok', 'has 0 of'],
  ])('that is %s', (_what, changes, level, words) => {
    const [check] = of(checksOfApp(app(changes), facts()), 'SIZE');

    expect(check).toMatchObject({ level, sentence: expect.stringContaining(words) });
    expect(check?.error).toBe(level === 'fail' ? 'DELIVERY_TOO_LARGE' : undefined);
  });
});

describe('the arguments of marathon-lb', () => {
  const found = (args: string[], about: Partial<DoctorFacts> = {}) =>
    levels(checksOfApp(app({ args }), facts(about))).filter((line) => /SSL_CERTS|MODE|STRICT/.test(line));
  it.each([
    [['sse', '--group', 'external'], {}, []],
    [['sse', '--ssl-certs=/certs'], {}, ['fail SSL_CERTS']],
    [['--ssl-certs', '/certs', 'sse'], {}, ['warn SSL_CERTS']],
    [['poll', '--group', '*'], {}, ['note MODE']],
    [['--ssl-certs', '/certs', 'poll'], {}, ['warn SSL_CERTS', 'note MODE']],
    [['sse', '--strict-mode'], {}, ['note STRICT']],
    [['sse', '--strict-mode'], { ownLabels: {} }, ['warn STRICT']],
    [['sse', '--strict-mode'], { ownLabels: { HAPROXY_0_ENABLED: 'true' } }, []],
    [['sse'], { delivery: 'directory' }, ['warn SSL_CERTS']],
    [['sse', '--ssl-certs=/certs'], { delivery: 'directory' }, []],
    [['--ssl-certs', '/certs', 'poll'], { delivery: 'directory' }, ['warn MODE']],
  ] as const)('%j, %j', (args, about, expected) => {
    expect(found([...args], about)).toEqual(expected);
  });

  it('are read from a command line too', () => {
    const checks = checksOfApp(app({ args: [], cmd: '/marathon-lb/run poll  --strict-mode' }), facts());

    expect(levels(checks)).toContain('note STRICT');
    expect(levels(checks)).toContain('note MODE');
  });
});

describe('who reads the key', () => {
  it('is everybody who may read the app, unless a directory is used', () => {
    const environment = keyReaders('environment', 'HAPROXY_SSL_CERT');
    const directory = keyReaders('directory', 'HAPROXY_SSL_CERT');

    expect(environment).toMatchObject({
      level: 'note',
      sentence: expect.stringContaining('API, events, up to 50 stored versions'),
      hint: expect.stringContaining('directory'),
    });
    expect(directory).toMatchObject({ level: 'ok' });
  });
});
