import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DAY_MS,
  type Happening,
  happen,
  happenings,
  mishaps,
  pass,
} from '../../support/certificates-history.ts';
import { type ClusterWorld, shownFor, wantsOf } from '../../support/certificates-world.ts';
import { NOW } from '../../support/observations.ts';

/** The same histories each time; more and others by hand: `HISTORIES=5000`. */
const { HISTORIES } = process.env;
const RUNS = HISTORIES === undefined ? { numRuns: 90, seed: 5 } : { numRuns: Number(HISTORIES) };

/** Problems that are nobody's fault. */
const EXCUSES = ['NAMES_MISSING', 'DELIVERY_FOREIGN'];

function newWorld(apps: number): ClusterWorld {
  const ids = ['/marathon-lb', '/marathon-lb-2'].slice(0, apps);
  return {
    now: NOW,
    own: [],
    apps: new Map(),
    isComplete: true,
    pack: 'app',
    defaultName: undefined,
    mostNames: 4,
    store: new Map(),
    balancerApps: new Map(ids.map((id) => [id, { variables: new Map(), loaded: new Map() }])),
    failing: new Set(),
    holds: new Map(),
    deliveredAt: new Map(),
    madeBy: new Map(),
    made: 0,
    isMeddled: false,
    faults: [],
  };
}

/** Wanted names that are not shown with a certificate that has them and is valid. */
function unserved(world: ClusterWorld): string[] {
  return wantsOf(world).flatMap(({ name }) =>
    [...world.balancerApps].flatMap(([id, app]) => {
      const shown = shownFor(app, name);
      if (shown?.names.includes(name) && shown.notAfter > world.now) return [];
      return [`${id} shows ${shown?.names} until ${shown?.notAfter.toISOString()} for ${name}`];
    }),
  );
}

/** Nothing goes wrong any more: one pass has to be enough, and time brings nothing but renewals. */
async function calm(world: ClusterWorld): Promise<string[]> {
  const found: string[] = [];
  world.failing.clear();
  world.isComplete = true;
  world.now = new Date(world.now.getTime() + DAY_MS);
  await pass(world);
  const again = await pass(world);
  // A look that finds all as it should be is no change.
  if (again.done.some((step) => step.do !== 'verify')) found.push(`at rest: ${JSON.stringify(again.done)}`);
  for (const { code, message } of again.plan.problems)
    if (!EXCUSES.includes(code)) found.push(`at rest: ${message}`);
  for (let day = 0; day < 120 && found.length === 0; day += 2) {
    const { plan } = await pass(world);
    // What is somebody else's and covers more stays, and is told.
    if (!plan.problems.some(({ code }) => code === 'DELIVERY_FOREIGN'))
      found.push(...unserved(world).map((each) => `after ${day} days ${each}`));
    world.now = new Date(world.now.getTime() + 2 * DAY_MS);
  }
  return found;
}

describe('planAll(), packing and slots together, over histories of a cluster', () => {
  it('come to rest with every name served, nothing ordered twice and nothing of others lost', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 2 }),
        fc.array(fc.tuple(happenings, mishaps), { minLength: 2, maxLength: 10 }),
        async (apps, history: [Happening, Parameters<typeof pass>[1]][]) => {
          const world = newWorld(apps);
          for (const [what, coming = []] of history) {
            happen(world, what);
            await pass(world, [...coming]);
          }

          const found = await calm(world);

          expect([...world.faults, ...found]).toEqual([]);
        },
      ),
      RUNS,
    );
  });
});
