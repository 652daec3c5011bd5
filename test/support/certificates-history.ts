import fc from 'fast-check';
import type { CertificateChoice } from '../../src/certificates/model.ts';
import type { PackMode } from '../../src/certificates/pack-groups.ts';
import { planAll } from '../../src/certificates/plan-all.ts';
import type { PassStep, Plan } from '../../src/certificates/world.ts';
import { DEFAULT_SLOT } from '../../src/delivery/slot-model.ts';
import { type ClusterWorld, GRACE_MS, newCertificate, seen } from './certificates-world.ts';
import { carryOut, type Mishap } from './certificates-world-steps.ts';
import { policy } from './observations.ts';

/** What happens to a cluster between passes. */
export type Happening =
  | { kind: 'own'; names: string[] }
  | { kind: 'asks'; app: string; names: string[]; choice: CertificateChoice }
  | { kind: 'goes'; app: string }
  | { kind: 'fails'; name: string }
  | { kind: 'works' }
  | { kind: 'packs'; mode: PackMode }
  | { kind: 'default'; name: string | undefined }
  | { kind: 'foreign'; at: string; names: string[] }
  | { kind: 'emptied'; at: string }
  | { kind: 'hidden'; isHidden: boolean }
  | { kind: 'time'; days: number };

export const NAMES = ['a.one.test', 'b.one.test', 'c.two.test', 'd.two.test', 'e.two.test'];
export const DAY_MS = 86_400_000;

const names = fc.subarray(NAMES, { minLength: 1, maxLength: 3 });
const app = fc.constantFrom('/one', '/two', '/three');
const at = fc.constantFrom(DEFAULT_SLOT, `${DEFAULT_SLOT}0`, `${DEFAULT_SLOT}2`);
const choice = fc.constantFrom<CertificateChoice>({}, {}, {}, { keyType: 'rsa2048' }, { own: true });
const of = <K extends Happening['kind'], M>(kind: K, model: { [P in keyof M]: fc.Arbitrary<M[P]> }) =>
  fc.record({ kind: fc.constant(kind), ...model }) as unknown as fc.Arbitrary<Happening>;

export const happenings: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 3, arbitrary: of('own', { names: fc.subarray(NAMES, { maxLength: 2 }) }) },
  { weight: 8, arbitrary: of('asks', { app, names, choice }) },
  { weight: 5, arbitrary: of('goes', { app }) },
  { weight: 2, arbitrary: of('fails', { name: fc.constantFrom(...NAMES) }) },
  { weight: 1, arbitrary: of('works', {}) },
  {
    weight: 1,
    arbitrary: of('packs', { mode: fc.constantFrom<PackMode>('name', 'app', 'registered-domain', 'all') }),
  },
  { weight: 2, arbitrary: of('default', { name: fc.option(fc.constantFrom(...NAMES), { nil: undefined }) }) },
  {
    weight: 2,
    arbitrary: of('foreign', {
      at,
      names: fc.subarray([...NAMES, 'x.other.test'], { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: of('emptied', { at }) },
  { weight: 1, arbitrary: of('hidden', { isHidden: fc.boolean() }) },
  { weight: 6, arbitrary: of('time', { days: fc.constantFrom(0.1, 3, 8, 30, 65, 100) }) },
);
export const mishaps: fc.Arbitrary<Mishap[]> = fc.array(
  fc.constantFrom<Mishap>(undefined, undefined, 'early kill', 'late kill', 'fails'),
  { maxLength: 3 },
);

export function happen(world: ClusterWorld, what: Happening): void {
  switch (what.kind) {
    case 'own':
      world.own = what.names;
      break;
    case 'asks':
      world.apps.set(what.app, { names: what.names, choice: what.choice });
      break;
    case 'goes':
      world.apps.delete(what.app);
      break;
    case 'fails':
      world.failing.add(what.name);
      break;
    case 'works':
      world.failing.clear();
      break;
    case 'packs':
      world.pack = what.mode;
      break;
    case 'default':
      world.defaultName = what.name;
      break;
    case 'hidden':
      world.isComplete = !what.isHidden;
      break;
    case 'time':
      world.now = new Date(world.now.getTime() + what.days * DAY_MS);
      break;
    case 'foreign':
    case 'emptied':
      world.isMeddled = true;
      for (const each of world.balancerApps.values()) {
        if (what.kind === 'foreign') each.variables.set(what.at, newCertificate(world, what.names, false));
        else each.variables.delete(what.at);
        if (!each.variables.has(DEFAULT_SLOT) && each.variables.size > 0)
          each.variables.set(DEFAULT_SLOT, newCertificate(world, ['x.other.test'], false));
        each.loaded = new Map(each.variables);
      }
  }
}

/** One pass, as runPass() goes on after each step; a kill ends it. */
export async function pass(
  world: ClusterWorld,
  coming: Mishap[] = [],
): Promise<{ done: PassStep[]; plan: Plan }> {
  const done: PassStep[] = [];
  const failed = new Set<string>();
  const looked = new Set<string>();
  const policies = { ...policy(), graceMs: GRACE_MS };
  for (let count = 0; ; count += 1) {
    const observed = await seen(world);
    const plan = planAll(observed, policies);
    const isLook = (step: PassStep) => step.do === 'verify' || step.do === 'repair';
    const open = plan.steps.filter(
      (step) => !('target' in step && (failed.has(step.target) || (isLook(step) && looked.has(step.target)))),
    );
    const [first] = open;
    const most = 10 + 3 * (observed.targets.length + observed.certificates.length);
    if (count > most) world.faults.push(`the plan goes on with ${JSON.stringify(first)}`);
    if (first === undefined || count > most) {
      isFrugal(done, world);
      return { done, plan };
    }
    const end = open.findIndex((step) => step.do !== 'order');
    const steps = first.do === 'order' ? open.slice(0, end === -1 ? open.length : end) : [first];
    for (const step of steps) {
      const mishap = coming.shift();
      done.push(step);
      if (isLook(step) && 'target' in step) looked.add(step.target);
      if (!carryOut(step, observed, world, mishap)) return { done, plan };
      if (step.do !== 'adopt' && 'target' in step && world.holds.has(step.target)) failed.add(step.target);
    }
  }
}

function isFrugal(done: readonly PassStep[], world: ClusterWorld): void {
  for (const target of world.balancerApps.keys()) {
    const restarts = done.filter(
      (step) => (step.do === 'deliver' || step.do === 'repair') && step.target === target,
    );
    // One of ours that moves behind what is somebody else's takes that over by a second one.
    if (restarts.length > (world.isMeddled ? 2 : 1))
      world.faults.push(`${target} is restarted for ${restarts.map((step) => `${step.do} ${step.reason}`)}`);
  }
}
