import { keyAuthorization } from './acme/account-key.ts';
import { createAcmeClient } from './acme/client.ts';
import { startResponder } from './acme/responder.ts';
import type { ExecuteTools } from './certificates/execute.ts';
import { issuerTrust } from './certificates/issuer-trust.ts';
import { CERTIFICATE_ID, type CertificatePolicy } from './certificates/model.ts';
import { renewalVerdict } from './certificates/renewal.ts';
import { tryRoutes } from './certificates/route-trial.ts';
import { openStore } from './certificates/store.ts';
import { openAccountStore } from './certificates/store-accounts.ts';
import { openChallengeStore } from './certificates/store-challenges.ts';
import type { Config } from './config/config.ts';
import { openConnections } from './connections.ts';
import { LARGEST_BUNDLE } from './delivery/bundle.ts';
import { LARGEST_VARIABLE } from './delivery/change.ts';
import { showCertificate } from './finding.ts';
import { pidsOf, requestReload } from './haproxy/reload.ts';
import type { Clock } from './lib/clock.ts';
import { CertathonError } from './lib/errors.ts';
import type { Log } from './lib/log.ts';
import type { MarathonEvent } from './marathon/event-schema.ts';

/** Everything that a pass works with, built once from the configuration. */
export interface Wiring {
  tools: ExecuteTools;
  /** The body for a token, or undefined: from the store, else from the account's thumbprint when asked to. */
  answer: (token: string) => Promise<string | undefined>;
  /** Called with each event that concerns one of the two apps, while somebody holds `tools.delivery.wake`. */
  onEvent: (listener: (event: MarathonEvent) => void) => void;
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
}: WiringOptions): Promise<Wiring> {
  const { marathon, wake, finding, limits, onEvent, close } = openConnections({
    config,
    clock,
    log,
    signal,
  });
  const store = await openStore(config.store, CERTIFICATE_ID, config.keepVersions, log, { readOnly });
  const challenges = await openChallengeStore(config.store, { readOnly });
  const accounts = await openAccountStore(config.store, config.acmeDirectory, { readOnly });
  const answer = async (token: string): Promise<string | undefined> => {
    const stored = await challenges.answer(token);
    if (stored !== undefined || !config.stateless) return stored;
    const thumbprint = await accounts.thumbprint();
    return thumbprint === undefined ? undefined : keyAuthorization(token, thumbprint);
  };

  const lookAt = { balancersOf: finding.balancersOf, handshake: showCertificate };
  const tools: ExecuteTools = {
    marathon,
    clock,
    log,
    signal,
    store,
    challenges,
    accounts,
    directoryUrl: config.acmeDirectory,
    appId: config.appId,
    strategy: config.delivery,
    balancerAppIds: config.marathonLbApp,
    variable: config.certEnv,
    sharedDirectory: config.directory ?? '',
    fileMode: Number.parseInt(config.fileMode, 8),
    hasSpareAgent: config.spareAgent ? true : undefined,
    marathonVersion: finding.marathonVersion,
    findBalancers: finding.find,
    domains: config.domains,
    routingHost: config.routingHost,
    ...lookAt,
    openAcme: (accountKeyPem, accountUrl) =>
      createAcmeClient({
        directoryUrl: config.acmeDirectory,
        accountKeyPem,
        ...(accountUrl === undefined ? {} : { accountUrl }),
        ...(config.acmeCa === undefined ? {} : { caPem: config.acmeCa }),
        signal,
        log,
        clock,
        limits: { totalMs: config.requestTimeoutMs },
      }),
    givenKeyPem: config.acmeAccountKey,
    contact: config.acmeEmail === undefined ? [] : [`mailto:${config.acmeEmail}`],
    profile: config.acmeProfile,
    keyType: config.keyType,
    reuseKey: config.reuseKey,
    preferredChain: config.preferredChain,
    trust: issuerTrust(config.acmeDirectory, config.issuerCa),
    mostBytes: config.delivery === 'environment' ? LARGEST_VARIABLE : LARGEST_BUNDLE,
    checkRoutes: (names) =>
      tryRoutes(names, {
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
        signal,
      }),
    isDueAt: async (time, names) =>
      renewalVerdict((await store.current())?.stored, names, { renewAt: config.renewAt, forced: false }, time)
        .due,
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
  return { tools, answer, onEvent, close };
}

/** What the options say about when and what may be done. */
export function policyOf(config: Config): Omit<CertificatePolicy, 'forced'> {
  const { renewAt, replaceForeign, timeZone } = config;
  const pace = {
    windows: config.maintenanceWindows,
    timeZone,
    intervalMs: config.deliveryIntervalMs,
    coalesceMs: config.coalesceMs,
  };
  return { renewAt, replaceForeign, pace };
}

/** A one-shot run answers challenges itself while it needs them. When the port is taken it is most likely by
 * `serve` on the same store, which answers for it; if it is not, the route check says so. */
async function whileAnswering<T>(
  work: () => Promise<T>,
  { config, answer, log }: { config: Config; answer: Wiring['answer']; log: Log },
): Promise<T> {
  const responder = await startResponder({
    host: config.bind,
    port: config.challengePort,
    instance: config.instance,
    answer,
    log,
  }).catch((error: unknown) => {
    if (!(error instanceof CertathonError) || error.code !== 'PORT_UNUSABLE') throw error;
    log.info('challenge.served', { reason: error.message, by: 'whoever listens there, from the same store' });
    return undefined;
  });
  try {
    return await work();
  } finally {
    await responder?.close();
  }
}
