import { describe, expect, it } from 'vitest';
import type { CertificatePolicy } from '../../../src/certificates/model.ts';
import { MOST_UNDELIVERED, planAll } from '../../../src/certificates/plan-all.ts';
import type {
  CertificatePlace,
  Observation,
  ObservedCertificate,
  ObservedTarget,
  PassStep,
} from '../../../src/certificates/world.ts';
import {
  daysFrom,
  hold,
  NOW,
  observation,
  observedCertificate,
  policy,
  servedFacts,
  stored,
  whole,
} from '../../support/observations.ts';

const MINUTE_MS = 60_000;
const print = (name: string) => name.replaceAll(/[^a-f]/g, 'a').padEnd(64, '0');
/** A certificate for one name, by default stored and in order. */
const certificate = (name: string, changes: Partial<ObservedCertificate> = {}): ObservedCertificate =>
  observedCertificate({ id: name, names: [name], stored: held(name), ...changes });
const held = (name: string, changes: Parameters<typeof stored>[0] = {}) =>
  stored({ names: [name], fingerprint: print(name), ...changes });

/** A target with a place for each of these, in which its bundle stands or nothing does. */
function target(
  here: readonly ObservedCertificate[],
  empty: readonly string[] = [],
  changes: Partial<ObservedTarget> = {},
): ObservedTarget {
  const [like] = whole(observation()).targets;
  if (like === undefined) throw new Error('No target');
  const places = here.map(({ id, stored: own }, index): [string, CertificatePlace] => {
    const at = `HAPROXY_SSL_CERT${index === 0 ? '' : index - 1}`;
    const isThere = own !== undefined && !empty.includes(id);
    const state = isThere
      ? ({ kind: 'certificate', facts: own, ours: true, placeholder: false } as const)
      : ({ kind: 'empty' } as const);
    return [id, { at, place: `${at} of /marathon-lb`, state, superfluous: [], rivals: [] }];
  });
  const shown = here.flatMap(({ id, names, stored: own }) =>
    own === undefined || empty.includes(id)
      ? []
      : names.map((name) => [name, servedFacts(own.fingerprint)] as const),
  );
  return {
    ...like,
    names: new Set(here.flatMap(({ names }) => names)),
    places: new Map(places),
    holds: new Set(here.map(({ id }) => id)),
    balancers: [{ id: 'lb.1', host: '10.0.0.11', port: 443, shown: new Map(shown), unreachable: undefined }],
    ...changes,
  };
}

const world = (certificates: ObservedCertificate[], ...targets: ObservedTarget[]): Observation => ({
  ...whole(observation()),
  certificates,
  targets,
});
const COALESCING = { windows: [], timeZone: 'UTC', intervalMs: 0, coalesceMs: 10 * MINUTE_MS };
const plan = (seen: Observation, changes: Partial<CertificatePolicy> = {}) => planAll(seen, policy(changes));
const told = (steps: readonly PassStep[]) =>
  steps.map((step) => {
    if (step.do === 'deliver') return `deliver ${step.puts.map((put) => put.certificate).join('+')}`;
    return 'certificate' in step ? `${step.do} ${step.certificate}` : step.do;
  });
const [A, B, C] = ['a.test', 'b.test', 'c.test'];
const NO_ROOM = { code: 'DELIVERY_TOO_LARGE', message: 'b.test gets no place', isFull: true };

