import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  CertificateObservation,
  CertificatePlan,
  CertificatePolicy,
  CertificateStep,
  PlaceState,
  Target,
} from '../../../src/certificates/model.ts';
import { planCertificate } from '../../../src/certificates/plan.ts';
import { coversAll } from '../../../src/certificates/renewal.ts';
import type { CertificateFacts } from '../../../src/delivery/bundle.ts';
import { balancer, daysFrom, facts, NOW, observation, policy, stored } from '../../support/observations.ts';

/** A world that consists of what the planner looks at, in which its steps have their effects. */
interface World {
  seen: CertificateObservation;
  /** Fingerprints that the store remembers as issued. */
  issued: Set<string>;
  certificatesMade: number;
  /** States of the variable that were written over. */
  overwritten: PlaceState[];
}

const NAMES = ['a.example.com', 'b.example.com', 'c.example.com'];
const fingerprintOf = (count: number) => count.toString(16).padStart(64, '0');

/** Does what the step says; a crash leaves out what comes after the first of its effects. */
function apply(step: CertificateStep, world: World, crashes: boolean): void {
  const { seen } = world;
  const [{ state }] = seen.targets as [Target];
  if (step.do === 'adopt' && state.kind === 'certificate') {
    if (!crashes) seen.stored = { ...state.facts, origin: state.ours ? 'issued' : 'adopted' };
  } else if (step.do === 'order') {
    // Cut short, the order is known and goes on with the next try: it never becomes a second certificate.
    seen.order = { names: step.names, url: 'https://acme.example/order/1' };
    if (crashes) return;
    world.certificatesMade += 1;
    const fingerprint = fingerprintOf(0xf000 + world.certificatesMade);
    world.issued.add(fingerprint);
    seen.stored = stored({ names: step.names, fingerprint, notBefore: NOW, notAfter: daysFrom(90) });
    seen.order = undefined;
  } else if (step.do === 'deliver') {
    const mark = state.kind === 'certificate' ? state.facts.fingerprint : state.kind;
    expect(step.replaces).toBe(mark);
    const { origin: _origin, ...delivered } = seen.stored as NonNullable<typeof seen.stored>;
    world.overwritten.push(state);
    const ours = world.issued.has(delivered.fingerprint);
    (seen.targets[0] as Target).state = { kind: 'certificate', facts: delivered, ours, placeholder: false };
    if (!crashes) serve(world);
  } else if ((step.do === 'verify' || step.do === 'repair') && !crashes) serve(world);
}

function serve({ seen }: World): void {
  const [only] = seen.targets as [Target];
  const { state } = only;
  if (state.kind !== 'certificate') return;
  only.balancers = only.balancers.map(({ id }) => balancer(id, state.facts.fingerprint));
}

/** Passes until nothing is left to do, the first ones cut short where `crashes` says so. */
function run(
  world: World,
  policies: CertificatePolicy,
  crashes: boolean[],
): { done: CertificateStep[]; last: CertificatePlan } {
  const done: CertificateStep[] = [];
  for (let { forced } = policies; ; ) {
    const last = planCertificate(world.seen, { ...policies, forced });
    const step = last.steps[0];
    if (step === undefined || done.length > 20) return { done, last };
    const isCut = crashes[done.length] ?? false;
    apply(step, world, isCut);
    if (step.do === 'order' && !isCut) forced = false;
    done.push(step);
  }
}

const certificate = fc
  .record({
    names: fc.subarray(NAMES),
    ageDays: fc.integer({ min: -1, max: 100 }),
    lifetimeDays: fc.constantFrom(7, 45, 90),
    fingerprint: fc.integer({ min: 1, max: 5 }).map(fingerprintOf),
    selfSigned: fc.constantFrom(false, false, false, true),
  })
  .map(
    ({ ageDays, lifetimeDays, ...rest }): CertificateFacts =>
      facts({ ...rest, notBefore: daysFrom(-ageDays), notAfter: daysFrom(lifetimeDays - ageDays) }),
  );
