import { describe, expect, it } from 'vitest';
import type { StoredCertificate } from '../../../src/certificates/model.ts';
import { planAll } from '../../../src/certificates/plan-all.ts';
import { explanations, lookSteps, MOST_LOOKS } from '../../../src/certificates/plan-looks.ts';
import type { LookHold } from '../../../src/certificates/store-schema.ts';
import type { Observation, ObservedCertificate } from '../../../src/certificates/world.ts';
import {
  daysFrom,
  facts,
  NOW,
  observation,
  observedCertificate,
  policy,
  stored,
  THEIRS,
  whole,
} from '../../support/observations.ts';
import { told } from '../../support/renewals.ts';

const ID = 'shop.example.com';
const CA = 'https://acme.example/directory';
const MINUTE_MS = 60_000;
const in_ = (minutes: number) => new Date(NOW.getTime() + minutes * MINUTE_MS);
/** Where the marks of five minutes are, by the fingerprint of the first certificate. */
const OFFSET_MS = 0xaaaaaaaa % 300_000;
const mark = (count: number) => NOW.getTime() + OFFSET_MS + count * 5 * MINUTE_MS;
const asking = { asksRenewal: true };
const held = (changes: Partial<LookHold> = {}): LookHold => ({
  since: NOW,
  until: in_(7),
  failures: 1,
  ...changes,
});

type Changes = Partial<ObservedCertificate> & { at?: Partial<StoredCertificate> };
const certificate = ({ at, ...changes }: Changes = {}) =>
  observedCertificate({ stored: stored(at), ...changes });
const looksOf = (certificates: ObservedCertificate[], more: Partial<Observation> = {}, asked?: Set<string>) =>
  lookSteps({ certificates, now: NOW, ...more }, asking, asked);
const idsIn = (steps: { certificates?: string[] }[]) => steps.flatMap((step) => step.certificates ?? []);

describe('lookSteps()', () => {
  it.each<[string, Changes]>([
    ['nothing is known', {}],
    ['a look has come', { renewal: told({ askAt: NOW }) }],
    ['what is known is about the one before', { renewal: told({ fingerprint: THEIRS }) }],
    ['what is known is from another CA', { renewal: told({ directoryUrl: 'https://other.example/' }) }],
    ['nobody wants it any more, but it is still renewed', { life: 'grace' }],
    ['a clock that was far ahead wrote down the next look', { renewal: told({ askAt: daysFrom(2) }) }],
    [
      'it was issued by a CA that is no longer asked',
      { at: { issuedBy: { directoryUrl: 'https://old/', accountUrl: '1' } } },
    ],
  ])('asks when %s', (_what, changes) => {
    expect(looksOf([certificate(changes)])).toEqual({
      before: [{ do: 'ask-renewal', certificates: [ID], reason: 'look-due' }],
      after: [],
      checkAgainMs: Number.POSITIVE_INFINITY,
    });
  });

  it.each<[string, Changes]>([
    ['there is no certificate', { stored: undefined }],
    ['it is over', { at: { notAfter: NOW } }],
    ['it is no longer renewed', { life: 'ended' }],
    ['others have taken its place', { life: 'replaced' }],
    ['it is to be revoked', { revoked: true }],
    ['it was signed by its own key', { at: { selfSigned: true } }],
    ['it is plainly of the test CA', { at: { issuer: 'CN=(STAGING) Tomato' } }],
  ])('never asks when %s', (_what, changes) => {
    expect(looksOf([certificate(changes)])).toEqual({
      before: [],
      after: [],
      checkAgainMs: Number.POSITIVE_INFINITY,
    });
  });

  it('asks nothing when it is switched off', () => {
    const seen = { certificates: [certificate()], now: NOW };

    expect(lookSteps(seen, { asksRenewal: false }).before).toEqual([]);
    expect(lookSteps(seen, {}).before).toEqual([]);
  });

  it.each([
    [0.1, 0],
    [5, 1],
    [5.1, 1],
    [301, 60],
  ])('waits for a look in %f minutes until mark %i, so that many need few passes', (minutes, count) => {
    const looks = looksOf([certificate({ renewal: told({ askAt: in_(minutes) }) })]);

    expect(looks).toEqual({ before: [], after: [], checkAgainMs: mark(count) });
  });

  it.each<[string, LookHold | undefined, boolean]>([
    ['is in trouble', held(), false],
    ['was in trouble', held({ until: NOW }), true],
    ['was held back by a clock that was ahead', held({ since: daysFrom(1), until: daysFrom(2) }), true],
    ['is another one than the one in trouble', undefined, true],
  ])('asks no CA that %s', (_what, hold, isAsked) => {
    const lookHolds = new Map([hold === undefined ? ['https://other.example/', held()] : [CA, hold]]);
    const looks = looksOf([certificate()], { lookHolds: lookHolds as ReadonlyMap<string, LookHold> });

    expect(looks.before.length).toBe(isAsked ? 1 : 0);
    expect(looks.checkAgainMs).toBe(isAsked ? Number.POSITIVE_INFINITY : mark(2));
  });

  it('asks for what has just come after it was delivered, for all others before anything is ordered', () => {
    const looks = looksOf([
      certificate({ id: 'new', at: { storedAt: in_(-1) } }),
      certificate({ id: 'again', at: { storedAt: in_(-1) }, renewal: told({ askAt: NOW }) }),
      certificate({ id: 'old', at: { storedAt: in_(-61) } }),
    ]);

    expect([idsIn(looks.before as never), idsIn(looks.after as never)]).toEqual([['again', 'old'], ['new']]);
  });

  it('asks nobody twice in a pass, and at the next mark again', () => {
    expect(looksOf([certificate()], {}, new Set([facts().fingerprint]))).toEqual({
      before: [],
      after: [],
      checkAgainMs: mark(0),
    });
  });

  it('asks for some at a time, what ends first before the others, and for the rest at the next mark', () => {
    const many = Array.from({ length: MOST_LOOKS + 20 }, (_, at) =>
      certificate({
        id: `n${at}`,
        at: { fingerprint: at.toString(16).padStart(64, '0'), notAfter: daysFrom(1000 - at) },
      }),
    );
    const looks = looksOf(many);
    const asked = new Set(Array.from({ length: MOST_LOOKS - 3 }, (_, at) => `other ${at}`));

    expect(idsIn(looks.before as never)).toHaveLength(MOST_LOOKS);
    expect(idsIn(looks.before as never)[0]).toBe(`n${MOST_LOOKS + 19}`);
    expect(looks.checkAgainMs).toBe(NOW.getTime() + 5 * MINUTE_MS);
    expect(idsIn(looksOf(many, {}, asked).before as never)).toHaveLength(3);
  });
});

