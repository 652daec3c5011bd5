import { describe, expect, it } from 'vitest';
import type { CertificatePolicy, CertificateStep } from '../../../src/certificates/model.ts';
import { planCertificate } from '../../../src/certificates/plan.ts';
import { shareTimeMs } from '../../../src/certificates/renewal-triggers.ts';
import {
  balancer,
  daysFrom,
  facts,
  hold,
  holding,
  NOW,
  type ObservationChanges,
  OURS,
  observation,
  policy,
  servedFacts,
  stored,
  THEIRS,
  wanted,
} from '../../support/observations.ts';

const names = ['shop.example.com'];
const order = (changes: object = {}): CertificateStep => ({
  do: 'order',
  names,
  reason: 'missing',
  resumes: undefined,
  ...changes,
});
const deliver = (changes: object = {}): CertificateStep => ({
  do: 'deliver',
  target: '/marathon-lb',
  place: 'HAPROXY_SSL_CERT of /marathon-lb',
  fingerprint: OURS,
  reason: 'not-delivered',
  replaces: THEIRS,
  ...changes,
});
const deliverNew = (replaces: string): CertificateStep =>
  deliver({ fingerprint: 'the new one', reason: 'issued', replaces });
const adopt = (reason: string, changes: object = {}) => ({
  do: 'adopt',
  target: '/marathon-lb',
  fingerprint: THEIRS,
  names,
  reason,
  ...changes,
});
const verify = (...balancers: string[]): CertificateStep => ({
  do: 'verify',
  target: '/marathon-lb',
  fingerprint: OURS,
  balancers,
  reason: 'not-served',
});
/** Somebody's certificate for our name, issued before ours. */
const theirs = (changes: object = {}, marks: { ours?: boolean; placeholder?: boolean } = {}) =>
  holding({ fingerprint: THEIRS, notBefore: daysFrom(-20), notAfter: daysFrom(70), ...changes }, marks);
const more = { names: ['other.example.com', 'shop.example.com'] };
const due = { notBefore: daysFrom(-61), notAfter: daysFrom(29) };
const expired = { notBefore: daysFrom(-91), notAfter: daysFrom(-1) };
const letsEncrypt = 'https://acme-v02.api.letsencrypt.org/directory';
const staging = 'C=US, O=(STAGING) Let’s Encrypt, CN=(STAGING) Pseudo Plum E5';

const repair = (...balancers: string[]): CertificateStep => ({
  do: 'repair',
  target: '/marathon-lb',
  fingerprint: OURS,
  balancers,
  reason: 'serves-another',
});
const showing = (fingerprint: string) => [balancer('lb.1', fingerprint), balancer('lb.2', fingerprint)];

const hanging = { kind: 'never' as const, sentence: 'It hangs', gapMs: 0, killedFirst: 0 };

type Row = [string, ObservationChanges, Partial<CertificatePolicy>, object[], string[]];

