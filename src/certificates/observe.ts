import type { LabelledApp } from '../haproxy/groups.ts';
import { groupsOf } from '../haproxy/groups.ts';
import type { Clock } from '../lib/clock.ts';
import { CertathonError } from '../lib/errors.ts';
import type { App } from '../marathon/app-schema.ts';
import { type AppsThere, appsThere } from '../marathon/apps-there.ts';
import { type CertificateRules, certificatesOf, ownersOf, packingWords } from './certificates.ts';
import { type AllowedChoices, portOptions } from './label-choice.ts';
import { namesFromLabels } from './label-names.ts';
import type { CertificateChoice, Problem, WantedNames } from './model.ts';
import { hiddenOwner, readLabels } from './observe-labels.ts';
import { observeTargets, type TargetTools } from './observe-targets.ts';
import { revokedBy } from './store-revocations.ts';
import { withVersions } from './versions.ts';
import { wantedNames } from './wanted.ts';
import type { Observation, ObservedTarget, Refusal } from './world.ts';

export interface ObserveTools extends TargetTools {
  clock: Clock;
  /** Our own app, whose label lists names; unknown when the program runs outside Marathon. */
  appId: string | undefined;
  domains: readonly string[];
  routingHost: string;
  discovery: Discovery;
  rules: CertificateRules;
}

/** Which labels of other apps count, and what they may cause. */
export interface Discovery {
  /** `labels`: those that ask for a certificate; `vhosts`: every HAPROXY_{n}_VHOST too. */
  mode: 'off' | 'labels' | 'vhosts';
  /** The groups whose apps count; empty: those of the marathon-lb apps. */
  groups: readonly string[];
  /** Suffixes; empty: any. */
  allowedDomains: readonly string[];
  /** Names that one app may ask for. */
  mostPerApp: number;
  /** Among which labels may choose. */
  allowed: AllowedChoices;
  /** Whether the HAPROXY_0_VHOST label of our own app lists names, or only routes challenges. Default true. */
  ownVhost?: boolean | undefined;
  /** Whether only the first name of each MARATHON_ACME_{n}_DOMAIN label counts. */
  firstNameOnly?: boolean | undefined;
}

/** The groups of balancers that are not found through Marathon. */
const STOCK_GROUPS = ['external'];

/** The world as one plain value: names, store, targets, and what each balancer serves. Reads only.
 * @param askedAt when a person asked for a try: names that failed before are tried again
 * @throws APP_MISSING when there is no marathon-lb app, MARATHON_*, DIRECTORY_UNUSABLE, STORE_UNUSABLE */
export async function observe(tools: ObserveTools, askedAt?: Date): Promise<Observation> {
  const { stores, strategy, discovery } = tools;
  const needsBalancerApps =
    strategy === 'environment' || (discovery.mode !== 'off' && discovery.groups.length === 0);
  const [own, labelled, entries, revocations, nameHolds, lookHolds, balancerApps] = await Promise.all([
    readOwnApp(tools),
    readLabels(tools),
    stores.list(),
    stores.revocations.list(),
    stores.names.list(),
    stores.looks.holds(),
    needsBalancerApps ? readBalancerApps(tools) : undefined,
  ]);
  const now = new Date(tools.clock.nowMs());
  const wanted = namesOf(own, labelled.apps, balancerApps?.apps ?? [], tools);
  const revoked = revokedBy(revocations);
  const hidden = labelled.isComplete ? await hiddenOwner(entries, labelled.apps, tools) : undefined;
  const isComplete = labelled.isComplete && hidden === undefined;
  const certificates = await withVersions(
    await certificatesOf(wanted, entries, { isComplete, now, revoked, nameHolds, askedAt }, tools.rules),
    stores,
  );
  const names = certificates.flatMap((each) => (each.life === 'wanted' ? each.names : []));
  const known = { now, certificates, owners: ownersOf(entries), names: [...new Set(names)].sort() };
  const targets = await observeTargets(known, balancerApps, labelled.apps, tools);
  return {
    now,
    wanted,
    certificates,
    targets: await Promise.all(targets.map((target) => advised(target, wanted, tools))),
    unseen: strategy === 'environment' ? missingOf(balancerApps) : [],
    notices: [...labelled.notices, ...(hidden === undefined ? [] : [hidden])],
    revoked,
    nameHolds,
    lookHolds,
  };
}

/** Where there is no room, the packing that would fit is named. */
async function advised(
  target: ObservedTarget,
  wanted: WantedNames,
  { rules }: ObserveTools,
): Promise<ObservedTarget> {
  if (![...target.refused.values()].some(({ isFull }) => isFull)) return target;
  const words = await packingWords(wanted, rules);
  const refused = [...target.refused].map(([id, refusal]): [string, Refusal] => [
    id,
    refusal.isFull ? { ...refusal, message: `${refusal.message}; ${words}` } : refusal,
  ]);
  return { ...target, refused: new Map(refused) };
}

function namesOf(
  own: App | undefined,
  apps: readonly LabelledApp[] | undefined,
  balancerApps: readonly App[],
  { domains, routingHost, discovery, appId }: ObserveTools,
): WantedNames {
  const label = discovery.ownVhost === false ? undefined : own?.labels.HAPROXY_0_VHOST;
  const theirs = balancerApps.map(({ args, cmd }) => groupsOf(args, cmd));
  const found = theirs.includes('all') ? ('all' as const) : (theirs as string[][]).flat();
  const groups =
    discovery.groups.length > 0
      ? discovery.groups.includes('*')
        ? ('all' as const)
        : discovery.groups
      : balancerApps.length > 0
        ? found
        : STOCK_GROUPS;
  return wantedNames({
    configured: domains,
    label:
      own === undefined || label === undefined
        ? undefined
        : { text: label, app: own.id, choice: ownChoice(own, discovery.allowed) },
    routingHost,
    labels: namesFromLabels({
      apps: discovery.mode === 'off' ? [] : (apps ?? []),
      groups,
      vhosts: discovery.mode === 'vhosts',
      firstNameOnly: discovery.firstNameOnly,
      ownAppId: appId,
      allowed: discovery.allowed,
    }),
    allowedDomains: discovery.allowedDomains,
    mostPerApp: discovery.mostPerApp,
  });
}

/** Options by label of our own app count for its first port, whose names these are. */
function ownChoice({ id, labels }: App, allowed: Discovery['allowed']): CertificateChoice {
  return portOptions({ id, labels, portCount: 1 }, 0, allowed).choice;
}

async function readBalancerApps({
  balancerAppIds,
  marathon,
  signal,
  strategy,
}: ObserveTools): Promise<AppsThere | undefined> {
  try {
    return await appsThere(balancerAppIds, marathon, signal);
  } catch (error) {
    // A shared directory may be served by balancers that Marathon does not know, or does not show.
    const isHidden =
      error instanceof CertathonError && ['APP_MISSING', 'MARATHON_UNAUTHORIZED'].includes(error.code);
    if (strategy === 'directory' && isHidden) return undefined;
    throw error;
  }
}

function missingOf(read: AppsThere | undefined): Problem[] {
  return (read?.missing ?? []).map(({ code, message }) => ({ code, message }));
}

/** Outside Marathon, or when the app is not there (any more), only the configured names count. */
async function readOwnApp({ appId, marathon, signal }: ObserveTools): Promise<App | undefined> {
  if (appId === undefined) return undefined;
  return marathon.app(appId, signal).catch((error: unknown) => {
    if (error instanceof CertathonError && error.code === 'APP_MISSING') return undefined;
    throw error;
  });
}