const variable: fc.Arbitrary<PlaceState> = fc.oneof(
  fc.constant<PlaceState>({ kind: 'empty' }),
  fc.constant<PlaceState>({ kind: 'secret', secret: 'tls' }),
  fc.constant<PlaceState>({ kind: 'unreadable', problem: 'it is odd' }),
  {
    weight: 5,
    arbitrary: fc.record({ facts: certificate, ours: fc.boolean() }).map(({ facts: found, ours }) => ({
      kind: 'certificate' as const,
      facts: found,
      ours,
      placeholder: false,
    })),
  },
);
const worlds: fc.Arbitrary<World> = fc
  .record({
    names: fc.subarray(NAMES, { minLength: 1 }),
    known: fc.option(fc.record({ facts: certificate, origin: fc.constantFrom('issued', 'adopted') }), {
      nil: undefined,
    }),
    state: variable,
    served: fc.array(fc.integer({ min: 1, max: 5 }).map(fingerprintOf), { minLength: 1, maxLength: 3 }),
  })
  .map(({ names, known, state: found, served }) => {
    // One fingerprint is one certificate.
    const isSame = found.kind === 'certificate' && found.facts.fingerprint === known?.facts.fingerprint;
    return { names, known, served, state: isSame ? { ...found, facts: known.facts } : found };
  })
  .map(({ names, known, state, served }) => ({
    seen: observation({
      names,
      state,
      stored: known === undefined ? undefined : { ...known.facts, origin: known.origin as 'issued' },
      balancers: served.map((fingerprint, index) => balancer(`lb.${index}`, fingerprint)),
    }),
    issued: new Set(state.kind === 'certificate' && state.ours ? [state.facts.fingerprint] : []),
    certificatesMade: 0,
    overwritten: [],
  }));
const policies = fc
  .record({ forced: fc.boolean(), replaceForeign: fc.boolean() })
  .map((changes) => policy(changes));

describe('planCertificate(), pass after pass', () => {
  it('comes to an end in which everything is served, or says why not', () => {
    fc.assert(
      fc.property(worlds, policies, (world, wish) => {
        const { done, last } = run(world, wish, []);

        expect(done.length).toBeLessThanOrEqual(4);
        expect(last.steps).toEqual([]);
        expect(world.certificatesMade).toBeLessThanOrEqual(1);
        if (last.problems.length > 0) return;
        const [{ state, balancers }] = world.seen.targets as [Target];
        if (state.kind !== 'certificate') throw new Error(`The variable is ${state.kind}`);
        expect(coversAll(state.facts.names, world.seen.wanted.names)).toBe(true);
        expect(world.seen.stored?.fingerprint).toBe(state.facts.fingerprint);
        for (const { served } of balancers)
          expect(served).toMatchObject({ fingerprint: state.facts.fingerprint });
      }),
      { numRuns: 1000 },
    );
  });

  it('ends the same after a crash in any of its steps, with no certificate more', () => {
    fc.assert(
      fc.property(worlds, policies, fc.array(fc.boolean(), { maxLength: 6 }), (world, wish, crashes) => {
        const calm = structuredClone(world);
        run(calm, wish, []);

        run(world, wish, crashes);

        expect(world.seen).toEqual(calm.seen);
        expect(world.certificatesMade).toBe(calm.certificatesMade);
      }),
      { numRuns: 1000 },
    );
  });

  it('asks for the same when nothing was done in between', () => {
    fc.assert(
      fc.property(worlds, policies, ({ seen }, wish) => {
        expect(planCertificate(seen, wish)).toEqual(planCertificate(structuredClone(seen), wish));
      }),
    );
  });

  it('never orders while the store is empty and a good certificate is in marathon-lb', () => {
    fc.assert(
      fc.property(worlds, certificate, (world, found) => {
        world.seen.stored = undefined;
        const good = {
          ...found,
          names: NAMES,
          notBefore: daysFrom(-1),
          notAfter: daysFrom(60),
          selfSigned: false,
        };
        (world.seen.targets[0] as Target).state = {
          kind: 'certificate',
          facts: good,
          ours: false,
          placeholder: false,
        };

        run(world, policy(), []);

        expect(world.certificatesMade).toBe(0);
        expect(world.seen.stored).toMatchObject({ fingerprint: found.fingerprint });
      }),
    );
  });

  it('never writes over a secret, nor over what is not ours and covers more, unless it may', () => {
    fc.assert(
      fc.property(worlds, policies, (world, wish) => {
        run(world, wish, []);

        for (const state of world.overwritten) {
          expect(state.kind).not.toBe('secret');
          if (wish.replaceForeign) continue;
          expect(state.kind).not.toBe('unreadable');
          if (state.kind === 'certificate' && !state.ours)
            expect(coversAll(world.seen.stored?.names ?? [], state.facts.names)).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
