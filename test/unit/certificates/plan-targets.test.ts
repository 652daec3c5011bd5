import { describe, expect, it } from 'vitest';
import type { CertificateObservation, CertificatePolicy, Target } from '../../../src/certificates/model.ts';
import { planCertificate } from '../../../src/certificates/plan.ts';
import {
  AT_ONCE,
  balancer,
  daysFrom,
  facts,
  hold,
  holding,
  NOW,
  OURS,
  observation,
  policy,
  stored,
  THEIRS,
  target,
} from '../../support/observations.ts';

const MINUTE_MS = 60_000;
const minutesFrom = (minutes: number) => new Date(NOW.getTime() + minutes * MINUTE_MS);
/** The certificate before ours, of the same names. */
const former = (changes: object = {}) =>
  holding(
    { fingerprint: THEIRS, notBefore: daysFrom(-70), notAfter: daysFrom(20), ...changes },
    { ours: true },
  );
const internal = (changes: Partial<Target> = {}) =>
  target({ id: '/lb-internal', place: 'HAPROXY_SSL_CERT of /lb-internal', ...changes });
const plan = (seen: CertificateObservation, wish: Partial<CertificatePolicy> = {}) => {
  const made = planCertificate(seen, policy(wish));
  return {
    steps: made.steps.map((step) => `${step.do}${'target' in step ? ` ${step.target}` : ''}`),
    problems: made.problems.map(({ code }) => code),
    postponed: made.postponed,
    checkAgainAt: made.checkAgainAt,
  };
};
const paced = { ...AT_ONCE, intervalMs: 60 * MINUTE_MS, coalesceMs: 30_000 };
/** Saturdays from three to five; NOW is a Sunday. */
const saturdays = { ...AT_ONCE, windows: [{ cron: '0 3 * * 6', durationMs: 120 * MINUTE_MS }] };
const saturday = new Date('2026-01-17T03:00:00Z');

describe('planCertificate() with several targets', () => {
  it('delivers to each that does not hold it', () => {
    const targets = [target({ state: former() }), internal({ state: { kind: 'empty' } })];

    expect(plan(observation({ targets }))).toMatchObject({
      steps: ['deliver /marathon-lb', 'deliver /lb-internal'],
      problems: [],
    });
  });

  it('delivers to one although the other is held, hangs, refers to a secret or is not there', () => {
    const good = internal({ state: former() });
    const restart = { kind: 'never' as const, sentence: 'It hangs', gapMs: 0, killedFirst: 0 };
    const unseen = [{ code: 'APP_MISSING', message: 'Marathon has no app /gone' }];
    const cases = [
      { targets: [target({ state: former(), hold: hold({ code: 'DELIVERY_STUCK' }) }), good] },
      { targets: [target({ state: former(), restart }), good] },
      { targets: [target({ state: { kind: 'secret', secret: 'tls' } }), good] },
      { targets: [good], unseen },
    ];

    const plans = cases.map((each) => plan(observation(each)));

    expect(plans.map(({ steps }) => steps)).toEqual(Array(4).fill(['deliver /lb-internal']));
    expect(plans.map(({ problems }) => problems)).toEqual([
      ['DELIVERY_STUCK'],
      ['DELIVERY_WOULD_HANG'],
      ['DELIVERY_SECRET'],
      ['APP_MISSING'],
    ]);
  });

  it('orders one certificate for all of them', () => {
    const targets = [target({ state: { kind: 'empty' } }), internal({ state: { kind: 'empty' } })];

    expect(plan(observation({ targets, stored: undefined })).steps).toEqual([
      'order',
      'deliver /marathon-lb',
      'deliver /lb-internal',
    ]);
  });
});

