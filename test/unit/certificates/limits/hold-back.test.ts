import { describe, expect, it } from 'vitest';
import { queue } from '../../../../src/certificates/limits/bucket.ts';
import { askedCas, withinLimits } from '../../../../src/certificates/limits/hold-back.ts';
import { publishedBy } from '../../../../src/certificates/limits/published.ts';
import { usedOf } from '../../../../src/certificates/limits/shown.ts';
import { type LimitsState, NOTHING_USED, setKey } from '../../../../src/certificates/limits/state.ts';
import { exitStatusOf } from '../../../../src/certificates/pass-result.ts';
import { planAll } from '../../../../src/certificates/plan-all.ts';
import { registeredDomainOf } from '../../../../src/certificates/registered-domain.ts';
import type { Observation, ObservedCertificate } from '../../../../src/certificates/world.ts';
import { KNOWN_CAS } from '../../../../src/config/known-cas.ts';
import {
  daysFrom,
  NOW,
  observation,
  observedCertificate,
  policy,
  servedFacts,
  stored,
  whole,
} from '../../../support/observations.ts';

const CA = KNOWN_CAS.letsencrypt;
const PUBLISHED = publishedBy(CA);
const MINUTE_MS = 60_000;
const print = (name: string) => name.replaceAll(/[^a-f]/g, 'a').padEnd(64, '0');

/** Due, with so many days left; without a number there is none yet. */
const due = (name: string, days?: number, changes: Partial<ObservedCertificate> = {}): ObservedCertificate =>
  observedCertificate({
    id: name,
    names: [name],
    directoryUrl: CA,
    ...(days === undefined
      ? {}
      : {
          stored: stored({
            names: [name],
            fingerprint: print(name),
            notBefore: daysFrom(days - 90),
            notAfter: daysFrom(days),
          }),
        }),
    ...changes,
  });

/** The CA that issued it wants it replaced now. */
function inWindow(name: string): Partial<ObservedCertificate> {
  const held = due(name, 19).stored;
  const told = { fingerprint: print(name), directoryUrl: CA, since: NOW, askAt: daysFrom(1), failures: 0 };
  const window = { start: daysFrom(-1), end: daysFrom(1) };
  return {
    stored: held === undefined ? held : { ...held, issuedBy: { directoryUrl: CA, accountUrl: `${CA}/1` } },
    renewal: { ...told, window, seenAt: NOW },
  };
}

/** Each has its place; what is stored is there and shown. */
function world(certificates: ObservedCertificate[]): Observation {
  const like = whole(observation());
  const [target] = like.targets;
  if (target === undefined) throw new Error('No target');
  const places = certificates.map(({ id, stored: held }, index) => {
    const at = `HAPROXY_SSL_CERT${index === 0 ? '' : index - 1}`;
    const state =
      held === undefined
        ? { kind: 'empty' as const }
        : { kind: 'certificate' as const, facts: held, ours: true, placeholder: false };
    return [id, { at, place: `${at} of /marathon-lb`, state, superfluous: [], rivals: [] }] as const;
  });
  const shown = certificates.flatMap(({ id, stored: held }) =>
    held === undefined ? [] : [[id, servedFacts(held.fingerprint)] as const],
  );
  const balancer = {
    ...{ id: 'lb.1', host: '10.0.0.11', port: 443 },
    shown: new Map(shown),
    unreachable: undefined,
  };
  const ids = certificates.map(({ id }) => id);
  const all = { names: new Set(ids), places: new Map(places), holds: new Set(ids), balancers: [balancer] };
  return { ...like, certificates, targets: [{ ...target, ...all }] };
}

/** So many tokens are gone. */
function used(key: string, count: number, limit = PUBLISHED.limits.orders): LimitsState['spent'] {
  let fullAt = NOW.getTime();
  for (let done = 0; done < count; done += 1)
    fullAt = limit === undefined ? 0 : queue(fullAt, limit, NOW.getTime());
  return { [key]: fullAt };
}

function planned(certificates: ObservedCertificate[], spent: LimitsState['spent'] = {}) {
  const seen = world(certificates);
  const budget = { published: PUBLISHED, state: { ...NOTHING_USED, spent }, domainOf: registeredDomainOf };
  const planOf = (all: Observation) => planAll(all, policy());
  const { plan, seen: after } = withinLimits(seen, planOf(seen), new Map([[CA, budget]]), planOf);
  return {
    steps: plan.steps.map((step) => ('certificate' in step ? `${step.do} ${step.certificate}` : step.do)),
    problems: plan.problems.map(({ message }) => message),
    notices: plan.notices.map(({ message }) => message),
    exitStatus: exitStatusOf(plan.problems),
    checkAgainAt: plan.checkAgainAt,
    heldUntil: after.certificates.map(({ waits }) => waits?.until),
  };
}

const NAMES = ['a.one.test', 'b.one.test', 'c.one.test'] as const;
const [A, B, C] = NAMES;