describe('planCertificate()', () => {
  it.each<Row>([
    ['nothing changed', {}, {}, [], []],
    ['no name is wanted', { names: [], stored: undefined }, {}, [], ['NAMES_MISSING']],
    [
      'the only name is refused',
      { wanted: { ...wanted([]), refused: [{ name: '*.x', source: 'domains', reason: 'no' }] } },
      {},
      [],
      ['NAMES_INVALID'],
    ],
    [
      'one name of two is refused',
      {
        wanted: { ...wanted(names), refused: [{ name: '*.x', source: 'domains', reason: 'no' }] },
        state: { kind: 'empty' },
      },
      {},
      [deliver({ reason: 'empty', replaces: 'empty' })],
      ['NAMES_INVALID'],
    ],

    // A new certificate
    [
      'nothing is there at all',
      { stored: undefined, state: { kind: 'empty' } },
      {},
      [order(), deliverNew('empty')],
      [],
    ],
    [
      'only a placeholder is there',
      { stored: undefined, state: theirs({ selfSigned: true }, { placeholder: true }) },
      {},
      [order(), deliverNew(THEIRS)],
      [],
    ],
    [
      'it is due',
      { stored: stored(due), state: holding(due, { ours: true }) },
      {},
      [order({ reason: 'lifetime-share' }), deliverNew(OURS)],
      [],
    ],
    [
      'it has expired',
      { stored: stored(expired), state: holding(expired, { ours: true }) },
      {},
      [order({ reason: 'expired' }), deliverNew(OURS)],
      [],
    ],
    [
      'a name was added',
      { names: ['new.example.com', ...names] },
      {},
      [order({ names: ['new.example.com', ...names], reason: 'names-missing' }), deliverNew(OURS)],
      [],
    ],
    ['a name was taken away', { stored: stored(more), state: holding(more, { ours: true }) }, {}, [], []],
    ['a person asks for it', {}, { forced: true }, [order({ reason: 'forced' }), deliverNew(OURS)], []],
    [
      'an order for the same names was begun',
      { stored: undefined, state: { kind: 'empty' }, order: { names, url: 'https://acme.example/order/1' } },
      {},
      [order({ resumes: 'https://acme.example/order/1' }), deliverNew('empty')],
      [],
    ],
    [
      'names failed before',
      { stored: undefined, state: { kind: 'empty' }, hasFailed: true },
      {},
      [order({ stagingFirst: true }), deliverNew('empty')],
      [],
    ],
    [
      'names failed before, but the order goes on where it was begun',
      {
        ...{ stored: undefined, state: { kind: 'empty' }, hasFailed: true },
        order: { names, url: 'https://acme.example/order/1' },
      },
      {},
      [order({ resumes: 'https://acme.example/order/1' }), deliverNew('empty')],
      [],
    ],
    [
      'names failed before, but what is served is revoked',
      { hasFailed: true, isRevoked: true },
      {},
      [order({ reason: 'revoked' }), deliverNew(OURS)],
      [],
    ],
    [
      'an order for other names was begun',
      {
        stored: undefined,
        state: { kind: 'empty' },
        order: { names: ['x.example'], url: 'https://acme.example/order/1' },
      },
      {},
      [order(), deliverNew('empty')],
      [],
    ],
    [
      'ours is of the test CA and the real one is asked now',
      {
        stored: stored({ issuer: staging }),
        state: holding({ issuer: staging }, { ours: true }),
        directoryUrl: letsEncrypt,
      },
      {},
      [order({ reason: 'test-certificate' }), deliverNew(OURS)],
      [],
    ],
    [
      'ours is of the test CA, which is asked',
      {
        stored: stored({ issuer: staging }),
        state: holding({ issuer: staging }, { ours: true }),
        directoryUrl: 'https://acme-staging-v02.api.letsencrypt.org/directory',
      },
      {},
      [],
      [],
    ],
    [
      'a private CA calls itself staging',
      { stored: stored({ issuer: 'CN=Corp Staging CA' }), state: holding({}, { ours: true }) },
      {},
      [],
      [],
    ],

    // What is found in marathon-lb
    [
      'the store is empty and marathon-lb has a valid one',
      { stored: undefined, state: theirs() },
      {},
      [adopt('valid-in-place')],
      [],
    ],
    [
      'the store is empty and marathon-lb has a valid one that covers more',
      { stored: undefined, state: theirs(more) },
      {},
      [adopt('valid-in-place', more)],
      [],
    ],
    [
      'the store is empty and a person asks for a new one',
      { stored: undefined, state: theirs() },
      { forced: true },
      [order(), deliverNew(THEIRS)],
      [],
    ],
    [
      'the store is empty and the one in marathon-lb is due',
      { stored: undefined, state: theirs(due) },
      {},
      [order(), deliverNew(THEIRS)],
      [],
    ],
    [
      'the store is empty and the one in marathon-lb lacks a name',
      { stored: undefined, names: ['new.example.com', ...names], state: theirs() },
      {},
      [order({ names: ['new.example.com', ...names] }), deliverNew(THEIRS)],
      [],
    ],
    [
      'the store is empty and the one in marathon-lb is signed by itself',
      { stored: undefined, state: theirs({ selfSigned: true }) },
      {},
      [order(), deliverNew(THEIRS)],
      [],
    ],
    [
      'the store is empty and the one in marathon-lb is of the test CA',
      { stored: undefined, state: theirs({ issuer: staging }), directoryUrl: letsEncrypt },
      {},
      [order(), deliverNew(THEIRS)],
      [],
    ],
    [
      'the store is empty, and the test CA of the one in marathon-lb is asked',
      {
        stored: undefined,
        state: theirs({ issuer: staging }),
        directoryUrl: 'https://acme-staging-v02.api.letsencrypt.org/directory',
      },
      {},
      [adopt('valid-in-place')],
      [],
    ],
    [
      'somebody put in one that was issued later',
      { state: theirs({ notBefore: daysFrom(-5) }) },
      {},
      [adopt('newer-in-place')],
      [],
    ],
    [
      'somebody put in one that was issued earlier and lasts longer',
      { state: theirs({ notAfter: daysFrom(300) }) },
      {},
      [deliver()],
      [],
    ],
    [
      'the one that ours replaced is still there and lasts longer',
      {
        stored: stored({ notBefore: daysFrom(-0.1), notAfter: daysFrom(6) }),
        state: theirs({}, { ours: true }),
      },
      {},
      [deliver()],
      [],
    ],
    [
      'two programs got one on the same day and that of the other is preferred',
      { state: theirs({ notBefore: daysFrom(-10), notAfter: daysFrom(80) }) },
      {},
      [adopt('newer-in-place')],
      [],
    ],
    [
      'ours is due and somebody put in a good one, though issued earlier',
      {
        stored: stored({ ...due, notBefore: daysFrom(-3), notAfter: daysFrom(1) }),
        state: theirs(),
      },
      {},
      [adopt('valid-in-place')],
      [],
    ],

    // What must not be overwritten
    [
      'the variable refers to a secret',
      { state: { kind: 'secret', secret: 'tls' } },
      { replaceForeign: true },
      [],
      ['DELIVERY_SECRET'],
    ],
    [
      'it can not be read',
      { state: { kind: 'unreadable', problem: 'it is odd' } },
      {},
      [],
      ['DELIVERY_UNREADABLE'],
    ],
    [
      'it can not be read and may be replaced',
      { state: { kind: 'unreadable', problem: 'it is odd' } },
      { replaceForeign: true },
      [deliver({ replaces: 'unreadable' })],
      [],
    ],
    ['it is foreign and covers more', { state: theirs(more) }, {}, [], ['DELIVERY_FOREIGN']],
    [
      'it is foreign, covers more and has expired',
      { state: theirs({ ...more, ...expired }) },
      {},
      [],
      ['DELIVERY_FOREIGN'],
    ],
    [
      'it is foreign and has no alternative names',
      { state: theirs({ names: [] }) },
      {},
      [],
      ['DELIVERY_FOREIGN'],
    ],
    [
      'it is foreign and covers more, and a person asks for a new one',
      { stored: undefined, state: theirs(more) },
      { forced: true },
      [],
      ['DELIVERY_FOREIGN'],
    ],
    [
      'it is foreign and covers more, and may be replaced',
      { state: theirs(more) },
      { replaceForeign: true },
      [deliver()],
      [],
    ],
    [
      'it was adopted, covers more and is not due',
      { stored: stored({ ...more, origin: 'adopted' }), state: holding(more) },
      {},
      [],
      [],
    ],
    [
      'it was adopted, covers more and is due',
      { stored: stored({ ...more, ...due, origin: 'adopted' }), state: holding({ ...more, ...due }) },
      {},
      [],
      ['DELIVERY_FOREIGN'],
    ],
    ['it is ours of before and covered more', { state: theirs(more, { ours: true }) }, {}, [deliver()], []],
    [
      'an order for all names is held, and what is stored covers less than what is there',
      {
        names: more.names,
        state: theirs({ ...more, ...due }),
        orderHold: hold(),
      },
      {},
      [],
      ['ACME_CHALLENGE_FAILED', 'DELIVERY_FOREIGN'],
    ],

    // Delivery
    [
      'the variable is empty',
      { state: { kind: 'empty' } },
      {},
      [deliver({ reason: 'empty', replaces: 'empty' })],
      [],
    ],
    [
      'the variable holds a placeholder',
      { state: theirs({ selfSigned: true }, { placeholder: true }) },
      {},
      [deliver({ reason: 'placeholder' })],
      [],
    ],
    [
      'the variable holds an expired one',
      { state: theirs(expired) },
      {},
      [deliver({ reason: 'expired' })],
      [],
    ],
    ['the variable holds another one', { state: theirs() }, {}, [deliver()], []],
    [
      'one balancer shows another certificate',
      { balancers: [balancer('lb.1'), balancer('lb.2', THEIRS)] },
      {},
      [repair('lb.2')],
      [],
    ],
    [
      'one balancer shows another certificate for one of the names',
      {
        balancers: [
          balancer('lb.1'),
          { ...balancer('lb.2'), others: [{ name: 'www.example.com', served: servedFacts(THEIRS) }] },
        ],
      },
      {},
      [repair('lb.2')],
      [],
    ],
    [
      'one balancer shows another certificate while a deployment runs',
      { balancers: [balancer('lb.1'), balancer('lb.2', THEIRS)], at: { deployments: ['d1'] } },
      {},
      [verify('lb.2')],
      [],
    ],
    [
      'one balancer shows another certificate, and its repair is held',
      {
        balancers: [balancer('lb.1'), balancer('lb.2', THEIRS)],
        deliveryHold: hold({ code: 'DELIVERY_NOT_SERVED' }),
      },
      {},
      [],
      ['DELIVERY_NOT_SERVED'],
    ],
    [
      'no balancer shows ours, so a new task would not either',
      { balancers: showing(THEIRS) },
      {},
      [verify('lb.1', 'lb.2')],
      [],
    ],
    [
      'balancers of a shared directory show another one',
      { balancers: showing(THEIRS), at: { strategy: 'directory' } },
      {},
      [repair('lb.1', 'lb.2')],
      [],
    ],
    [
      'the shared directory is not prepared',
      {
        stored: undefined,
        state: { kind: 'empty' },
        at: { strategy: 'directory', missing: ['default.pem'] },
      },
      {},
      [
        { do: 'prepare', target: '/marathon-lb', missing: ['default.pem'], reason: 'not-prepared' },
        order(),
        deliverNew('empty'),
      ],
      [],
    ],
    [
      'somebody else has a file in the shared directory with one of our names and others',
      {
        state: theirs({}, { ours: true }),
        at: { strategy: 'directory', rivals: [{ place: '/certs/more.pem', facts: facts(more) }] },
      },
      {},
      [],
      ['DELIVERY_FOREIGN'],
    ],
    [
      'a restart would hang and something is to be delivered',
      { state: theirs(), at: { restart: hanging } },
      {},
      [],
      ['DELIVERY_WOULD_HANG'],
    ],
    [
      'a restart would hang and a new one is due',
      { stored: stored(due), state: holding(due, { ours: true }), at: { restart: hanging } },
      {},
      [],
      ['DELIVERY_WOULD_HANG'],
    ],
    ['a restart would hang, but nothing is to be delivered', { at: { restart: hanging } }, {}, [], []],
    ['no app serves the names', { targets: [] }, {}, [], ['BALANCERS_UNKNOWN']],
    [
      'both balancers do not answer',
      {
        balancers: [
          balancer('lb.1', { unreachable: 'refused' }),
          balancer('lb.2', { unreachable: 'refused' }),
        ],
      },
      {},
      [verify('lb.1', 'lb.2')],
      [],
    ],
    ['no balancer runs', { balancers: [] }, {}, [], ['DELIVERY_NOT_SERVED']],

    // Holds
    [
      'the order is held and nothing is there',
      { stored: undefined, state: { kind: 'empty' }, orderHold: hold() },
      {},
      [],
      ['ACME_CHALLENGE_FAILED'],
    ],
    [
      'the order is held and the one before is still good, but not delivered',
      { stored: stored(due), state: { kind: 'empty' }, orderHold: hold() },
      {},
      [deliver({ reason: 'empty', replaces: 'empty' })],
      ['ACME_CHALLENGE_FAILED'],
    ],
    [
      'the order is held and the one before has expired',
      { stored: stored(expired), state: { kind: 'empty' }, orderHold: hold() },
      {},
      [],
      ['ACME_CHALLENGE_FAILED'],
    ],
    [
      'the order was held until now',
      {
        stored: undefined,
        state: { kind: 'empty' },
        orderHold: hold({ until: NOW }),
      },
      {},
      [order(), deliverNew('empty')],
      [],
    ],
    [
      'the order is held by our own back-off and a person asks for a try',
      { orderHold: hold() },
      { forced: true },
      [order({ reason: 'forced' }), deliverNew(OURS)],
      [],
    ],
    [
      'the order is held by the CA and a person asks for a try',
      { orderHold: hold({ byCa: true, code: 'ACME_RATE_LIMITED' }) },
      { forced: true },
      [],
      ['ACME_RATE_LIMITED'],
    ],
    [
      'the order is held by a clock that was a year ahead',
      {
        stored: undefined,
        state: { kind: 'empty' },
        orderHold: hold({ since: daysFrom(365), until: daysFrom(365.1) }),
      },
      {},
      [order(), deliverNew('empty')],
      [],
    ],
    [
      'the delivery is held',
      { state: { kind: 'empty' }, deliveryHold: hold({ code: 'DELIVERY_STUCK' }) },
      {},
      [],
      ['DELIVERY_STUCK'],
    ],
    [
      'it is not served and what was tried is held',
      {
        balancers: [balancer('lb.1', THEIRS)],
        deliveryHold: hold({ code: 'DELIVERY_NOT_SERVED' }),
      },
      {},
      [],
      ['DELIVERY_NOT_SERVED'],
    ],

    // The clock
    [
      'the certificate begins in the future',
      { stored: stored({ notBefore: daysFrom(1), notAfter: daysFrom(91) }) },
      {},
      [],
      ['CLOCK_WRONG'],
    ],
  ])('when %s', (_what, changes, policies, steps, codes) => {
    const plan = planCertificate(observation(changes), policy(policies));

    expect(plan.steps).toEqual(steps);
    expect(plan.problems.map(({ code }) => code)).toEqual(codes);
  });

  it('looks again when the certificate is due, at the end of a hold before that, and not by itself when stuck', () => {
    const calm = planCertificate(observation(), policy());
    const orderHeld = planCertificate(observation({ stored: stored(due), orderHold: hold() }), policy());
    const deliveryHeld = planCertificate(
      observation({ state: { kind: 'empty' }, deliveryHold: hold() }),
      policy(),
    );
    const stuck = planCertificate(observation({ state: { kind: 'secret', secret: 'tls' } }), policy());

    expect(calm.checkAgainAt).toEqual(new Date(shareTimeMs(stored(), 1 / 3)));
    expect(orderHeld.checkAgainAt).toEqual(hold().until);
    expect(deliveryHeld.checkAgainAt).toEqual(hold().until);
    expect(stuck.checkAgainAt).toBeUndefined();
  });

  it('says until when it waits, and how a person may shorten it', () => {
    const own = planCertificate(
      observation({
        stored: undefined,
        state: { kind: 'empty' },
        orderHold: hold(),
      }),
      policy(),
    );
    const byCa = planCertificate(
      observation({
        stored: undefined,
        state: { kind: 'empty' },
        orderHold: hold({ byCa: true }),
      }),
      policy(),
    );

    const words = `CA did not validate shop.example.com; the next order is tried at ${hold().until.toISOString()}`;
    expect(own.problems[0]?.message).toBe(`${words}, or now with --now`);
    expect(byCa.problems[0]?.message).toBe(words);
  });

  it('names what a foreign certificate covers, and who issued it', () => {
    const { problems } = planCertificate(observation({ state: theirs(more) }), policy());

    expect(problems[0]?.message).toBe(
      'HAPROXY_SSL_CERT of /marathon-lb holds a certificate that was not issued by this program (issuer C=US, O=Test, CN=Test CA) and covers other.example.com, which ours would not',
    );
  });
});
