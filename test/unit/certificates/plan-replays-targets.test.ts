import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  CertificatePlan,
  CertificatePolicy,
  CertificateStep,
  PlaceState,
  Target,
} from '../../../src/certificates/model.ts';
import { planCertificate } from '../../../src/certificates/plan.ts';
import { coversAll } from '../../../src/certificates/renewal.ts';
import type { CertificateFacts } from '../../../src/delivery/bundle.ts';
import { urgentAt } from '../../../src/delivery/timing.ts';
import { AT_ONCE, facts, NOW, policy } from '../../support/observations.ts';
import { apply, fingerprintOf, observe, type World } from '../../support/replay-world.ts';

const NAMES = ['a.example.com', 'b.example.com', 'c.example.com'];
const [HOUR_MS, RUNS] = [3_600_000, 500];
const hoursFrom = (hours: number) => new Date(NOW.getTime() + hours * HOUR_MS);
const HORIZON_MS = NOW.getTime() + 72 * HOUR_MS;

const nights = [{ cron: '0 3 * * *', durationMs: 2 * HOUR_MS }];
const isNight = (at: Date) => [3, 4].includes(at.getUTCHours());
const paces = fc.constantFrom(
  AT_ONCE,
  { ...AT_ONCE, windows: nights },
  { ...AT_ONCE, intervalMs: HOUR_MS, coalesceMs: 30_000 },
  { windows: nights, timeZone: 'UTC', intervalMs: 7 * HOUR_MS, coalesceMs: 30_000 },
);
const policies = fc
  .record({ replaceForeign: fc.boolean(), pace: paces })
  .map((changes): CertificatePolicy => policy(changes));

const certificates = fc.array(
  fc.record({
    names: fc.subarray([...NAMES, 'x.example.com'], { minLength: 1 }),
    ageHours: fc.integer({ min: 1, max: 1_700 }),
    lifeHours: fc.constantFrom(24, 160, 45 * 24, 90 * 24),
  }),
  { minLength: 5, maxLength: 5 },
);
const picks = fc.oneof(fc.constant('none' as const), fc.constant('torn' as const), {
  weight: 6,
  arbitrary: fc.integer({ min: 0, max: 4 }),
});
const files = fc.dictionary(fc.constantFrom('a.example.com.pem', 'b.example.com.pem', 'x.pem'), picks);
const worlds: fc.Arbitrary<World> = fc
  .record({
    names: fc.subarray(NAMES, { minLength: 1 }),
    certificates,
    stored: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
    issued: fc.subarray([0, 1, 2, 3, 4]),
    variables: fc.array(picks, { maxLength: 2 }),
    directories: fc.array(fc.record({ isPrepared: fc.boolean(), files }), { maxLength: 2 }),
    deliveredHours: fc.integer({ min: -100, max: 2 }),
  })
  .filter(({ variables, directories }) => variables.length + directories.length > 0)
  .map((given) => {
    const all = given.certificates.map(
      ({ names, ageHours, lifeHours }, index): CertificateFacts =>
        facts({
          names,
          fingerprint: fingerprintOf(index + 1),
          notBefore: hoursFrom(-ageHours),
          notAfter: hoursFrom(lifeHours - ageHours),
        }),
    );
    const issued = new Set(given.issued.map((index) => fingerprintOf(index + 1)));
    const at = (index: number) => all[index] as CertificateFacts;
    const stateOf = (pick: number | 'none' | 'torn'): PlaceState => {
      if (pick === 'none') return { kind: 'empty' };
      if (pick === 'torn') return { kind: 'unreadable', problem: 'it is torn off' };
      return {
        kind: 'certificate',
        facts: at(pick),
        ours: issued.has(fingerprintOf(pick + 1)),
        placeholder: false,
      };
    };
    const apps = given.variables.map((pick, index) => ({
      id: `/lb-${index}`,
      variable: stateOf(pick),
      shows: fingerprintOf(0),
    }));
    return {
      now: NOW,
      names: given.names,
      stored:
        given.stored === undefined
          ? undefined
          : {
              ...at(given.stored),
              origin: issued.has(fingerprintOf(given.stored + 1)) ? 'issued' : 'adopted',
            },
      issued,
      order: undefined,
      made: 0,
      apps,
      directories: given.directories.map(({ isPrepared, files: found }, index) => ({
        id: `/shared-${index}`,
        isPrepared,
        files: Object.fromEntries(
          Object.entries(found).flatMap(([file, pick]) =>
            pick === 'none' ? [] : [[file, pick === 'torn' ? 'torn' : at(pick)]],
          ),
        ),
        loaded: {},
      })),
      deliveredAt: new Map(apps.map(({ id }) => [id, hoursFrom(given.deliveredHours)])),
      holds: new Map(),
      lost: [],
    } satisfies World;
  });

interface Done {
  step: CertificateStep;
  at: Date;
  target: Target | undefined;
  covers: readonly string[];
}

