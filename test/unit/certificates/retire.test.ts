import { describe, expect, it } from 'vitest';
import { lifeOf, lifeSteps, retiredOf } from '../../../src/certificates/retire.ts';
import {
  daysFrom,
  NOW,
  observation,
  observedCertificate,
  stored,
  whole,
} from '../../support/observations.ts';

const DAY_MS = 86_400_000;
const GRACE = { graceMs: 7 * DAY_MS };
const nobody = () => false;
const two = stored({ names: ['a.test', 'b.test'] });

describe('lifeOf()', () => {
  it.each([
    ['just now', undefined, nobody, 'grace'],
    ['for less than the grace', daysFrom(-6), nobody, 'grace'],
    ['for the grace', daysFrom(-7), nobody, 'ended'],
    ['since a time in the future, by a wrong clock', daysFrom(3), nobody, 'grace'],
    ['and others cover all its names', daysFrom(-1), () => true, 'replaced'],
    ['and others cover one of its names', daysFrom(-1), (name: string) => name === 'a.test', 'grace'],
  ])('wanted by nobody %s', (_what, goneSince, isCovered, life) => {
    expect(lifeOf(two, goneSince, isCovered, { now: NOW, ...GRACE })).toBe(life);
  });

  it('replaces one without a bundle', () => {
    expect(lifeOf(undefined, undefined, nobody, { now: NOW })).toBe('replaced');
  });

  it.each([
    ['issued', 10, 'grace'],
    ['issued', 8, 'replaced'],
    ['adopted', 8, 'grace'],
    ['adopted', 0, 'replaced'],
  ] as const)(
    'that was %s and has %d days left does not outshine the one that a name moved to',
    (origin, days, life) => {
      const old = { ...two, origin, notBefore: daysFrom(days - 90), notAfter: daysFrom(days) };
      const isA = (name: string) => name === 'a.test';

      expect(lifeOf(old, undefined, isA, { now: NOW, ...GRACE, isWanted: isA })).toBe(life);
      // Where no other one covers what is wanted, it is all there is.
      expect(lifeOf(old, undefined, nobody, { now: NOW, ...GRACE, isWanted: isA })).toBe('grace');
    },
  );
});

describe('lifeSteps()', () => {
  const steps = (
    certificate: Parameters<typeof observedCertificate>[0],
    { holds = false, now = NOW }: { holds?: boolean; now?: Date } = {},
  ) => {
    const seen = whole(observation({ now }), observedCertificate({ stored: stored(), ...certificate }));
    for (const target of seen.targets) target.holds = new Set(holds ? ['shop.example.com'] : []);
    const { before, after, checkAgainAt } = lifeSteps(seen, GRACE);
    return [
      ...before.map(({ do: what, reason }) => `${what} ${reason}`),
      ...after.map(({ do: what, reason }) => `${what} ${reason}`),
      ...(checkAgainAt ? [checkAgainAt] : []),
    ];
  };
  const gone = daysFrom(-1);

  it.each([
    ['nothing is new', {}, []],
    ['it has no record yet', { recorded: undefined }, ['assign packed']],
    ['neither record, bundle nor order', { recorded: undefined, stored: undefined }, []],
    [
      'an order and no record',
      { recorded: undefined, stored: undefined, order: { names: [], url: undefined } },
      ['assign packed'],
    ],
    ['it has another owner', { key: '/shop' }, ['assign packed']],
    ['it is wanted again', { goneSince: gone }, ['assign wanted-again']],
    ['nobody wants it', { life: 'grace' as const }, ['retire not-wanted', daysFrom(7)]],
    ['nobody has wanted it for a while', { life: 'grace' as const, goneSince: gone }, [daysFrom(6)]],
    ['the grace is over', { life: 'ended' as const, goneSince: daysFrom(-9) }, []],
    [
      'the grace is over, and it is',
      { life: 'ended' as const, goneSince: daysFrom(-9), stored: stored({ notAfter: NOW }) },
      ['remove expired'],
    ],
    ['others cover its names', { life: 'replaced' as const }, ['remove replaced']],
  ])('when %s', (_when, certificate, expected) => {
    expect(steps(certificate)).toEqual(expected);
  });

  it('removes nothing that a target holds', () => {
    expect(steps({ life: 'replaced' }, { holds: true })).toEqual([]);
    expect(
      steps({ life: 'ended', goneSince: daysFrom(-9), stored: stored({ notAfter: NOW }) }, { holds: true }),
    ).toEqual([]);
  });
});

describe('retiredOf()', () => {
  it('tells until when it is renewed, and when it goes', () => {
    const of = (life: 'wanted' | 'grace' | 'ended', goneSince?: Date) =>
      retiredOf(whole(observation(), observedCertificate({ stored: stored(), life, goneSince })), GRACE);

    expect(of('wanted')).toEqual([]);
    expect(of('grace', daysFrom(-2))).toMatchObject([
      { since: daysFrom(-2), renewedUntil: daysFrom(5), removedAt: undefined },
    ]);
    expect(of('ended', daysFrom(-9))).toMatchObject([{ removedAt: daysFrom(80) }]);
  });
});
