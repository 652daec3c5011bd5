import { describe, expect, it } from 'vitest';
import { planAll, type Wishes } from '../../../src/certificates/plan-all.ts';
import { isKeyLost, revokedBy } from '../../../src/certificates/store-revocations.ts';
import type { Revocation } from '../../../src/certificates/store-schema.ts';
import type { ObservedCertificate } from '../../../src/certificates/world.ts';
import {
  daysFrom,
  hold,
  holding,
  NOW,
  OURS,
  observation,
  policy,
  stored,
  whole,
} from '../../support/observations.ts';

const ID = 'shop.example.com';
const ELSEWHERE = 'https://second.example/directory';
const revocation = (changes: Partial<Revocation> = {}): Revocation => ({
  certificate: ID,
  fingerprint: OURS,
  names: [ID],
  reason: 'superseded',
  by: 'account',
  directoryUrl: 'https://acme.example/directory',
  keyHash: '1'.repeat(64),
  askedAt: NOW,
  state: 'asked',
  ...changes,
});
const { forced: _forced, ...POLICY } = policy();
const ended: Partial<ObservedCertificate> = { life: 'ended', goneSince: daysFrom(-20) };

function steps(
  certificate: Partial<ObservedCertificate>,
  {
    revocations = [] as Revocation[],
    wishes = {} as Wishes,
    isHeld = true,
    askedAt = undefined as Date | undefined,
  } = {},
): string[] {
  const state = isHeld ? holding({}, { ours: true }) : ({ kind: 'empty' } as const);
  const seen = {
    ...whole(observation({ state, stored: stored() }), certificate),
    revoked: revokedBy(revocations),
  };
  return planAll(seen, { ...POLICY, askedAt }, wishes).steps.map((step) => `${step.do} ${step.reason}`);
}

describe('planAll() about revocations', () => {
  it.each<[string, string[], Partial<ObservedCertificate>, Parameters<typeof steps>[1]]>([
    [
      'asks the CA, then replaces it',
      ['revoke superseded', 'order revoked', 'deliver issued'],
      { revoked: true },
      { revocations: [revocation()] },
    ],
    [
      'only replaces what is revoked',
      ['order revoked', 'deliver issued'],
      { revoked: true },
      { revocations: [revocation({ state: 'revoked' })] },
    ],
    [
      'asks for an earlier version too',
      ['revoke superseded'],
      {},
      { revocations: [revocation({ fingerprint: 'e'.repeat(64) })] },
    ],
    [
      'waits while the CA wants to be left alone',
      [],
      { revoked: true, orderHold: hold() },
      { revocations: [revocation()] },
    ],
    [
      'waits at the CA that issued it, while another one is ordered from',
      ['order revoked', 'deliver issued'],
      { revoked: true, holds: [hold({ directoryUrl: ELSEWHERE })] },
      { revocations: [revocation({ directoryUrl: ELSEWHERE })] },
    ],
    [
      'asks the CA that issued it, while orders at another one wait',
      ['revoke superseded'],
      { revoked: true, orderHold: hold(), holds: [hold()] },
      { revocations: [revocation({ directoryUrl: ELSEWHERE })] },
    ],
    [
      'does not wait when a person asks again',
      ['revoke superseded', 'order revoked', 'deliver issued'],
      { revoked: true, orderHold: hold() },
      { revocations: [revocation()], askedAt: NOW },
    ],
    [
      'keeps one that nobody wants until the CA was asked',
      ['revoke superseded'],
      { ...ended, revoked: true },
      { revocations: [revocation()], isHeld: false },
    ],
    [
      'takes out one that nobody wants then',
      ['remove revoked'],
      { ...ended, revoked: true },
      { revocations: [revocation({ state: 'already' })], isHeld: false },
    ],
  ])('%s', (_what, expected, certificate, rest) => {
    expect(steps(certificate, rest)).toEqual(expected);
  });

  it.each<[Partial<Revocation>, boolean]>([
    [{ reason: 'keyCompromise' }, true],
    [{ by: 'key' }, true],
    [{ state: 'refused', reason: 'keyCompromise' }, true],
    [{}, false],
    [{ state: 'revoked' }, false],
  ])('counts the key of %j as lost: %s', (changes, lost) => {
    const one = revocation(changes);

    expect(isKeyLost(one)).toBe(lost);
    expect(revokedBy([one]).lostKeys.has(one.keyHash)).toBe(lost);
  });
});

describe('planAll() about a certificate that a person wants to forget', () => {
  const wishes = { isForgotten: (id: string) => id === ID };

  it.each<[string, string[], Partial<ObservedCertificate>, Parameters<typeof steps>[1]]>([
    ['writes that down', ['forget asked'], { life: 'grace', goneSince: daysFrom(-1) }, { wishes }],
    ['leaves one that is wanted', [], {}, { wishes }],
    ['keeps it while a target holds it', [], { ...ended, forgotten: true }, { wishes }],
    ['removes it then', ['remove forgotten'], { ...ended, forgotten: true }, { wishes, isHeld: false }],
    [
      'takes it back into use when it is wanted again',
      ['assign wanted-again'],
      { goneSince: NOW, forgotten: true },
      {},
    ],
  ])('%s', (_what, expected, certificate, rest) => {
    expect(steps(certificate, rest)).toEqual(expected);
  });
});
