import { describe, expect, it } from 'vitest';
import { differenceOf } from '../../../src/delivery/difference.ts';
import { frontChecks } from '../../../src/delivery/doctor-front.ts';
import { readinessVerdict } from '../../../src/delivery/readiness.ts';
import { appSchema } from '../../../src/marathon/app-schema.ts';

const ADMIN = { port: 9090, name: 'admin' };
const app = (changes: object = {}) =>
  appSchema.parse({
    id: '/marathon-lb',
    instances: 2,
    networks: [{ mode: 'host' }],
    portDefinitions: [{ port: 443, name: 'https' }, ADMIN],
    ...changes,
  });
const FRONT = { detectionMs: 10_000, adminPort: 9090 };
const CHECK = {
  name: 'front',
  protocol: 'HTTP',
  path: '/_haproxy_health_check',
  portName: 'admin',
  intervalSeconds: 10,
  timeoutSeconds: 9,
  httpStatusCodesForReady: [200],
  preserveLastResponse: false,
};
const bridge = { networks: [{ mode: 'container/bridge' }], portDefinitions: [] };

describe('readinessVerdict()', () => {
  it.each([
    ['two balancers without a check', app(), { kind: 'propose', readinessChecks: [CHECK] }],
    ['a single balancer', app({ instances: 1 }), { kind: 'not-needed' }],
    [
      'a check that pauses for longer',
      app({ readinessChecks: [{ ...CHECK, intervalSeconds: 30 }] }),
      { kind: 'paused', intervalMs: 30_000 },
    ],
    [
      'a check of their own that pauses too short',
      app({ readinessChecks: [{ ...CHECK, path: '/own', intervalSeconds: 2, timeoutSeconds: 1 }] }),
      { kind: 'propose', readinessChecks: [{ ...CHECK, path: '/own', timeoutSeconds: 1 }] },
    ],
    ['a port without a name', app({ portDefinitions: [{ port: 9090 }] }), { kind: 'port-unnamed' }],
    ['no such port', app({ portDefinitions: [{ port: 443, name: 'https' }] }), { kind: 'port-unnamed' }],
    [
      'a bridge',
      app({ ...bridge, container: { portMappings: [{ containerPort: 9090, name: 'stats' }] } }),
      { kind: 'propose', readinessChecks: [{ ...CHECK, portName: 'stats' }] },
    ],
  ])('of %s', (_what, seen, verdict) => {
    expect(readinessVerdict(seen, FRONT)).toEqual(verdict);
  });

  it('gives whole seconds, with a timeout below the interval, as Marathon wants them', () => {
    const short = readinessVerdict(app(), { ...FRONT, detectionMs: 1_500 });

    expect(short).toMatchObject({ readinessChecks: [{ intervalSeconds: 2, timeoutSeconds: 1 }] });
  });
});

describe('frontChecks()', () => {
  const facts = {
    ...{ marathonVersion: '1.8.222', delivery: 'environment' as const, variable: 'HAPROXY_SSL_CERT' },
    ...{ hasSpareAgent: undefined, ownLabels: undefined, front: FRONT },
  };
  const line = (...words: Parameters<typeof frontChecks>) =>
    frontChecks(...words).map(({ level, code }) => `${level} ${code}`);

  it('asks for the time, warns without a pause, and is content with one', () => {
    expect(line(app(), { ...facts, front: undefined })).toEqual(['note FRONT']);
    expect(line(app(), facts)).toEqual(['warn FRONT']);
    expect(line(app({ portDefinitions: [] }), facts)).toEqual(['warn FRONT']);
    expect(line(app({ readinessChecks: [CHECK] }), facts)).toEqual(['ok FRONT']);
  });

  it('says nothing about a single balancer, nor where nothing restarts', () => {
    expect(line(app({ instances: 1 }), facts)).toEqual([]);
    expect(line(app(), { ...facts, delivery: 'directory' })).toEqual([]);
  });
});

it('a readiness check is shown as what it asks and how often', () => {
  expect(differenceOf(app(), { readinessChecks: [CHECK] })).toEqual([
    { field: 'readinessChecks', from: 'none', to: '/_haproxy_health_check at port admin every 10 s' },
  ]);
});
