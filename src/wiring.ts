import { keyAuthorization } from './acme/account-key.ts';
import { type Adoption, openAdoption } from './adoption.ts';
import { whileAnswering } from './answering.ts';
import { openCas, revokeAt } from './ca.ts';
import { domainOf, openCaLimits } from './ca-limits.ts';
import type { ExecuteTools } from './certificates/execute.ts';
import { openFileMemory } from './certificates/file-memory.ts';
import { installFault } from './certificates/install-gate.ts';
import { issuerTrust, publicRoots } from './certificates/issuer-trust.ts';
import { obtainCertificate } from './certificates/order.ts';
import type { PassPolicy } from './certificates/pass.ts';
import { mostNamesOf } from './certificates/profiles.ts';
import { renewalVerdict } from './certificates/renewal.ts';
import { infoOf } from './certificates/renewal-info.ts';
import { replacedBy } from './certificates/replaced.ts';
import { tryRoutes } from './certificates/route-trial.ts';
import { tryAtStaging } from './certificates/staging-trial.ts';
import { type ChallengeStore, openChallengeStore } from './certificates/store-challenges.ts';
import { revokedBy } from './certificates/store-revocations.ts';
import { openStores } from './certificates/store-set.ts';
import type { Config } from './config/config.ts';
import { stagingOf } from './config/known-cas.ts';
import type { StockSettings } from './config/stock-settings.ts';
import { openConnections } from './connections.ts';
import { keyHash, LARGEST_BUNDLE } from './delivery/bundle.ts';
import { showCertificate } from './finding.ts';
import { pidsOf, requestReload } from './haproxy/reload.ts';
import type { Clock } from './lib/clock.ts';
import type { KeyType } from './lib/key-types.ts';
import type { Log } from './lib/log.ts';
import type { MarathonEvent } from './marathon/event-schema.ts';

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

  const roots = publicRoots();
  // A file that can not be used is found now, and not when a certificate was obtained.
  issuerTrust(config.acmeDirectory, config.issuerCa, roots);
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
      mostNames: ({ profile }) => mostNamesOf(profile ?? config.acmeProfile),
      domainOf,
      directoryUrl: config.acmeDirectory,
      graceMs: config.graceMs,
    },
    ...lookAt,
    limits: caLimits,
    obtain: async (certificate, names, dueByClock, stagingFirst, stop) => {
      const store = stores.of(certificate.id);
      const { choice, directoryUrl } = certificate;
      const testCa = stagingFirst ? stagingOf(directoryUrl) : undefined;
      const budget = caLimits.of(certificate, names);
      const { problems } = await obtainCertificate(names, dueByClock, {
        ...(await cas.of(directoryUrl)),
        store,
        challenges,
        budget,
        directoryUrl,
        profile: choice.profile ?? config.acmeProfile,
        keyType: (choice.keyType as KeyType | undefined) ?? config.keyType,
        reuseKey: config.reuseKey,
        isKeyLost: async (keyPem) => revokedBy(await stores.revocations.list()).lostKeys.has(keyHash(keyPem)),
        preferredChain: config.preferredChain,
        trust: issuerTrust(directoryUrl, config.issuerCa, roots),
        mostBytes,
        clock,
        log,
        signal: stop,
        checkRoutes: (tried) =>
          tryRoutes(tried, {
            mode: config.routeCheck,
            waitMs: config.routeWaitMs,
            httpPort: config.httpPort,
            httpsPort: config.httpsPort,
            dnsServers: config.dnsServers,
            balancers: finding.challengePlaces,
            challenges,
            answer,
            clock,
            log,
            signal: stop,
          }),
        tryAtStaging:
          testCa === undefined
            ? undefined
            : async (tried) =>
                tryAtStaging(tried, {
                  ...(await cas.of(testCa)),
                  ...{ directoryUrl: testCa, challenges, clock, log, signal: stop },
                }),
        replaces: config.ignoreRenewalInfo ? undefined : await replacedBy(store, directoryUrl),
        isDueAt: async (time, wanted) =>
          renewalVerdict(
            (await store.current())?.stored,
            wanted,
            { ...policyOf(config), forced: false },
            time,
            infoOf(certificate),
          ).due,
      }).catch(budget.failed);
      return problems;
    },
    faultOf: ({ stored, directoryUrl }, bundle, names) =>
      installFault(bundle, {
        names,
        cover: 'at-least',
        nowMs: clock.nowMs(),
        skewMs: undefined,
        trust: issuerTrust(directoryUrl, config.issuerCa, roots),
        mostBytes,
        replaces: stored,
      }),
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

/** What the options say about when and what may be done. */
export function policyOf(config: Config): Omit<PassPolicy, 'forced'> {
  const { renewAt, ignoreRenewalInfo, replaceForeign, timeZone } = config;
  const pace = {
    windows: config.maintenanceWindows,
    timeZone,
    intervalMs: config.deliveryIntervalMs,
    coalesceMs: config.coalesceMs,
  };
  return { renewAt, asksRenewal: !ignoreRenewalInfo, replaceForeign, pace, graceMs: config.graceMs };
}
