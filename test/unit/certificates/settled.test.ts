import fc from 'fast-check';
import { expect, it } from 'vitest';
import { planCertificate } from '../../../src/certificates/plan.ts';
import { settledUntil } from '../../../src/certificates/settled.ts';
import { coveringOf, viewOf } from '../../../src/certificates/view.ts';
import type { CertificatePlace, Observation, ObservedTarget } from '../../../src/certificates/world.ts';
import type { Served } from '../../../src/delivery/delivery.ts';
import {
  daysFrom,
  facts,
  hold,
  holding,
  NOW,
  OURS,
  observedCertificate,
  policy,
  servedFacts,
  stored,
  THEIRS,
  wanted,
} from '../../support/observations.ts';
import { told } from '../../support/renewals.ts';

const ID = 'shop.example.com';
const OTHER = 'www.example.com';
const MOSTLY = <T>(usual: T, ...others: T[]) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constant(usual) },
    { weight: 2, arbitrary: fc.constantFrom(...others) },
  );

const served = MOSTLY<Served | undefined>(servedFacts(OURS), undefined, servedFacts(THEIRS), {
  unreachable: 'no',
});
const place = MOSTLY<CertificatePlace | undefined>(
  placeOf(holding({}, { ours: true })),
  undefined,
  placeOf({ kind: 'empty' }),
  placeOf(holding({ fingerprint: THEIRS })),
  placeOf(holding({}, { placeholder: true })),
  placeOf(holding()),
  {
    ...placeOf(holding()),
    superfluous: ['a.pem'],
    rivals: [{ place: '/b.pem', facts: facts({ fingerprint: THEIRS }) }],
  },
);
const target = fc
  .record({
    id: fc.constantFrom('/lb', '/other'),
    strategy: fc.constantFrom('environment' as const, 'directory' as const),
    place,
    shown: fc.array(fc.tuple(served, served), { maxLength: 2 }),
    unreachable: MOSTLY<string | undefined>(undefined, 'no connection'),
    unknownBalancers: MOSTLY<string[]>([], ['No balancer is found']),
    deployments: MOSTLY<string[]>([], ['1']),
    hold: MOSTLY(undefined, hold()),
    names: MOSTLY([ID, OTHER], [ID], []),
  })
  .map(
    ({ place: at, shown, unreachable, names, ...rest }): ObservedTarget => ({
      ...rest,
      names: new Set(names),
      places: new Map(at === undefined ? [] : [[ID, at]]),
      ...{ holds: new Set<string>(), refused: new Map(), clears: [], marks: new Map(), missing: [] },
      ...{ restart: undefined, deliveredAt: undefined },
      balancers: shown.map(([first, second], index) => ({
        ...{ id: `lb.${index}`, host: '10.0.0.11', port: 443, unreachable },
        shown: new Map(
          [[ID, first] as const, [OTHER, second] as const].flatMap(([name, what]) =>
            what ? [[name, what]] : [],
          ),
        ),
      })),
    }),
  );
const certificate = fc
  .record({
    names: MOSTLY([ID], [ID, OTHER], [OTHER], []),
    life: MOSTLY<'wanted' | 'grace'>('wanted', 'grace'),
    choice: MOSTLY({}, { keyType: 'rsa2048' }),
    recorded: MOSTLY<{ key: string; choice: object } | undefined>({ key: 'own', choice: {} }, undefined),
    directoryUrl: MOSTLY('https://acme.example/directory', 'https://acme-v02.api.letsencrypt.org/directory'),
    stored: MOSTLY(
      stored(),
      undefined,
      stored({ names: [ID, OTHER] }),
      stored({ names: [OTHER] }),
      stored({ names: ['*.example.com'] }),
      stored({ notAfter: NOW }),
      stored({ notBefore: daysFrom(-80), notAfter: daysFrom(10) }),
      stored({ notBefore: daysFrom(1) }),
      stored({ issuer: 'CN=(STAGING) Tomato' }),
    ),
    order: MOSTLY(undefined, { names: [ID], url: 'https://acme.example/order/1' }),
    orderHold: MOSTLY(undefined, hold()),
    renewal: MOSTLY(
      told(),
      told({ window: { start: daysFrom(-2), end: daysFrom(-1) } }),
      told({ window: { start: daysFrom(0.1), end: daysFrom(0.2) } }),
      told({ fingerprint: THEIRS, window: { start: daysFrom(-2), end: daysFrom(-1) } }),
      told({ directoryUrl: 'https://other.example/' }),
      told({ window: undefined, seenAt: undefined }),
      told({ seenAt: daysFrom(-3) }),
    ),
  })
  .map((changes) => observedCertificate({ id: ID, ...changes }));

function placeOf(state: CertificatePlace['state']): CertificatePlace {
  return { at: 'a.pem', place: '/certs/a.pem', state, superfluous: [], rivals: [] };
}

it('settledUntil() says of a certificate what its whole plan says, wherever it says anything', () => {
  let settled = 0;
  fc.assert(
    fc.property(
      certificate,
      fc.array(target, { maxLength: 2 }),
      MOSTLY<number | 'auto'>('auto', 1 / 3, 0.9),
      MOSTLY(false, true),
      fc.record({ asksRenewal: MOSTLY(true, false), nextRunAt: MOSTLY(undefined, daysFrom(0.5)) }),
      (one, targets, renewAt, forced, more) => {
        const another = observedCertificate({
          id: OTHER,
          names: [OTHER],
          stored: stored({ names: [OTHER], fingerprint: THEIRS }),
        });
        const seen: Observation = {
          ...{
            now: NOW,
            wanted: wanted(one.names),
            certificates: [one, another],
            targets,
            unseen: [],
            notices: [],
          },
        };
        const wish = policy({ renewAt, forced, ...more });

        const untilMs = settledUntil(one, seen, wish);

        if (untilMs === undefined) return;
        settled += 1;
        const plan = planCertificate(viewOf(one, seen, coveringOf(seen)), wish);
        expect({ later: [], ...plan }).toEqual({
          ...{ steps: [], later: [], problems: [], postponed: [] },
          checkAgainAt: new Date(untilMs),
        });
      },
    ),
    { numRuns: 3_000 },
  );
  expect(settled).toBeGreaterThan(100);
});