/** Plans and does the first step until none is left, then lets time go on to the next look, for three days. */
function live(
  world: World,
  wish: CertificatePolicy,
  crashes: boolean[],
  watch: (plan: CertificatePlan) => void = () => {},
) {
  const done: Done[] = [];
  for (let looks = 0, inARow = 0; ; looks += 1) {
    const seen = observe(world);
    const last = planCertificate(seen, wish);
    watch(last);
    const [step] = last.steps;
    if (step === undefined) {
      inARow = 0;
      const next = last.checkAgainAt?.getTime() ?? Number.POSITIVE_INFINITY;
      expect(next).toBeGreaterThan(world.now.getTime());
      if (next > HORIZON_MS) return { done, last };
      world.now = new Date(next);
      continue;
    }
    const target = 'target' in step ? seen.targets.find(({ id }) => id === step.target) : undefined;
    done.push({ step, at: world.now, target, covers: seen.stored?.names ?? [] });
    apply(step, world, crashes[done.length - 1] ?? false);
    inARow += 1;
    expect([inARow, looks]).toEqual([Math.min(inARow, 25), Math.min(looks, 200)]);
  }
}

const certificateIn = ({ state }: Target) => (state.kind === 'certificate' ? state.facts : undefined);

describe('planCertificate() for several targets, while time goes on', () => {
  it('comes to rest, orders once at most, and serves everywhere or says why not', () => {
    fc.assert(
      fc.property(worlds, policies, (given, wish) => {
        const world = structuredClone(given);
        const { last } = live(world, wish, []);

        expect(world.made).toBeLessThanOrEqual(1);
        // Only what comes later may be left.
        for (const { until } of last.postponed) expect(until.getTime()).toBeGreaterThan(HORIZON_MS);
        if (last.problems.length + last.postponed.length > 0) return;
        for (const target of observe(world).targets) {
          expect(certificateIn(target)?.fingerprint).toBe(world.stored?.fingerprint);
          for (const { served, others } of target.balancers)
            expect([served, others]).toMatchObject([{ fingerprint: world.stored?.fingerprint }, []]);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('orders nothing more after crashes in any of its steps, and rests with the same certificates', () => {
    fc.assert(
      fc.property(worlds, policies, fc.array(fc.boolean(), { maxLength: 8 }), (given, wish, crashes) => {
        const calm = structuredClone(given);
        const world = structuredClone(given);
        const rest = live(calm, wish, []);

        const end = live(world, wish, crashes);

        expect(world.made).toBe(calm.made);
        expect(end.last.problems.map(({ code }) => code)).toEqual(rest.last.problems.map(({ code }) => code));
        expect(observe(world).targets.map(({ state }) => state)).toEqual(
          observe(calm).targets.map(({ state }) => state),
        );
      }),
      { numRuns: RUNS },
    );
  });

  it('restarts balancers in a window and not too often, but for a first certificate or when little life is left', () => {
    fc.assert(
      fc.property(worlds, policies, fc.array(fc.boolean(), { maxLength: 8 }), (given, wish, crashes) => {
        const world = structuredClone(given);
        const { windows, intervalMs } = wish.pace;
        for (const { step, at, target, covers } of live(world, wish, crashes).done) {
          if (step.do !== 'deliver' || target?.strategy !== 'environment') continue;
          const current = certificateIn(target);
          const isFirst = current === undefined || !coversAll(current.names, covers);
          if (isFirst || at >= urgentAt(current)) continue;
          if (windows.length > 0) expect(isNight(at)).toBe(true);
          const { deliveredAt } = target;
          if (deliveredAt !== undefined && deliveredAt <= at)
            expect(at.getTime() - deliveredAt.getTime()).toBeGreaterThanOrEqual(intervalMs);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('does what was put off when its time comes', () => {
    fc.assert(
      fc.property(worlds, policies, (given, wish) => {
        const world = structuredClone(given);
        live(world, wish, [], ({ steps, postponed, checkAgainAt }) => {
          if (steps.length > 0) return;
          for (const { target, until } of postponed) {
            expect(checkAgainAt?.getTime()).toBeLessThanOrEqual(until.getTime());
            const then = planCertificate({ ...observe(world), now: until }, wish);
            expect(
              then.steps.filter(
                (step) => step.do === 'order' || ('target' in step && step.target === target),
              ),
            ).not.toEqual([]);
          }
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('takes away nothing that is not ours and carries other names, unless it may', () => {
    fc.assert(
      fc.property(worlds, policies, fc.array(fc.boolean(), { maxLength: 8 }), (given, wish, crashes) => {
        const world = structuredClone(given);
        live(world, wish, crashes);

        if (wish.replaceForeign) return;
        for (const { state } of world.lost) {
          expect(state.kind).not.toBe('unreadable');
          if (state.kind !== 'certificate' || state.ours) continue;
          expect(coversAll(world.stored?.names ?? [], state.facts.names)).toBe(true);
        }
      }),
      { numRuns: RUNS },
    );
  });
});