describe('planAll()', () => {
  it('has nothing to do where everything is stored, in its place and shown', () => {
    const all = [certificate(A), certificate(B)];

    expect(plan(world(all, target(all)))).toMatchObject({ steps: [], problems: [], postponed: [] });
  });

  it('orders what ends first, and delivers all to each target in one step', () => {
    const all = [
      certificate(A, { stored: held(A, { notBefore: daysFrom(-70), notAfter: daysFrom(20) }) }),
      certificate(B, { stored: held(B, { notBefore: daysFrom(-80), notAfter: daysFrom(10) }) }),
      certificate(C, { stored: undefined }),
    ];

    expect(told(plan(world(all, target(all))).steps)).toEqual([
      'order c.test',
      'order b.test',
      'order a.test',
      'deliver a.test+b.test+c.test',
    ]);
  });

  it.each([
    ['all', true, [], ['DELIVERY_TOO_LARGE']],
    ['one of two', false, ['order b.test', 'deliver b.test'], ['DELIVERY_TOO_LARGE']],
  ])('does not order what is refused for room by every target: %s', (_what, isEverywhere, steps, codes) => {
    const all = [certificate(A), certificate(B, { stored: undefined })];
    const refused = new Map([[B, NO_ROOM]]);
    const full = target(all.slice(0, 1), [], { refused });
    const second = isEverywhere ? full : target(all);

    const { steps: planned, problems } = plan(world(all, full, { ...second, id: '/second' }));

    expect([told(planned), problems.map(({ code }) => code)]).toEqual([steps, codes]);
  });

  it('waits for the last of those that come together', () => {
    const at = (minutes: number) => new Date(NOW.getTime() + minutes * MINUTE_MS);
    const all = [
      certificate(A, { stored: held(A, { storedAt: at(-8) }) }),
      certificate(B, { stored: held(B, { storedAt: at(-1) }) }),
    ];

    const { steps } = plan(world(all, target(all, [A, B])), { pace: COALESCING });

    expect(steps).toMatchObject([
      { do: 'wait', until: at(9), reason: 'coalescing' },
      { do: 'deliver', puts: [{ certificate: A }, { certificate: B }] },
    ]);
  });

  it('takes along what only waits for its time when another one goes now', () => {
    const old = certificate(A, { stored: held(A, { fingerprint: 'e'.repeat(64) }) });
    const all = [old, certificate(B)];
    const pace = { ...COALESCING, coalesceMs: 0, intervalMs: 60 * MINUTE_MS };
    const deliveredAt = new Date(NOW.getTime() - MINUTE_MS);
    // An older version of A stands in its place.
    const before = target([certificate(A), all[1] as ObservedCertificate], [], { deliveredAt });
    const withNew = target([certificate(A), all[1] as ObservedCertificate], [B], { deliveredAt });

    const alone = plan(world(all, before), { pace });
    const together = plan(world(all, withNew), { pace });

    expect([told(alone.steps), alone.postponed.map(({ reason }) => reason)]).toEqual([[], ['pace']]);
    expect([told(together.steps), together.postponed]).toEqual([['deliver b.test+a.test'], []]);
  });

  it('delivers to a locked target after the others', () => {
    const all = [certificate(A)];
    const locked = target(all, [A], { id: '/locked', deployments: ['d1'] });

    expect(plan(world(all, locked, target(all, [A]))).steps).toMatchObject([
      { target: '/marathon-lb' },
      { target: '/locked' },
    ]);
  });

  it('goes on with one certificate while another is held', () => {
    const all = [
      certificate(A, { stored: undefined, orderHold: hold() }),
      certificate(B, { stored: undefined }),
    ];

    const { steps, problems } = plan(world(all, target(all)));

    expect([told(steps), problems.map(({ code }) => code)]).toEqual([
      ['order b.test', 'deliver b.test'],
      ['ACME_CHALLENGE_FAILED'],
    ]);
  });

  it.each([
    ['wanted', ['order a.test', 'deliver a.test']],
    ['grace', ['retire a.test', 'order a.test', 'deliver a.test']],
    ['ended', ['retire a.test']],
    ['replaced', []],
  ] as const)('renews one that is %s as far as it should', (life, steps) => {
    const due = held(A, { notBefore: daysFrom(-80), notAfter: daysFrom(10) });
    const all = [certificate(A, { life, stored: due })];

    expect(told(plan(world(all, target(all))).steps)).toEqual(steps);
  });

  it('does not renew what nobody wants and no target has a place for, nor calls that a problem', () => {
    const due = held(A, { notBefore: daysFrom(-80), notAfter: daysFrom(10) });
    const all = [certificate(A, { life: 'grace', goneSince: daysFrom(-1), stored: due }), certificate(B)];

    expect(plan(world(all, target(all.slice(1))))).toMatchObject({
      steps: [],
      problems: [],
      retired: [{ certificate: A }],
    });
  });

  it.each([
    ['a directory', { strategy: 'directory' as const }, ['deliver ']],
    ['the environment, where that is a restart', {}, []],
    ['the environment, where it would be shown and is over', { isClearDue: true }, ['deliver ']],
    ['a target that is held', { strategy: 'directory' as const, hold: hold() }, []],
    [
      'a target that would hang',
      { isClearDue: true, restart: { kind: 'never' as const, sentence: 'No', gapMs: 0 } as never },
      [],
    ],
  ])('takes out what nobody needs by itself from %s', (_what, changes, steps) => {
    const all = [certificate(A)];

    const { steps: planned } = plan(
      world(all, target(all, [], { clears: ['HAPROXY_SSL_CERT4'], ...changes })),
    );

    expect(told(planned)).toEqual(steps);
  });

  it('takes it out with any delivery', () => {
    const all = [certificate(A)];

    const { steps } = plan(world(all, target(all, [A], { clears: ['HAPROXY_SSL_CERT4'] })));

    expect(steps).toMatchObject([{ puts: [{ certificate: A }], clears: ['HAPROXY_SSL_CERT4'] }]);
  });

  it('looks again at several in one step', () => {
    const all = [certificate(A), certificate(B)];
    const behind = target(all);
    for (const each of behind.balancers)
      each.shown = new Map([A, B].map((name) => [name, servedFacts('9'.repeat(64))]));

    expect(plan(world(all, behind)).steps).toMatchObject([
      { do: 'verify', certificates: [A, B], balancers: ['lb.1'] },
    ]);
  });

  it('delivers before it orders more, when a hundred wait where that costs nothing', () => {
    const names = Array.from({ length: MOST_UNDELIVERED + 1 }, (_, index) => `n${index}.test`);
    const all = names.map((name, index) => certificate(name, index === 0 ? { stored: undefined } : {}));
    const first = (strategy: 'directory' | 'environment') =>
      plan(world(all, target(all, names, { strategy }))).steps[0]?.do;

    expect([first('directory'), first('environment')]).toEqual(['deliver', 'order']);
  });

  it('tells names and choices that are refused apart, and each problem once', () => {
    const all = [certificate(A)];
    const seen = world(all, target(all));
    const refusal = { name: 'x', source: 'label L of /app', reason: 'no' };
    seen.wanted = { ...seen.wanted, refused: [refusal, refusal, { ...refusal, option: true }] };

    const { problems, notices } = plan(seen);

    expect(problems).toEqual([
      { code: 'NAMES_INVALID', message: 'The name "x" (label L of /app) gets no certificate: no' },
    ]);
    expect(notices).toEqual([
      { code: 'NAMES_INVALID', message: 'The choice "x" (label L of /app) is not followed: no' },
    ]);
  });

  it('orders by another choice once', () => {
    const other = { keyType: 'rsa2048' };
    const before = [certificate(A, { choice: other })];
    const after = [certificate(A, { choice: other, recorded: { key: 'own', choice: other } })];

    expect(plan(world(before, target(before))).steps).toMatchObject([
      { do: 'order', reason: 'chosen-otherwise' },
      { do: 'deliver' },
    ]);
    expect(plan(world(after, target(after))).steps).toEqual([]);
  });
});
