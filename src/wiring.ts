import { keyAuthorization } from './acme/account-key.ts';
import { type Adoption, openAdoption } from './adoption.ts';
import { whileAnswering } from './answering.ts';
import { openCas, revokeAt } from './ca.ts';
import { domainOf, openCaLimits } from './ca-limits.ts';
import { faultAtAny, mostNamesAt, openCaRules } from './ca-rules.ts';
import { openCaaLookup } from './certificates/caa-lookup.ts';
import type { ExecuteTools } from './certificates/execute.ts';
import { openFileMemory } from './certificates/file-memory.ts';
import { installFault } from './certificates/install-gate.ts';
import { type ChallengeStore, openChallengeStore } from './certificates/store-challenges.ts';
import { openStores } from './certificates/store-set.ts';
import type { Config } from './config/config.ts';
import type { StockSettings } from './config/stock-settings.ts';
import { openConnections } from './connections.ts';
import { LARGEST_BUNDLE } from './delivery/bundle.ts';
import { showCertificate } from './finding.ts';
import { pidsOf, requestReload } from './haproxy/reload.ts';
import type { Clock } from './lib/clock.ts';
import type { Log } from './lib/log.ts';
import type { MarathonEvent } from './marathon/event-schema.ts';
import { createObtain } from './obtaining.ts';

/** Everything that a pass works with, built once from the configuration. */
export interface Wiring {
  tools: ExecuteTools;
  challenges: ChallengeStore;
  adoption: Adoption;
  /** The body for a token, or undefined: from the store, else from the account's thumbprint when asked to. */
  answer: (token: string) => Promise<string | undefined>;
  /** Called with each event that concerns one of the two apps, while somebody holds `tools.delivery.wake`. */
  onEvent: (listener: (event: MarathonEvent) => void) => void;
  /** Called when labels of other apps may have changed. */
  onOtherApp: (listener: (reason: string) => void) => void;
  /** Are events coming in now? */
  hasEvents: () => boolean;
  close(): Promise<void>;
}

export interface WiringOptions {
  config: Config;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** Whether challenges are answered by this process all the time; otherwise only while one is running. */
  answersAlways: boolean;
  /** A dry run: nothing is written, not even the directories of the store. */
  readOnly: boolean;
  /** What the definition that started us means, when it is one of a predecessor. */
  stock?: Pick<StockSettings, 'labels' | 'storage'> | undefined;
}

/** A reload takes 0.2 s on a balancer at rest. */
const RELOAD_POLL_MS = 100;

export async function wire({
  config,
  clock,
  log,
  signal,
  answersAlways,
  readOnly,
  stock,
}: WiringOptions): Promise<Wiring> {
  const { marathon, wake, finding, limits, onEvent, onOtherApp, hasEvents, close } = openConnections({
    config,
    clock,
    log,
    signal,
  });
  const stores = await openStores(config.store, config.keepVersions, log, { readOnly });
  const challenges = await openChallengeStore(config.store, { readOnly });
  const cas = openCas({ config, clock, log, signal, readOnly });
  const { accounts } = await cas.of(config.acmeDirectory);
  const caLimits = openCaLimits({ config, clock, log });
  const answer = async (token: string): Promise<string | undefined> => {
    const stored = await challenges.answer(token);
    if (stored !== undefined || !config.stateless) return stored;
    const thumbprint = await accounts.thumbprint();
    return thumbprint === undefined ? undefined : keyAuthorization(token, thumbprint);
  };

  const caRules = openCaRules(config);
  // What they offered before bounds how names are packed.
  await cas.recall(caRules.cas);
  const lookUpCaa = openCaaLookup(config.dnsServers, clock.nowMs, signal);
  const mostBytes = config.delivery === 'environment' ? config.largestVariable : LARGEST_BUNDLE;
  const lookAt = { balancersOf: finding.balancersOf, handshake: showCertificate };
  const tools: ExecuteTools = {
    marathon,
    clock,
    log,
    signal,
    stores,
    appId: config.appId,
    strategy: config.delivery,
    balancerAppIds: config.marathonLbApp,
    variable: config.certEnv,
    defaultName: config.defaultCertificate,
    variableLimits: { variableBytes: config.largestVariable, totalBytes: config.largestTotal },
    replaceForeign: config.replaceForeign,
    keyType: config.keyType,
    sharedDirectory: config.directory ?? '',
    files: openFileMemory(config.store, { nowMs: () => clock.nowMs(), isReadOnly: readOnly }),
    fileMode: Number.parseInt(config.fileMode, 8),
    hasSpareAgent: config.spareAgent ? true : undefined,
    marathonVersion: finding.marathonVersion,
    findBalancers: finding.find,
    domains: config.domains,
    routingHost: config.routingHost,
    discovery: {
      mode: finding.needsMarathon ? config.discover : 'off',
      ...stock?.labels,
      groups: config.groups,
      allowedDomains: config.allowedDomains,
      mostPerApp: config.namesPerApp,
      allowed: {
        keyTypes: config.labelKeyTypes,
        profiles: config.labelProfiles,
        cas: config.labelCas,
        defaults: {
          keyType: config.keyType,
          profile: config.acmeProfile,
          directoryUrl: config.acmeDirectory,
        },
      },
    },
    rules: {
      pack: config.pack,
      mostNames: (choice) => mostNamesAt(choice, caRules, cas.offered),
      domainOf,
      directoryUrl: config.acmeDirectory,
      cas: caRules.cas,
      graceMs: config.graceMs,
    },
    ...lookAt,
    limits: caLimits,
    obtain: createObtain({
      ...{ config, stores, challenges, cas, caRules, caLimits, lookUpCaa, finding, answer, mostBytes },
      ...{ clock, log },
    }),
    faultOf: ({ stored, directoryUrl }, bundle, names) =>
      faultAtAny(directoryUrl, caRules, (trust) =>
        installFault(bundle, {
          ...{ names, cover: 'at-least', nowMs: clock.nowMs(), skewMs: undefined, trust, mostBytes },
          replaces: config.stagingOverReal ? undefined : stored,
        }),
      ),
    revoke: async (revocation, bundle) => revokeAt(await cas.of(revocation.directoryUrl), revocation, bundle),
    openRenewalInfo: cas.anonymous,
    answering: (work) => (answersAlways ? work() : whileAnswering(work, { config, answer, log })),
    delivery: {
      marathon,
      wake,
      clock,
      log,
      signal,
      limits,
      ...lookAt,
    },
    shared: {
      balancers: async (stop) => (await finding.find(stop)).balancers,
      handshake: showCertificate,
      requestReload,
      pidsOf,
      clock,
      log,
      signal,
      limits: {
        reloadIntervalMs: config.reloadIntervalMs,
        reloadWaitMs: config.reloadWaitMs,
        // The signal may be lost twice.
        verifyMs: Math.max(limits.verifyMs, 4 * config.reloadWaitMs),
        pollMs: Math.min(config.pollIntervalMs, RELOAD_POLL_MS),
      },
    },
  };
  const adoption = openAdoption({ config, clock, log, stores, cas }, stock?.storage);
  return { tools, challenges, adoption, answer, onEvent, onOtherApp, hasEvents, close };
}