describe('planCertificate() and the time of a delivery', () => {
  it('keeps a renewal back for the rest of an hour after the last restart', () => {
    const seen = observation({ state: former(), at: { deliveredAt: minutesFrom(-20) } });

    expect(plan(seen, { pace: paced })).toEqual({
      steps: [],
      problems: [],
      postponed: [{ target: '/marathon-lb', until: minutesFrom(40), reason: 'pace' }],
      checkAgainAt: minutesFrom(40),
    });
  });

  it('keeps a renewal back for a window, and says so without calling it a problem', () => {
    expect(plan(observation({ state: former() }), { pace: saturdays })).toMatchObject({
      steps: [],
      problems: [],
      postponed: [{ target: '/marathon-lb', until: saturday, reason: 'window' }],
    });
  });

  it.each([
    ['a name gets its first certificate', former({ names: ['other.example.com'] }), {}],
    ['nothing was delivered before', { kind: 'empty' as const }, {}],
    ['a person asked for it', former(), { askedAt: NOW }],
    ['little life is left', former({ notAfter: daysFrom(2) }), {}],
  ])('does not wait for a window when %s', (_when, state, wish) => {
    const made = planCertificate(observation({ state }), policy({ pace: saturdays, ...wish }));

    expect(made.steps.map((step) => step.do)).toEqual(['deliver']);
    expect(made.postponed).toEqual([]);
  });

  it('says that it is urgent when that is why it does not wait', () => {
    const seen = observation({ state: former({ notAfter: daysFrom(2) }) });

    const urgent = planCertificate(seen, policy({ pace: saturdays })).steps[0];
    const calm = planCertificate(seen, policy()).steps[0];

    expect(urgent).toMatchObject({ do: 'deliver', urgency: 'urgent' });
    expect(calm).not.toHaveProperty('urgency');
  });

  it('lets a certificate that has just come wait for others before balancers are restarted', () => {
    const seen = observation({
      state: former(),
      stored: stored({ storedAt: new Date(NOW.getTime() - 10_000) }),
    });

    const { steps } = planCertificate(seen, policy({ pace: paced }));

    expect(steps[0]).toEqual({
      do: 'wait',
      target: '/marathon-lb',
      until: new Date(NOW.getTime() + 20_000),
      reason: 'coalescing',
    });
    expect(steps[1]).toMatchObject({ do: 'deliver', fingerprint: OURS });
  });

  it('never keeps a delivery by directory back: nobody notices a reload', () => {
    const at = { strategy: 'directory' as const, deliveredAt: minutesFrom(-1) };

    expect(plan(observation({ state: former(), at }), { pace: { ...paced, ...saturdays } }).steps).toEqual([
      'deliver /marathon-lb',
    ]);
  });

  it('lets an app that is locked wait behind the others', () => {
    const targets = [target({ state: former(), deployments: ['d1'] }), internal({ state: former() })];

    expect(plan(observation({ targets })).steps).toEqual(['deliver /lb-internal', 'deliver /marathon-lb']);
  });

  it('calls it a problem when a balancer shows another certificate until a window opens', () => {
    const balancers = [balancer('lb.1'), balancer('lb.2', THEIRS)];

    const made = planCertificate(observation({ balancers }), policy({ pace: saturdays }));

    expect(made.steps).toEqual([]);
    expect(made.postponed).toEqual([{ target: '/marathon-lb', until: saturday, reason: 'window' }]);
    expect(made.problems).toEqual([
      {
        code: 'DELIVERY_NOT_SERVED',
        message: expect.stringMatching(/^lb\.2 of \/marathon-lb .* at 2026-01-17T03:00:00\.000Z/),
      },
    ]);
  });
});

describe('planCertificate() for a directory in which another file is shown', () => {
  const both = ['other.example.com', 'shop.example.com'];
  const rival = { place: '/shared/certs/aaa.pem', facts: facts({ fingerprint: THEIRS, names: both }) };
  const shared = (changes: Partial<Target>) =>
    observation({
      targets: [
        target({
          ...{ id: '/shared', strategy: 'directory', place: '/shared/certs/shop.example.com.pem' },
          ...{ balancers: [balancer('lb.1', THEIRS), balancer('lb.2')], ...changes },
        }),
      ],
    });

  it('takes out one with our names alone', () => {
    expect(planCertificate(shared({ superfluous: ['aaa.pem'] }), policy()).steps).toMatchObject([
      { do: 'repair', balancers: ['lb.1'], removes: ['aaa.pem'] },
    ]);
  });

  it('names one with other names too, and reloads nobody in vain', () => {
    const made = planCertificate(shared({ rivals: [rival] }), policy());

    expect(made.steps).toEqual([]);
    expect(made.problems).toMatchObject([
      { code: 'DELIVERY_FOREIGN', message: expect.stringMatching(/aaa\.pem .* covers other\.example\.com/) },
    ]);
  });

  it('takes that out as well where it is allowed, also with a delivery', () => {
    const allowed = policy({ replaceForeign: true });
    const removes = ['aaa.pem'];

    expect(planCertificate(shared({ rivals: [rival] }), allowed).steps).toMatchObject([
      { do: 'repair', removes },
    ]);
    expect(planCertificate(shared({ rivals: [rival], state: former() }), allowed).steps).toMatchObject([
      { do: 'deliver', removes },
    ]);
  });

  it('reloads a balancer that shows something else although such a file is there', () => {
    const seen = shared({ rivals: [rival], balancers: [balancer('lb.1', 'c'.repeat(64)), balancer('lb.2')] });

    expect(planCertificate(seen, policy()).steps).toMatchObject([{ do: 'repair', balancers: ['lb.1'] }]);
  });
});
