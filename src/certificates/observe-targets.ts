import { join } from 'node:path';
import type { DeliveryTools } from '../delivery/delivery.ts';
import { readDirectory } from '../delivery/directory-files.ts';
import { placesIn } from '../delivery/directory-layout.ts';
import { predictRestart } from '../delivery/preflight.ts';
import { readVariable, type VariableContent } from '../delivery/variable.ts';
import type { Balancer } from '../haproxy/balancers.ts';
import { groupsOf, namesInGroups } from '../haproxy/groups.ts';
import { CertathonError } from '../lib/errors.ts';
import type { App } from '../marathon/app-schema.ts';
import { appsThere } from '../marathon/apps-there.ts';
import type { MarathonClient } from '../marathon/client.ts';
import { type DirectoryFile, type InDirectory, inDirectory } from './in-directory.ts';
import { lookAtBalancers } from './look.ts';
import type { PlaceState, Problem, StoredCertificate, Target } from './model.ts';
import { isPlaceholder } from './placeholder.ts';
import type { Store } from './store.ts';

/** Where certificates are delivered to, and how it is looked at. */
export interface TargetTools {
  marathon: MarathonClient;
  signal: AbortSignal;
  store: Store;
  strategy: 'environment' | 'directory';
  /** The marathon-lb apps. */
  balancerAppIds: readonly string[];
  /** The variable of each that holds the bundle; only for `environment`. */
  variable: string;
  /** The directory shared with all balancers; only for `directory`. */
  sharedDirectory: string;
  hasSpareAgent: boolean | undefined;
  marathonVersion: (signal: AbortSignal) => Promise<string | undefined>;
  /** All balancers of a shared directory: from the apps' tasks, or from addresses. */
  findBalancers: (signal: AbortSignal) => Promise<{ balancers: Balancer[]; problems: string[] }>;
  balancersOf: DeliveryTools['balancersOf'];
  handshake: DeliveryTools['handshake'];
}

/** What is known before the targets are looked at. */
interface Known {
  names: readonly string[];
  stored: StoredCertificate | undefined;
}

/** Looks at every target. One that can not be seen does not hide the others.
 * @throws the first failure when none can be seen; MARATHON_*, DIRECTORY_UNUSABLE, STORE_UNUSABLE */
export async function observeTargets(
  known: Known,
  tools: TargetTools,
): Promise<{ targets: Target[]; unseen: Problem[] }> {
  if (tools.strategy === 'directory') return { targets: [await directoryTarget(known, tools)], unseen: [] };
  const { apps, missing } = await appsThere(tools.balancerAppIds, tools.marathon, tools.signal);
  const names = await namesOfEach(apps, known.names, tools);
  const targets = await Promise.all(
    apps.map((app, index) => environmentTarget(app, names[index] ?? [], known, tools)),
  );
  return {
    targets: targets.filter((target) => target.names.length > 0),
    unseen: missing.map(({ code, message }) => ({ code, message })),
  };
}

/** One app serves every name. Several are told apart by their groups, for which all apps have to be read;
 * whoever may not read them all delivers every name to each. */
async function namesOfEach(
  apps: readonly App[],
  names: readonly string[],
  { marathon, signal }: TargetTools,
): Promise<(readonly string[])[]> {
  if (apps.length < 2) return apps.map(() => names);
  const all = await marathon.apps({ signal }).catch((error: unknown) => {
    if (error instanceof CertathonError && error.code === 'MARATHON_UNAUTHORIZED') return undefined;
    throw error;
  });
  if (all === undefined) return apps.map(() => names);
  const labelled = all.apps.map(({ id, labels, portDefinitions, portMappings }) => ({
    id,
    labels,
    portCount: Math.max(portDefinitions.length, portMappings.length),
  }));
  return apps.map((app) => namesInGroups(groupsOf(app.args, app.cmd), labelled, names));
}

async function environmentTarget(
  app: App,
  names: readonly string[],
  known: Known,
  tools: TargetTools,
): Promise<Target> {
  const { store, variable } = tools;
  const [state, deliveredAt, hold, marathonVersion, balancers] = await Promise.all([
    placeState(readVariable(app.env[variable]), store),
    store.deliveredAt(app.id),
    store.hold({ deliveryTo: app.id }),
    tools.marathonVersion(tools.signal),
    lookAtBalancers(tools.balancersOf(app), probedNames(names, known), tools),
  ]);
  return {
    id: app.id,
    strategy: 'environment',
    place: `${variable} of ${app.id}`,
    state,
    names: [...names],
    balancers,
    unknownBalancers: [],
    deployments: app.deployments,
    missing: [],
    superfluous: [],
    rivals: [],
    restart: predictRestart(app, { marathonVersion, hasSpareAgent: tools.hasSpareAgent }),
    deliveredAt,
    hold,
  };
}

async function directoryTarget(known: Known, tools: TargetTools): Promise<Target> {
  const { store, sharedDirectory: path } = tools;
  const [content, found, deliveredAt, hold] = await Promise.all([
    readLoaded(known, tools),
    tools.findBalancers(tools.signal),
    store.deliveredAt(path),
    store.hold({ deliveryTo: path }),
  ]);
  const { place, files, missing } = content;
  const factsOf = (name: string) => files.find(({ file }) => file === name)?.content;
  const held = factsOf(place.holder);
  return {
    id: path,
    strategy: 'directory',
    place: join(placesIn(path).certs, place.holder),
    state:
      held === undefined
        ? { kind: 'empty' }
        : held.kind === 'certificate'
          ? { ...held, placeholder: isPlaceholder(held.facts) }
          : held,
    names: [...known.names],
    balancers: await lookAtBalancers(found.balancers, probedNames(known.names, known), tools),
    unknownBalancers: found.problems,
    deployments: [],
    missing,
    // A bundle that stands in a file of another name is what is delivered, until the next one comes.
    superfluous: place.superfluous.filter((name) => name !== place.holder),
    rivals: place.rivals.flatMap((name) => {
      const rival = factsOf(name);
      return rival?.kind === 'certificate'
        ? [{ place: join(placesIn(path).certs, name), facts: rival.facts }]
        : [];
    }),
    restart: undefined,
    deliveredAt,
    hold,
  };
}

/** The files that HAProxy loads, and which of them concern us. Also read again right before a delivery. */
export async function readLoaded(
  { names, stored }: Known,
  { sharedDirectory, store }: Pick<TargetTools, 'sharedDirectory' | 'store'>,
): Promise<{ place: InDirectory; files: DirectoryFile[]; missing: string[] }> {
  const { files, missing } = await readDirectory(sharedDirectory);
  const read = await Promise.all(
    files.map(async ({ file, content }): Promise<DirectoryFile> => {
      const state = await placeState(content, store);
      if (state.kind === 'secret') return { file, content: { kind: 'empty' } };
      return { file, content: state };
    }),
  );
  return { place: inDirectory(read, names, stored?.fingerprint), files: read, missing };
}

async function placeState(content: VariableContent, store: Store): Promise<PlaceState> {
  if (content.kind !== 'certificate') return content;
  const { facts } = content;
  const ours = await store.isIssued(facts.fingerprint);
  return { kind: 'certificate', facts, ours, placeholder: isPlaceholder(facts) };
}

/** What is asked for is what the stored certificate covers; before there is one, any wanted name will do. */
function probedNames(names: readonly string[], { stored }: Known): readonly string[] {
  const covered = stored === undefined ? [] : names.filter((name) => stored.names.includes(name));
  return covered.length > 0 ? covered : (stored?.names.slice(0, 1) ?? names.slice(0, 1));
}
