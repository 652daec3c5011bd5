import type { Config } from './config/config.ts';
import type { DeliveryLimits } from './delivery/delivery.ts';
import { createWake, type Wake } from './delivery/wake.ts';
import { createFinding, type Finding } from './finding.ts';
import type { Clock } from './lib/clock.ts';
import type { Log } from './lib/log.ts';
import { USER_AGENT } from './lib/version.ts';
import { createMarathonAuth } from './marathon/auth.ts';
import { createMarathonHttp } from './marathon/calls.ts';
import { createMarathonClient, type MarathonClient } from './marathon/client.ts';
import type { MarathonEvent } from './marathon/event-schema.ts';
import { followEvents } from './marathon/events.ts';

/** Marathon, its events and the balancers, as every command reaches them. */
export interface Connections {
  marathon: MarathonClient;
  wake: Wake;
  finding: Finding;
  limits: DeliveryLimits;
  /** Called with each event that concerns one of our apps, while somebody holds `wake`. */
  onEvent: (listener: (event: MarathonEvent) => void) => void;
  /** Called when the definition of any other app may have changed, and when events may have been missed. */
  onOtherApp: (listener: (reason: string) => void) => void;
  /** Are events coming in now? */
  hasEvents: () => boolean;
  close(): Promise<void>;
}

/** A balancer that is healthy for Marathon needs a moment until it serves TLS (2.5 s were seen). */
const VERIFY_MS = 60_000;
const CONNECT_MS = 10_000;
/** What may change names, the variable, or who serves. */
const EVENT_TYPES = [
  'api_post_event',
  'deployment_info',
  'deployment_success',
  'deployment_failed',
  'deployment_step_success',
  'status_update_event',
  'instance_health_changed_event',
  'health_status_changed_event',
  'app_terminated_event',
];

/** What changes the labels of any app, or brings or takes one. */
const DEFINITION_TYPES = new Set([
  'api_post_event',
  'deployment_info',
  'deployment_success',
  'app_terminated_event',
]);

export function openConnections({
  config,
  clock,
  log,
  signal,
  concerns,
}: {
  config: Config;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** Which apps' events count; default the marathon-lb apps and our own. */
  concerns?: (appId: string) => boolean;
}): Connections {
  const options = {
    caPem: config.marathonCa,
    timeoutMs: config.requestTimeoutMs,
    connectTimeoutMs: CONNECT_MS,
    userAgent: USER_AGENT,
    clock,
    log,
  };
  const { auth, close: endLogin } = createMarathonAuth(
    {
      user: config.marathonUser,
      password: config.marathonPassword,
      token: config.marathonToken,
      serviceAccount: config.dcosServiceAccount,
    },
    options,
  );
  const http = createMarathonHttp({ ...options, baseUrls: config.marathonUrl, auth });
  const marathon = createMarathonClient({ http, clock, log });
  const finding = createFinding({ config, marathon, signal });
  const listeners = new Set<(event: MarathonEvent) => void>();
  const others = new Set<(reason: string) => void>();
  let [isAttached, isMissing] = [false, false];
  const ours = [...config.marathonLbApp, config.appId];
  const isConcerned = concerns ?? ((id: string) => ours.includes(id));
  const wake = createWake(clock, (onEvent) => {
    if (!finding.needsMarathon) return () => undefined;
    const closing = new AbortController();
    void followEvents({
      http,
      clock,
      log,
      signal: AbortSignal.any([signal, closing.signal]),
      types: EVENT_TYPES,
      onAttached: () => {
        isAttached = true;
        onEvent();
        if (isMissing) for (const listener of others) listener('events were missed');
        isMissing = false;
      },
      onDetached: () => {
        isMissing ||= isAttached;
        isAttached = false;
      },
      onEvent: (event) => {
        if (!event.appIds.some(isConcerned)) {
          if (!DEFINITION_TYPES.has(event.type)) return;
          for (const listener of others) listener(`event ${event.type} of another app`);
          return;
        }
        onEvent();
        for (const listener of listeners) listener(event);
      },
    });
    return () => closing.abort();
  });
  return {
    marathon,
    wake,
    finding,
    limits: {
      stuckMs: config.deliveryTimeoutMs,
      lockWaitMs: config.lockWaitMs,
      pollMs: config.pollIntervalMs,
      verifyMs: Math.min(VERIFY_MS, config.deliveryTimeoutMs),
    },
    onEvent: (listener) => void listeners.add(listener),
    onOtherApp: (listener) => void others.add(listener),
    hasEvents: () => isAttached,
    close: async () => void (await Promise.all([http.close(), endLogin()])),
  };
}
