// pure
import type { CertificateFacts } from '../../delivery/bundle.ts';
import type { Hold } from '../model.ts';
import type { LookHold } from '../store-schema.ts';
import type { CertificatePlace, Observation, ObservedCertificate } from '../world.ts';

/** The certificates of a simulation, and the directory that all balancers load: what is delivered is served at once. */
export interface Fleet {
  certificates: ObservedCertificate[];
  places: Map<string, CertificatePlace>;
  lookHolds: Map<string, LookHold>;
  targetHold: Hold | undefined;
  deliveredAt: Date | undefined;
}

export const TARGET = 'the shared directory';
/** Names under one registered domain. */
const NAMES_PER_DOMAIN = 10;
const BALANCER = { id: 'balancer', host: '192.0.2.1', port: 443, shown: new Map(), unreachable: undefined };
const NONE: readonly never[] = [];

/** Nothing is there yet: each certificate has one name, ten names a registered domain. Pure. */
export function newFleet(count: number, directoryUrl: string): Fleet {
  const certificates = Array.from({ length: count }, (_, index): ObservedCertificate => {
    const name = `www${index % NAMES_PER_DOMAIN}.shop-${Math.floor(index / NAMES_PER_DOMAIN)}.example`;
    return {
      id: name,
      key: 'own',
      names: [name],
      choice: {},
      life: 'wanted',
      goneSince: undefined,
      recorded: { key: 'own', choice: {} },
      directoryUrl,
      stored: undefined,
      order: undefined,
      orderHold: undefined,
    };
  });
  const places = new Map(certificates.map(({ id }) => [id, placeOf(id, undefined)]));
  return { certificates, places, lookHolds: new Map(), targetHold: undefined, deliveredAt: undefined };
}

/** The registered domain of a name of the fleet. Pure. */
export function domainOf(name: string): string {
  return name.slice(name.indexOf('.') + 1);
}

export function placeOf(id: string, facts: CertificateFacts | undefined): CertificatePlace {
  const held = { at: `${id}.pem`, place: `${TARGET}/${id}.pem`, superfluous: NONE, rivals: NONE };
  if (facts === undefined) return { ...held, state: { kind: 'empty' } };
  return { ...held, state: { kind: 'certificate', facts, ours: true, placeholder: false } };
}

/** The fleet as a pass sees it. Pure. */
export function observed(fleet: Fleet, names: ReadonlySet<string>, nowMs: number): Observation {
  const { certificates, places, lookHolds, targetHold, deliveredAt } = fleet;
  return {
    now: new Date(nowMs),
    wanted: { names: [...names], wants: [], refused: [] },
    certificates,
    targets: [
      {
        id: TARGET,
        strategy: 'directory',
        unknownBalancers: [],
        deployments: [],
        missing: [],
        restart: undefined,
        deliveredAt,
        hold: targetHold,
        names,
        places,
        holds: new Set(),
        refused: new Map(),
        clears: [],
        marks: new Map(),
        balancers: [BALANCER],
      },
    ],
    unseen: [],
    notices: [],
    lookHolds,
  };
}
