import { join } from 'node:path';
import { type Lab, type LabOptions, startLab } from '../../src/lab/cluster.ts';
import type { AppDefinition } from '../../src/lab/definitions.ts';
import { newDirectory } from './certathon.ts';
import { singleBalancer } from './lab.ts';

/** A balancer app, a name, a store and an address for challenges that no other test of the lab uses. The CA finds
 * the name at that address directly, so that one-shot runs from outside Marathon can answer. */
export interface Place {
  app: string;
  host: string;
  name: string;
  store: string;
  env: Record<string, string>;
}

/** Labs whose places have an agent each. */
export interface PlacedLab {
  lab: Lab;
  /** @param change to the balancer app, which may depend on its agent */
  place(change?: Partial<AppDefinition> | ((host: string) => Partial<AppDefinition>)): Promise<Place>;
  /** The same without a balancer that runs. */
  placeWithoutTasks(change?: Partial<AppDefinition>): Promise<Place>;
}

/** @param places how many public agents there are for balancers beside the lab's own */
export async function startPlacedLab(places: number, options: LabOptions = {}): Promise<PlacedLab> {
  const balancers = options.balancers ?? 1;
  const constraints = [
    ['hostname', 'UNIQUE'],
    // The first agents, as the lab numbers them: the others are for places.
    ['hostname', 'LIKE', `.*\\.1[1-${balancers}]`],
  ];
  const lab = await startLab({
    ...options,
    balancers,
    publicAgents: balancers + places,
    balancerApp: { constraints, ...options.balancerApp },
  });
  const free = lab.publicAgents.slice(balancers);
  let count = 0;
  const newPlace = async (host: string, change: Partial<AppDefinition>): Promise<Place> => {
    count += 1;
    const id = `/lb-${count}`;
    const app = singleBalancer(lab, id, host, change);
    const name = `shop${count}.example.com`;
    const address = lab.subnet.address(40 + count);
    await Promise.all([lab.run(app), lab.authority.dns.setA(name, [address])]);
    const store = join(newDirectory(), 'store');
    return {
      app: id,
      host,
      name,
      store,
      env: {
        ...lab.settings,
        CERTATHON_MARATHON_LB_APP: id,
        CERTATHON_DOMAINS: name,
        CERTATHON_STORE: store,
        CERTATHON_BIND: address,
        CERTATHON_CHALLENGE_PORT: String(lab.ports.http),
        CERTATHON_POLL_INTERVAL: '200ms',
        CERTATHON_DELIVERY_TIMEOUT: '30s',
        CERTATHON_LOCK_WAIT: '30s',
      },
    };
  };
  return {
    lab,
    place: (change = {}) => {
      const host = free.shift() ?? 'none left';
      return newPlace(host, typeof change === 'function' ? change(host) : change);
    },
    placeWithoutTasks: (change = {}) => newPlace('none', { instances: 0, ...change }),
  };
}
