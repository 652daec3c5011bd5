import { describe, expect, it } from 'vitest';
import type { PassResult } from '../../../src/certificates/pass.ts';
import { ERRORS } from '../../../src/lib/errors.ts';
import { snapshotOf } from '../../../src/status/snapshot.ts';
import {
  balancer,
  daysFrom,
  facts,
  NOW,
  OURS,
  observation,
  stored,
  THEIRS,
} from '../../support/observations.ts';

const about = { instance: 'certathon.1', version: '1.2.3', startedAt: daysFrom(-1) };
const result = (changes: Partial<PassResult> = {}): PassResult => ({
  startedAt: NOW,
  finishedAt: NOW,
  seen: observation(),
  plan: undefined,
  done: [],
  problems: [],
  checkAgainAt: daysFrom(50),
  exitStatus: 0,
  ...changes,
});

describe('snapshotOf()', () => {
  it('waits before the first pass has ended', () => {
    expect(snapshotOf(about, undefined)).toEqual({
      ...about,
      state: 'waiting',
      names: [],
      certificate: undefined,
      balancers: [],
      app: undefined,
      lastPass: undefined,
      nextPassAt: undefined,
      problems: [],
    });
  });

  it('shows what was seen, done and comes next', () => {
    const seen = observation({
      balancers: [balancer('lb.1'), balancer('lb.2', THEIRS), balancer('lb.3', { unreachable: 'refused' })],
    });
    const done = [
      { do: 'verify' as const, fingerprint: OURS, balancers: ['lb.2'], reason: 'not-served' as const },
    ];

    const snapshot = snapshotOf(about, result({ seen, done }));

    expect(snapshot).toEqual({
      ...about,
      state: 'ok',
      names: ['shop.example.com'],
      certificate: stored(),
      balancers: [
        { task: 'lb.1', address: '10.0.0.11:443', serves: OURS, current: true },
        { task: 'lb.2', address: '10.0.0.11:443', serves: THEIRS, current: false },
        { task: 'lb.3', address: '10.0.0.11:443', serves: 'nothing: refused', current: false },
      ],
      app: { id: '/marathon-lb', variable: 'HAPROXY_SSL_CERT', holds: OURS, deployments: [] },
      lastPass: { startedAt: NOW, finishedAt: NOW, did: ['verify'] },
      nextPassAt: daysFrom(50),
      problems: [],
    });
  });

  it.each([
    [{ kind: 'empty' as const }, 'empty'],
    [{ kind: 'secret' as const, secret: 'tls' }, 'secret'],
    [{ kind: 'unreadable' as const, problem: 'odd' }, 'unreadable'],
    [
      {
        kind: 'certificate' as const,
        facts: facts({ fingerprint: THEIRS }),
        ours: false,
        placeholder: false,
      },
      THEIRS,
    ],
  ])('names what the variable holds when it is %j', (state, holds) => {
    expect(snapshotOf(about, result({ seen: observation({ state }) })).app?.holds).toBe(holds);
  });

  it('gives each problem its hint', () => {
    const problems = [
      { code: 'APP_LOCKED', message: 'It is locked' },
      { code: 'SOMETHING_NEW', message: 'Odd' },
    ];

    const snapshot = snapshotOf(about, result({ problems, seen: undefined }));

    expect(snapshot.state).toBe('failing');
    expect(snapshot.problems).toEqual([
      { code: 'APP_LOCKED', message: 'It is locked', hint: ERRORS.APP_LOCKED.hint },
      { code: 'SOMETHING_NEW', message: 'Odd', hint: '' },
    ]);
  });
});
