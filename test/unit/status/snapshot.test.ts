import { describe, expect, it } from 'vitest';
import type { PassResult } from '../../../src/certificates/pass-result.ts';
import { servedBy } from '../../../src/certificates/served.ts';
import { ERRORS } from '../../../src/lib/errors.ts';
import { snapshotOf } from '../../../src/status/snapshot.ts';
import {
  balancer,
  daysFrom,
  facts,
  NOW,
  OURS,
  observation,
  servedFacts,
  stored,
  THEIRS,
  whole,
} from '../../support/observations.ts';

const about = { instance: 'certathon.1', version: '1.2.3', startedAt: daysFrom(-1) };
const result = (changes: Partial<PassResult> = {}): PassResult => ({
  startedAt: NOW,
  finishedAt: NOW,
  seen: whole(observation()),
  plan: undefined,
  done: [],
  problems: [],
  notices: [],
  postponed: [],
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
      certificates: [],
      balancers: [],
      targets: [],
      postponed: [],
      budgets: [],
      lastPass: undefined,
      nextPassAt: undefined,
      retired: [],
      problems: [],
      notices: [],
    });
  });

  it('writes the address of a balancer with IPv6 as in a URL', () => {
    const seen = whole(observation({ balancers: [{ ...balancer('lb.1'), host: '2001:db8::5' }] }));

    expect(snapshotOf(about, result({ seen }), servedBy(seen)).balancers).toMatchObject([
      { address: '[2001:db8::5]:443' },
    ]);
  });

  it('shows what was seen, done and comes next', () => {
    const seen = whole(
      observation({
        names: ['shop.example.com', 'www.example.com'],
        stored: stored({ names: ['shop.example.com', 'www.example.com'] }),
        balancers: [
          balancer('lb.1'),
          balancer('lb.2', THEIRS),
          balancer('lb.3', { unreachable: 'refused' }),
          { ...balancer('lb.4'), others: [{ name: 'www.example.com', served: servedFacts(THEIRS) }] },
        ],
      }),
    );
    const place = { address: '10.0.0.11:443', target: '/marathon-lb' };
    const id = 'shop.example.com';
    const done = [
      {
        do: 'verify' as const,
        target: '/marathon-lb',
        certificates: [id],
        balancers: ['lb.2'],
        reason: 'not-served' as const,
      },
    ];
    const { names, issuer, notBefore, notAfter, origin } = stored({ names: [id, 'www.example.com'] });

    const limits = [{ limit: 'orders' as const, used: 12, of: 300, keys: 1 }];
    const budgets = [{ ca: 'https://ca.example/dir', limits, heldUntil: undefined }];

    const snapshot = snapshotOf(about, result({ seen, done, budgets }), servedBy(seen));

    expect(snapshot).toEqual({
      ...about,
      state: 'ok',
      names,
      certificates: [
        { id, names, life: 'wanted', fingerprint: OURS, issuer, notBefore, notAfter, origin, leftOut: [] },
      ],
      balancers: [
        { id: 'lb.1', ...place, serves: [{ name: id, ...servedFacts(OURS) }], otherwise: [], current: true },
        {
          id: 'lb.2',
          ...place,
          serves: [{ name: id, ...servedFacts(THEIRS) }],
          otherwise: [id],
          current: false,
        },
        {
          id: 'lb.3',
          ...place,
          serves: [{ name: id, unreachable: 'refused' }],
          otherwise: [id],
          current: false,
        },
        {
          id: 'lb.4',
          ...place,
          serves: [
            { name: id, ...servedFacts(OURS) },
            { name: 'www.example.com', ...servedFacts(THEIRS) },
          ],
          otherwise: ['www.example.com'],
          current: false,
        },
      ],
      targets: [
        {
          id: '/marathon-lb',
          strategy: 'environment',
          places: [{ certificate: id, place: 'HAPROXY_SSL_CERT of /marathon-lb', holds: OURS }],
          deployments: [],
        },
      ],
      postponed: [],
      budgets,
      lastPass: { startedAt: NOW, finishedAt: NOW, did: ['verify'] },
      nextPassAt: daysFrom(50),
      retired: [],
      problems: [],
      notices: [],
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
  ])('names what stands in the place when it is %j', (state, holds) => {
    const seen = whole(observation({ state }));

    expect(snapshotOf(about, result({ seen })).targets[0]?.places[0]?.holds).toBe(holds);
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