describe('withinLimits()', () => {
  it('changes nothing while there is room', () => {
    expect(planned([due(A), due(B, 10)], used('orders', 298))).toMatchObject({
      steps: [`order ${A}`, `order ${B}`, 'deliver'],
      problems: [],
      notices: [],
      heldUntil: [undefined, undefined],
    });
  });

  it('orders what ends first with what is left; what lasts longer than its wait is no problem', () => {
    expect(planned([due(A, 20), due(B, 5), due(C, 10)], used('orders', 299))).toEqual({
      steps: [`order ${B}`, 'deliver'],
      problems: [],
      notices: [
        `${C}, ${A} wait to be ordered: 300th of 300 orders of this account in 3 hours; next slot 00:01 UTC`,
      ],
      exitStatus: 0,
      checkAgainAt: new Date(NOW.getTime() + 36_000),
      heldUntil: [new Date(NOW.getTime() + 72_000), undefined, new Date(NOW.getTime() + 36_000)],
    });
  });

  it.each([
    ['there is none', due(A)],
    ['it ends before', due(A, 1)],
    ['a name is missing', due(A, 80, { names: [A, 'new.one.test'] })],
  ])('is a problem where %s', (_why, certificate) => {
    const spent = used(setKey(certificate.names), 5, PUBLISHED.limits.set);

    expect(planned([certificate], spent)).toMatchObject({
      steps: [],
      problems: [
        `${A} waits to be ordered: 5th of 5 certificates for exactly these names in 7 days; next slot 2026-01-12 09:36 UTC`,
      ],
      notices: [],
      exitStatus: 20,
      checkAgainAt: daysFrom(1.4),
    });
  });

  it('takes domains into account, one after the other, and lets others pass', () => {
    const other = due('d.two.test', 25);
    const limit = PUBLISHED.limits.domain;

    const result = planned([due(A, 20), due(B, 5), due(C, 10), other], used('domain:one.test', 49, limit));

    expect(result.steps).toEqual([`order ${B}`, 'order d.two.test', 'deliver']);
    expect(result.heldUntil.map((until) => until && (until.getTime() - NOW.getTime()) / MINUTE_MS)).toEqual([
      403.2,
      undefined,
      201.6,
      undefined,
    ]);
  });

  it('lets renewals of the same names, and what replaces in its window, pass both', () => {
    const limits = PUBLISHED.limits;
    const spent = { ...used('orders', 300), ...used('domain:one.test', 50, limits.domain) };
    const same = (name: string) =>
      stored({ names: [name], issuer: "O=Let's Encrypt, CN=YE1", ...times, fingerprint: print(name) });
    const times = { notBefore: daysFrom(-70), notAfter: daysFrom(20) };
    const set = used(setKey([B]), 5, limits.set);

    const renewed = planned([due(A, 20, { stored: same(A) }), due(B, 19, inWindow(B))], {
      ...spent,
      ...set,
    });

    expect(renewed).toMatchObject({ steps: [`order ${B}`, `order ${A}`, 'deliver'], notices: [] });
  });

  it('finishes an order that is there already', () => {
    const begun = due(A, undefined, { order: { names: [A], url: 'https://ca/order/1' } });

    expect(planned([begun], used('orders', 300)).steps).toEqual([`order ${A}`, 'deliver']);
  });

  it('delivers what is in the store while the next order waits', () => {
    const seen = world([due(A, 20)]);
    const empty = seen.targets.map((target) => ({
      ...target,
      places: new Map([...target.places].map(([id, each]) => [id, { ...each, state: { kind: 'empty' } }])),
    }));
    const planOf = (all: Observation) => planAll(all, policy());
    const budget = {
      published: PUBLISHED,
      state: { ...NOTHING_USED, spent: used('orders', 300) },
      domainOf: registeredDomainOf,
    };
    const before = { ...seen, targets: empty as typeof seen.targets };

    const { plan } = withinLimits(before, planOf(before), new Map([[CA, budget]]), planOf);

    expect(plan.steps).toMatchObject([{ do: 'deliver', puts: [{ fingerprint: print(A) }] }]);
  });
});

describe('askedCas()', () => {
  it('names the CAs of what is about to be ordered, and none where nothing is due', () => {
    const seen = world([due(A, 20), due(B, 60, { directoryUrl: 'https://other.example/dir' })]);
    const calm = world([due(A, 60)]);

    expect([...askedCas(planAll(seen, policy()), seen)]).toEqual([CA]);
    expect([...askedCas(planAll(calm, policy()), calm)]).toEqual([]);
  });
});

describe('usedOf()', () => {
  it('tells numbers of each limit, of the most used where there are several', () => {
    const spent = {
      ...used('orders', 12),
      ...used('domain:one.test', 3, PUBLISHED.limits.domain),
      ...used('domain:two.test', 7, PUBLISHED.limits.domain),
    };
    const held = { all: { untilMs: daysFrom(1).getTime(), words: 'busy' } };

    expect(usedOf(new Map([[CA, { published: PUBLISHED, state: { spent, held } }]]), NOW)).toEqual([
      {
        ca: CA,
        limits: [
          { limit: 'orders', used: 12, of: 300, keys: 1 },
          { limit: 'domain', used: 7, of: 50, keys: 2 },
          { limit: 'set', used: 0, of: 5, keys: 0 },
          { limit: 'failures', used: 0, of: 5, keys: 0 },
          { limit: 'row', used: 0, of: 1152, keys: 0 },
        ],
        heldUntil: daysFrom(1),
      },
    ]);
  });
});
