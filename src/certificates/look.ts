import type { DeliveryTools, Served } from '../delivery/delivery.ts';
import { probeName } from '../delivery/verify.ts';
import type { Balancer } from '../haproxy/balancers.ts';
import { mapBounded } from '../lib/parallel.ts';
import type { ObservedBalancer } from './model.ts';

/** At most so many balancers at once; the names of one are asked for one after another. */
const PARALLEL = 8;

/** What each balancer shows on its own address for every name that it should serve. One that does not answer
 * is asked once, not for each name: that would take minutes. */
export async function lookAtBalancers(
  balancers: readonly Balancer[],
  names: readonly string[],
  tools: { handshake: DeliveryTools['handshake']; signal: AbortSignal },
): Promise<ObservedBalancer[]> {
  const [first, ...rest] = names.map(probeName);
  if (first === undefined) return [];
  return mapBounded(balancers, PARALLEL, async (balancer) => {
    const { id, host, tlsPort } = balancer;
    const served = await tools.handshake(balancer, first, tools.signal);
    const others: ObservedBalancer['others'] = [];
    for (const name of 'unreachable' in served ? [] : rest) {
      const shown = await tools.handshake(balancer, name, tools.signal);
      if (!isSame(served, shown)) others.push({ name, served: shown });
    }
    return { id, host, port: tlsPort, served, others };
  });
}

function isSame(left: Served, right: Served): boolean {
  return 'fingerprint' in left && 'fingerprint' in right && left.fingerprint === right.fingerprint;
}
