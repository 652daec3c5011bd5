import { describe, expect, it } from 'vitest';
import type { Version } from '../../../src/certificates/model.ts';
import { planCertificate } from '../../../src/certificates/plan.ts';
import {
  daysFrom,
  facts,
  hold,
  holding,
  type ObservationChanges,
  observation,
  policy,
  stored,
  THEIRS,
} from '../../support/observations.ts';

const [A, B, C] = ['a.example.com', 'b.example.com', 'c.example.com'];
const EARLIER = 'e'.repeat(64);
const OTHER = 'f'.repeat(64);

function version(changes: Partial<Version> = {}): Version {
  return {
    ...facts({ names: [A, B], fingerprint: EARLIER }),
    keyHash: '1'.repeat(64),
    writtenAt: daysFrom(-10),
    ...changes,
  };
}
/** The stored certificate covers a and c, and a and b are wanted. */
const lacking = (changes: ObservationChanges = {}) =>
  observation({
    names: [A, B],
    stored: stored({ names: [A, C] }),
    state: holding({ names: [A, C] }, { ours: true }),
    versions: [version()],
    ...changes,
  });
const first = (changes: ObservationChanges, wish = {}) => {
  const [step] = planCertificate(lacking(changes), policy(wish)).steps;
  return step === undefined ? 'nothing' : `${step.do} ${'reason' in step ? step.reason : ''}`;
};

describe('planCertificate() about names that come back', () => {
  it('takes the version that covers them into use again instead of ordering', () => {
    expect(planCertificate(lacking(), policy()).steps).toEqual([
      { do: 'restore', fingerprint: EARLIER, names: [A, B], reason: 'names-covered' },
    ]);
  });

  it.each<[string, ObservationChanges, string]>([
    ['although orders are held', { orderHold: hold({ byCa: true }) }, 'restore names-covered'],
    [
      'when it covers more',
      { versions: [version({ names: [A, B, 'd.example.com'] })] },
      'restore names-covered',
    ],
    ['not when it lacks a name', { versions: [version({ names: [A] })] }, 'order names-missing'],
    [
      'not when it is due',
      { versions: [version({ notBefore: daysFrom(-61), notAfter: daysFrom(29) })] },
      'order names-missing',
    ],
    ['not when it is expired', { versions: [version({ notAfter: daysFrom(-1) })] }, 'order names-missing'],
    [
      'not when it is from the future',
      { versions: [version({ notBefore: daysFrom(1) })] },
      'order names-missing',
    ],
    ['not when it is signed by itself', { versions: [version({ selfSigned: true })] }, 'order names-missing'],
    ['not when it was revoked or set aside', { refused: new Set([EARLIER]) }, 'order names-missing'],
    [
      'not when the stored one covers all',
      { stored: stored({ names: [A, B] }), state: holding({ names: [A, B] }, { ours: true }) },
      'nothing',
    ],
    ['not when the stored one is revoked', { isRevoked: true }, 'order revoked'],
    [
      'not one of the test CA',
      {
        directoryUrl: 'https://acme-v02.api.letsencrypt.org/directory',
        versions: [version({ issuer: "C=US, O=(STAGING) Let's Encrypt, CN=(STAGING) Riddling Rhubarb R12" })],
      },
      'order names-missing',
    ],
  ])('%s', (_what, changes, step) => {
    expect(first(changes)).toBe(step);
  });

  it('takes the one with exactly these names, then the one that ends last', () => {
    const more = version({ names: [A, B, C], fingerprint: OTHER, notAfter: daysFrom(85) });
    const later = version({ fingerprint: THEIRS, notAfter: daysFrom(81) });
    const chosen = (...versions: Version[]) => planCertificate(lacking({ versions }), policy()).steps[0];

    expect(chosen(more, version())).toMatchObject({ fingerprint: EARLIER });
    expect(chosen(version(), later)).toMatchObject({ fingerprint: THEIRS });
  });

  it('orders when a person asks for a new one', () => {
    expect(first({}, { forced: true })).toBe('order forced');
  });
});

describe('planCertificate() about a version that a person wants back', () => {
  const due = { notBefore: daysFrom(-61), notAfter: daysFrom(29) };
  const step = (changes: ObservationChanges, wish = {}) => {
    const steps = planCertificate(observation(changes), policy(wish)).steps;
    return steps.map((each) => `${each.do} ${each.reason}`);
  };

  it.each<[string, ObservationChanges, object, string[]]>([
    ['is taken into use', {}, { restore: EARLIER }, ['restore asked']],
    ['is not when it is in use', {}, { restore: facts().fingerprint }, []],
    ['stays although it is due', { stored: stored({ ...due, keptUntil: daysFrom(14) }) }, {}, []],
    [
      'is renewed after half of its time',
      { stored: stored({ ...due, keptUntil: daysFrom(-1) }) },
      {},
      ['order lifetime-share', 'deliver issued'],
    ],
    [
      'is renewed when somebody asks',
      { stored: stored({ ...due, keptUntil: daysFrom(14) }) },
      { forced: true },
      ['order forced', 'deliver issued'],
    ],
    ['is ordered anew when it is revoked', { isRevoked: true }, {}, ['order revoked', 'deliver issued']],
    [
      'is not replaced by its successor in the target',
      {
        stored: stored({ notBefore: daysFrom(-20) }),
        state: holding({ fingerprint: THEIRS, notBefore: daysFrom(-1) }),
        refused: new Set([THEIRS]),
      },
      {},
      ['deliver not-delivered'],
    ],
  ])('%s', (_what, changes, wish, expected) => {
    expect(step(changes, wish)).toEqual(expected);
  });

  it('tells when it is renewed', () => {
    const seen = observation({ stored: stored({ ...due, keptUntil: daysFrom(14) }) });

    expect(planCertificate(seen, policy()).checkAgainAt).toEqual(daysFrom(14));
  });
});

describe('planCertificate() about what was revoked', () => {
  it.each<[string, ObservationChanges, string]>([
    [
      'does not take it over from a target',
      { stored: undefined, refused: new Set([THEIRS]), state: holding({ fingerprint: THEIRS }) },
      'order missing',
    ],
    [
      'takes over what was not',
      { stored: undefined, state: holding({ fingerprint: THEIRS }) },
      'adopt valid-in-place',
    ],
  ])('%s', (_what, changes, expected) => {
    const [step] = planCertificate(observation(changes), policy()).steps;

    expect(`${step?.do} ${step?.reason}`).toBe(expected);
  });

  it('brings its successor without waiting for a window or the pace', () => {
    const pace = { windows: [], timeZone: 'UTC', intervalMs: 86_400_000, coalesceMs: 0 };
    const at = { deliveredAt: daysFrom(-0.1) };
    const seen = {
      stored: stored({ notBefore: daysFrom(-1) }),
      state: holding({ fingerprint: THEIRS }, { ours: true }),
    };
    const steps = (isRevoked: object) =>
      planCertificate(observation({ ...seen, at: { ...at, ...isRevoked } }), policy({ pace })).steps.map(
        (each) => each.do,
      );

    expect(steps({})).toEqual([]);
    expect(steps({ isRevoked: true })).toEqual(['deliver']);
  });
});
