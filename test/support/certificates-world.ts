import { certificatesOf, ownersOf } from '../../src/certificates/certificates.ts';
import type { CertificateChoice, Hold, Want } from '../../src/certificates/model.ts';
import { deliveredTo } from '../../src/certificates/observe-environment.ts';
import type { PackMode } from '../../src/certificates/pack-groups.ts';
import { probedNames } from '../../src/certificates/probe.ts';
import type { StoredEntry } from '../../src/certificates/store-catalogue.ts';
import { type HeldVariable, holdsOf, placesAmong } from '../../src/certificates/variable-places.ts';
import type { LookedBalancer, Observation, ObservedTarget } from '../../src/certificates/world.ts';
import type { CertificateFacts } from '../../src/delivery/bundle.ts';
import { DEFAULT_SLOT, SLOTS } from '../../src/delivery/slot-model.ts';
import { facts, servedFacts } from './observations.ts';

/** A cluster of which the whole certificates job is planned: apps that ask for names, a store, and marathon-lb apps
 * whose variables hold bundles. Steps have their effects in certificates-world-steps.ts. */
export interface ClusterWorld {
  now: Date;
  /** Names of our own list. */
  own: string[];
  apps: Map<string, { names: string[]; choice: CertificateChoice }>;
  /** Whether all apps can be seen. */
  isComplete: boolean;
  pack: PackMode;
  defaultName: string | undefined;
  mostNames: number;
  store: Map<string, StoredEntry>;
  balancerApps: Map<string, BalancerApp>;
  /** Names for which the CA refuses to issue. */
  failing: Set<string>;
  holds: Map<string, Hold>;
  deliveredAt: Map<string, Date>;
  /** Fingerprints of ours → the identity of the choice by which they were made. */
  madeBy: Map<string, string>;
  made: number;
  /** Somebody has changed variables. */
  isMeddled: boolean;
  /** What broke a promise on the way. */
  faults: string[];
}

export interface BalancerApp {
  variables: Map<string, CertificateFacts>;
  /** What its one balancer was started with. */
  loaded: Map<string, CertificateFacts>;
}

export const GRACE_MS = 7 * 86_400_000;
export const LIFE_MS = 90 * 86_400_000;
const BYTES = 5_000;

/** The world as the job sees it, by the job's own functions wherever they take plain values. */
export async function seen(world: ClusterWorld): Promise<Observation> {
  const { now, isComplete } = world;
  const entries = [...world.store.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const wants = wantsOf(world);
  const wanted = { names: wants.map(({ name }) => name), wants, refused: [] };
  const certificates = await certificatesOf(wanted, entries, { isComplete, now }, rulesOf(world));
  const owners = ownersOf(entries);
  const names = certificates.flatMap((each) => (each.life === 'wanted' ? each.names : []));
  const known = { now, certificates, owners, names: [...new Set(names)].sort() };
  const targets = [...world.balancerApps].map(([id, app]): ObservedTarget => {
    const variables = [...app.variables].map(([variable, held]): HeldVariable => {
      const content = { kind: 'certificate' as const, facts: held, pem: '' };
      return { variable, bytes: BYTES + variable.length + 1, content };
    });
    const { here, served } = deliveredTo(known.names, holdsOf(variables, owners), known);
    return {
      id,
      strategy: 'environment',
      names: served,
      ...placesAmong(
        variables,
        id,
        { ...known, certificates: here },
        {
          variable: DEFAULT_SLOT,
          replaceForeign: false,
          variableLimits: { variableBytes: 120_000, totalBytes: 400_000 },
          defaultName: world.defaultName,
          keyType: 'ec256',
        },
      ),
      balancers: [lookedAt(`${id}.1`, app, probedNames(here, served, now))],
      unknownBalancers: [],
      deployments: [],
      missing: [],
      restart: undefined,
      deliveredAt: world.deliveredAt.get(id),
      hold: world.holds.get(id),
    };
  });
  return { now, wanted, certificates, targets, unseen: [], notices: [] };
}

export function wantsOf({ own, apps, isComplete }: ClusterWorld): Want[] {
  const wants = new Map<string, Want>(own.map((name) => [name, { name, keys: ['own'], choice: {} }]));
  for (const [id, { names, choice }] of isComplete ? [...apps].sort() : []) {
    for (const name of names) {
      const want = wants.get(name) ?? { name, keys: [], choice };
      wants.set(name, { ...want, keys: [...want.keys, id].sort() });
    }
  }
  return [...wants.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function rulesOf({ pack, mostNames }: ClusterWorld) {
  return {
    pack,
    mostNames: () => mostNames,
    domainOf: async () => (name: string) => name.split('.').slice(-2).join('.'),
    directoryUrl: 'https://acme.example/directory',
    graceMs: GRACE_MS,
  };
}

function lookedAt(id: string, app: BalancerApp, names: readonly string[]): LookedBalancer {
  const shown = new Map(
    names.map((name) => [name, servedFacts(shownFor(app, name)?.fingerprint ?? '0'.repeat(64))]),
  );
  return { id, host: '10.0.0.11', port: 443, shown, unreachable: undefined };
}

/** HAProxy shows the first certificate that has the name, else the default one.
 * @source marathon-lb `run`: numbered variables count only beside HAPROXY_SSL_CERT */
export function shownFor({ loaded }: BalancerApp, name: string): CertificateFacts | undefined {
  if (!loaded.has(DEFAULT_SLOT)) return undefined;
  const all = SLOTS.flatMap((variable) => loaded.get(variable) ?? []);
  return all.find(({ names }) => names.includes(name)) ?? all[0];
}

export function newCertificate(
  world: ClusterWorld,
  names: readonly string[],
  isOurs: boolean,
): CertificateFacts {
  world.made += 1;
  const fingerprint = ((isOurs ? 0xf0000 : 0xa0000) + world.made).toString(16).padStart(64, '0');
  const notAfter = new Date(world.now.getTime() + LIFE_MS);
  return facts({ names: [...names].sort(), fingerprint, notBefore: world.now, notAfter });
}
