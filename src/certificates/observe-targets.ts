import type { CertificateFacts } from '../delivery/bundle.ts';
import type { DeliveryTools } from '../delivery/delivery.ts';
import type { Balancer } from '../haproxy/balancers.ts';
import { groupsOf, type LabelledApp, namesInGroups } from '../haproxy/groups.ts';
import type { App } from '../marathon/app-schema.ts';
import type { AppsThere } from '../marathon/apps-there.ts';
import type { MarathonClient } from '../marathon/client.ts';
import type { FileMemory } from './file-memory.ts';
import type { PlaceState } from './model.ts';
import { directoryTarget } from './observe-directory.ts';
import { environmentTarget } from './observe-environment.ts';
import { isPlaceholder } from './placeholder.ts';
import { isOver } from './retire.ts';
import type { StoreSet } from './store-set.ts';
import type { ObservedCertificate, ObservedTarget } from './world.ts';

/** Where certificates are delivered to, and how it is looked at. */
export interface TargetTools {
  marathon: MarathonClient;
  signal: AbortSignal;
  stores: StoreSet;
  strategy: 'environment' | 'directory';
  /** The marathon-lb apps. */
  balancerAppIds: readonly string[];
  /** The variable of each with which bundles begin; only for `environment`. */
  variable: string;
  /** A name of the certificate that stands first, for clients without SNI. */
  defaultName: string | undefined;
  variableLimits: { variableBytes: number; totalBytes: number };
  replaceForeign: boolean;
  /** Of keys, unless a certificate chooses another; for estimating sizes. */
  keyType: string;
  /** The directory shared with all balancers; only for `directory`. */
  sharedDirectory: string;
  files: FileMemory;
  hasSpareAgent: boolean | undefined;
  marathonVersion: (signal: AbortSignal) => Promise<string | undefined>;
  /** All balancers of a shared directory: from the apps' tasks, or from addresses. */
  findBalancers: (
    signal: AbortSignal,
    read?: AppsThere,
  ) => Promise<{ balancers: Balancer[]; problems: string[] }>;
  balancersOf: DeliveryTools['balancersOf'];
  handshake: DeliveryTools['handshake'];
}

/** What is known before the targets are looked at. */
export interface Known {
  now: Date;
  certificates: readonly ObservedCertificate[];
  owners: Owners;
  names: readonly string[];
}

/** To which certificate of ours a bundle belongs, by its fingerprint. */
export interface Owners {
  ownerOf(fingerprint: string): string | undefined;
  /** Did this program issue it? */
  isIssued(fingerprint: string): boolean;
  /** Is it the current one of any certificate? Then of which. */
  currentOf(fingerprint: string): string | undefined;
  /** Facts of the current one of any certificate. */
  factsOf(fingerprint: string): CertificateFacts | undefined;
}

/** Looks at every target. One that can not be seen does not hide the others.
 * @param read the marathon-lb apps, where they could be read
 * @param labelled all apps of the cluster, when they may be read: several marathon-lb apps are told apart by groups
 * @throws MARATHON_*, DIRECTORY_UNUSABLE, STORE_UNUSABLE */
export async function observeTargets(
  known: Known,
  read: AppsThere | undefined,
  labelled: readonly LabelledApp[] | undefined,
  tools: TargetTools,
): Promise<ObservedTarget[]> {
  if (tools.strategy === 'directory') return [await directoryTarget(known, read, tools)];
  const apps = read?.apps ?? [];
  const targets = await Promise.all(
    apps.map((app) => environmentTarget(app, namesOf(app, apps, labelled, known.names), known, tools)),
  );
  return targets.filter(({ names, holds }) => names.size > 0 || holds.size > 0);
}

/** One app serves every name. Several are told apart by their groups; whoever may not read all apps delivers every
 * name to each. */
function namesOf(
  app: App,
  apps: readonly App[],
  labelled: readonly LabelledApp[] | undefined,
  names: readonly string[],
): readonly string[] {
  if (apps.length < 2 || labelled === undefined) return names;
  return namesInGroups(groupsOf(app.args, app.cmd), labelled, names);
}

/** Is a certificate still to be served? */
export function isDelivered(
  certificate: Pick<ObservedCertificate, 'life' | 'stored' | 'forgotten' | 'revoked'>,
  now: Date,
): boolean {
  const { life } = certificate;
  return life !== 'replaced' && !(life === 'ended' && isOver(certificate, now));
}

export function certificateState(facts: CertificateFacts, owners: Owners): PlaceState {
  return {
    kind: 'certificate',
    facts,
    ours: owners.isIssued(facts.fingerprint),
    placeholder: isPlaceholder(facts),
  };
}
