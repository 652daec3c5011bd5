import { describe, expect, it } from 'vitest';
import { directoryChecks } from '../../../src/delivery/doctor-directory.ts';
import { facts } from '../../support/observations.ts';

const balancer = (id: string, answers = true) => ({ id, place: '10.0.0.5:9090', answers });
const certificate = { kind: 'certificate' as const, facts: facts(), pem: '' };
const levels = (...words: Parameters<typeof directoryChecks>) =>
  directoryChecks(...words).map(({ level, code, error }) => [level, code, error].filter(Boolean).join(' '));

describe('directoryChecks()', () => {
  it('is content with a prepared directory and balancers that answer', () => {
    const directory = { missing: [], files: [{ file: 'shop.pem', content: certificate }] };

    expect(levels('/certs', directory, [balancer('lb.1'), balancer('lb.2')], [])).toEqual([
      'ok DIRECTORY',
      'ok SIGNALS',
      'ok SIGNALS',
    ]);
  });

  it('notes what will be made, and warns of a file that blocks HAProxy, by its name and without its content', () => {
    const files = [{ file: 'odd.pem', content: { kind: 'unreadable' as const, problem: 'it is empty' } }];

    const checks = directoryChecks('/certs', { missing: ['default.pem'], files }, [balancer('lb.1')], []);

    expect(checks.map(({ level, code }) => `${level} ${code}`)).toEqual([
      'note DIRECTORY',
      'warn DIRECTORY_FILE',
      'ok SIGNALS',
    ]);
    expect(checks[1]?.sentence).toBe('certs/odd.pem is no bundle: it is empty');
  });

  it('fails when no balancer is found, one can not be found, or takes no signals', () => {
    const empty = { missing: [], files: [] };

    expect(levels('/certs', empty, [], [])).toEqual(['ok DIRECTORY', 'fail BALANCERS BALANCERS_UNKNOWN']);
    expect(levels('/certs', undefined, [balancer('lb.1', false)], ['lb.test: NXDOMAIN'])).toEqual([
      'fail SIGNALS DELIVERY_NOT_SERVED',
      'fail BALANCERS BALANCERS_UNKNOWN',
    ]);
  });
});
