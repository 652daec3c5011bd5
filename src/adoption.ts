import { resolve } from 'node:path';
import { accountThumbprint } from './acme/account-key.ts';
import type { Cas } from './ca.ts';
import {
  type AdoptionReport,
  adoptionReport,
  describeAdoption,
} from './certificates/adopt/describe-adoption.ts';
import type { FoundTree } from './certificates/adopt/found-tree.ts';
import { inheritedAs } from './certificates/adopt/inherited.ts';
import { type AdoptionPlan, type KnownAlready, planAdoption } from './certificates/adopt/plan-adoption.ts';
import { readPredecessor } from './certificates/adopt/predecessor.ts';
import { adoptedFrom, takeOver } from './certificates/adopt/take.ts';
import { installFault } from './certificates/install-gate.ts';
import { issuerTrust } from './certificates/issuer-trust.ts';
import { openAccountStore } from './certificates/store-accounts.ts';
import type { StoredEntry } from './certificates/store-catalogue.ts';
import type { StoreSet } from './certificates/store-set.ts';
import type { Config } from './config/config.ts';
import { LARGEST_BUNDLE } from './delivery/bundle.ts';
import type { Clock } from './lib/clock.ts';
import type { Log } from './lib/log.ts';

/** What is to be taken over from one directory. Holds private keys: never log or print it. */
export interface PlannedAdoption {
  tree: FoundTree;
  plan: AdoptionPlan;
}

/** The same as it may be shown. */
export interface AdoptionShown {
  report: AdoptionReport;
  lines: string[];
}

/** Taking over what a predecessor left: from its storage by itself, once, and from any directory when asked to. */
export interface Adoption {
  /** What the next pass has to take over before it begins; nothing once it was taken over, by any process. */
  due(): Promise<PlannedAdoption | undefined>;
  /** @returns undefined when the directory is none of a predecessor */
  planned(path: string): Promise<PlannedAdoption | undefined>;
  /** Only for the holder of the store's lock, who planned it under the same lock. */
  take(planned: PlannedAdoption, signal: AbortSignal): Promise<void>;
}

/** @param storage the directory of the predecessor whose definition we were started from, if any */
export function openAdoption(
  tools: { config: Config; clock: Clock; log: Log; stores: StoreSet; cas: Cas },
  storage: string | undefined,
): Adoption {
  const { config, cas } = tools;
  const home = storage === undefined ? undefined : resolve(storage);
  let isOver = home === undefined;
  return {
    async due() {
      if (isOver || home === undefined) return undefined;
      const before = await adoptedFrom(config.store);
      const found = before.some(({ path }) => path === home) ? undefined : await read(home, tools);
      isOver = found === undefined;
      return found;
    },
    planned: (path) => read(path, tools),
    async take({ tree, plan }, signal) {
      const accountsOf = async (directoryUrl: string) => (await cas.of(directoryUrl)).accounts;
      await takeOver(tree, plan, { ...tools, accountsOf }, signal);
      isOver ||= tree.path === home;
    },
  };
}

/** What a dry run looks at in place of the store: as if it had been taken over. */
export function storesWith(stores: StoreSet, { plan }: PlannedAdoption, now: Date): StoreSet {
  const list = async (): Promise<StoredEntry[]> => {
    const there = await stores.list();
    const ids = there.map(({ id }) => id);
    return [...there, ...inheritedAs(plan.certificates, ids, now).map(({ entry }) => entry)];
  };
  return { ...stores, list };
}

export function shownAs({ tree, plan }: PlannedAdoption): AdoptionShown {
  return { report: adoptionReport(tree, plan), lines: describeAdoption(tree, plan) };
}

type ReadTools = Parameters<typeof openAdoption>[0];

async function read(path: string, tools: ReadTools): Promise<PlannedAdoption | undefined> {
  const tree = await readPredecessor(path);
  if (tree === undefined) return undefined;
  const { config, clock } = tools;
  const now = new Date(clock.nowMs());
  const plan = planAdoption(tree, await knownAlready(tree, tools), now, config.acmeDirectory);
  const gate = {
    ...{ names: [], cover: 'at-least' as const, nowMs: now.getTime(), skewMs: undefined },
    ...{ trust: issuerTrust(config.acmeDirectory, config.issuerCa), replaces: undefined },
    mostBytes: config.delivery === 'environment' ? config.largestVariable : LARGEST_BUNDLE,
  };
  const faults = new Map(
    plan.certificates.flatMap((each) => {
      const fault = installFault(each.bundle, gate);
      return fault === undefined ? [] : [[each, fault.message] as const];
    }),
  );
  const problems = [...faults].map(([{ path: at }, message]) => ({ path: at, message }));
  return {
    tree: { ...tree, problems: [...tree.problems, ...problems] },
    plan: { ...plan, certificates: plan.certificates.filter((each) => !faults.has(each)) },
  };
}

/** An account of ours that the CA has never heard of gives way to one that it knows. */
async function knownAlready(tree: FoundTree, { config, stores }: ReadTools): Promise<KnownAlready> {
  const entries = await stores.list();
  const current = entries.flatMap(({ stored }) => stored ?? []);
  const found = new Set(tree.accounts.map(({ thumbprint }) => thumbprint));
  const keys = new Map<string, string>();
  const directories = [config.acmeDirectory, ...tree.accounts.flatMap((each) => each.directoryUrl ?? [])];
  for (const directoryUrl of new Set(directories)) {
    const stored = await (await openAccountStore(config.store, directoryUrl, { readOnly: true })).read();
    const given = directoryUrl === config.acmeDirectory ? config.acmeAccountKey : undefined;
    const keyPem = given ?? stored?.keyPem;
    if (keyPem === undefined) continue;
    const thumbprint = accountThumbprint(keyPem);
    const isInUse = given !== undefined || stored?.url !== undefined;
    if (isInUse || found.has(thumbprint)) keys.set(directoryUrl, thumbprint);
  }
  return {
    fingerprints: new Set(entries.flatMap(({ stored, issued }) => [...issued, stored?.fingerprint ?? ''])),
    accountKeyOf: (directoryUrl) => keys.get(directoryUrl),
    current,
  };
}