describe('planAll() and what CAs say', () => {
  const due = { notBefore: daysFrom(-61), notAfter: daysFrom(29) };

  it('asks before it orders, and orders in the same plan what is due anyway', () => {
    const seen = whole(observation({ stored: stored(due) }));
    const { steps } = planAll(seen, { ...policy({ renewAt: 'auto' }), asksRenewal: true });

    expect(steps.map((step) => step.do)).toEqual(['ask-renewal', 'order', 'deliver']);
  });

  it('orders what the CA wants renewed now, and looks again at the exact moment when it is later', () => {
    const past = told({ window: { start: daysFrom(-1), end: daysFrom(-0.9) } });
    const soon = told({ window: { start: in_(60), end: new Date(in_(60).getTime() + 1) } });
    const plan = (renewal = past) =>
      planAll(whole(observation(), { renewal }), { ...policy({ renewAt: 'auto' }), asksRenewal: true });

    expect(plan().steps[0]).toMatchObject({ do: 'order', reason: 'renewal-info' });
    expect(plan(soon)).toMatchObject({ steps: [], checkAgainAt: in_(60) });
  });

  it('keeps a version that a person put back, whatever the CA says of it', () => {
    const past = told({ window: { start: daysFrom(-1), end: daysFrom(-0.9) } });
    const seen = whole(observation({ stored: stored({ keptUntil: daysFrom(3) }) }), { renewal: past });

    expect(planAll(seen, { ...policy(), asksRenewal: true })).toMatchObject({
      steps: [],
      checkAgainAt: new Date(mark(60)),
    });
  });

  it('shows a page that explains a window once, however many certificates it is about', () => {
    const url = 'https://ca.example/incident/7';
    const renewal = told({ explanationUrl: url });
    const certificates = ['a', 'b', 'c'].map((id) => certificate({ id, renewal }));

    expect(explanations({ certificates: [...certificates, certificate()] }, asking)).toEqual([
      { code: 'RENEWAL_EXPLAINED', message: `The CA explains when it wants a and 2 more renewed: ${url}` },
    ]);
    expect(explanations({ certificates }, {})).toEqual([]);
  });
});
