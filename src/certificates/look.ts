import type { DeliveryTools, Served } from '../delivery/delivery.ts';
import { probeName } from '../delivery/probe-name.ts';
import type { Balancer } from '../haproxy/balancers.ts';
import { mapBounded } from '../lib/parallel.ts';
import type { LookedBalancer } from './world.ts';

/** At most so many balancers at once, and so many names of each. */
const PARALLEL = 8;
const PARALLEL_NAMES = 4;

/** What each balancer shows on its own address for every name that it is asked for. One that does not answer
 * is asked once, not for each name: that would take minutes. */
export async function lookAtBalancers(
  balancers: readonly Balancer[],
  names: readonly string[],
  tools: { handshake: DeliveryTools['handshake']; signal: AbortSignal },
): Promise<LookedBalancer[]> {
  const [first, ...rest] = names;
  if (first === undefined) return [];
  return mapBounded(balancers, PARALLEL, async (balancer): Promise<LookedBalancer> => {
    const { id, host, tlsPort } = balancer;
    const ask = (name: string): Promise<Served> => tools.handshake(balancer, probeName(name), tools.signal);
    const served = await ask(first);
    const shown = new Map<string, Served>([[first, served]]);
    const unreachable = 'unreachable' in served ? served.unreachable : undefined;
    if (unreachable === undefined)
      await mapBounded(rest, PARALLEL_NAMES, async (name) => void shown.set(name, await ask(name)));
    return { id, host, port: tlsPort, shown, unreachable };
  });
}
