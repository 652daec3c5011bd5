import { predictRestart } from '../delivery/preflight.ts';
import { DEFAULT_SLOT, SLOTS } from '../delivery/slot-model.ts';
import { readVariable } from '../delivery/variable.ts';
import type { App } from '../marathon/app-schema.ts';
import { lookAtBalancers } from './look.ts';
import { isDelivered, type Known, type TargetTools } from './observe-targets.ts';
import { probedNames } from './probe.ts';
import { type HeldVariable, holdsOf, placesAmong } from './variable-places.ts';
import type { ObservedCertificate, ObservedTarget } from './world.ts';

/** A marathon-lb app whose variables hold bundles, as it is now. */
export async function environmentTarget(
  app: App,
  names: readonly string[],
  known: Known,
  tools: TargetTools,
): Promise<ObservedTarget> {
  const { targets } = tools.stores;
  const variables = heldIn(app);
  const { here, served } = deliveredTo(names, holdsOf(variables, known.owners), known);
  const [deliveredAt, hold, marathonVersion, balancers] = await Promise.all([
    targets.deliveredAt(app.id),
    targets.hold(app.id),
    tools.marathonVersion(tools.signal),
    lookAtBalancers(tools.balancersOf(app), probedNames(here, served, known.now), tools),
  ]);
  return {
    id: app.id,
    strategy: 'environment',
    names: served,
    ...placesAmong(variables, app.id, { ...known, certificates: here }, tools),
    balancers,
    unknownBalancers: [],
    deployments: app.deployments,
    missing: [],
    restart: predictRestart(app, { marathonVersion, hasSpareAgent: tools.hasSpareAgent }),
    deliveredAt,
    hold,
  };
}

/** The certificates that belong to an app, and the names that its balancers serve with them. Pure.
 * @param names the wanted ones that they serve   @param holds certificates of which the app holds a version */
export function deliveredTo(
  names: readonly string[],
  holds: ReadonlySet<string>,
  { certificates, now }: Pick<Known, 'certificates' | 'now'>,
): { here: ObservedCertificate[]; served: Set<string> } {
  const served = new Set(names);
  // What nobody asks for any more stays where it is, and comes to no other app.
  const here = certificates.filter((each) =>
    each.life === 'wanted'
      ? each.names.some((name) => served.has(name))
      : holds.has(each.id) && isDelivered(each, now),
  );
  for (const each of here) if (each.life !== 'wanted') for (const name of each.names) served.add(name);
  return { here, served };
}

function heldIn({ env }: App): HeldVariable[] {
  return Object.entries(env).flatMap(([variable, value]) => {
    if (!variable.startsWith(DEFAULT_SLOT)) return [];
    const bytes = Buffer.byteLength(`${variable}=${typeof value === 'string' ? value : ''}`);
    // One that is no slot counts by its size only.
    const isSlot = SLOTS.includes(variable);
    return [
      { variable, bytes, content: isSlot ? readVariable(value) : ({ kind: 'secret', secret: '' } as const) },
    ];
  });
}
