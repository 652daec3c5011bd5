import type { DeliveryMemory, DeliveryRecord, DeliveryTools } from '../delivery/delivery.ts';
import { createWake } from '../delivery/wake.ts';
import { showCertificate } from '../finding.ts';
import { balancersOf } from '../haproxy/balancers.ts';
import { USER_AGENT } from '../lib/version.ts';
import { createMarathonHttp } from '../marathon/calls.ts';
import { createMarathonClient } from '../marathon/client.ts';
import { followEvents } from '../marathon/events.ts';
import type { Running } from '../service.ts';

const CONNECT_MS = 10_000;
const VERIFY_MS = 60_000;
const EVENT_TYPES = [
  'deployment_info',
  'deployment_success',
  'deployment_failed',
  'deployment_step_success',
  'status_update_event',
  'instance_health_changed_event',
  'health_status_changed_event',
];

/** What the doctor works with: Marathon and the balancers, no store and no CA, so that it runs anywhere. */
export function doctorTools({ config, clock, log, signal }: Running): {
  tools: DeliveryTools;
  close(): Promise<void>;
} {
  const http = createMarathonHttp({
    baseUrls: config.marathonUrl,
    auth:
      config.marathonUser === undefined
        ? undefined
        : { user: config.marathonUser, password: config.marathonPassword ?? '' },
    caPem: config.marathonCa,
    timeoutMs: config.requestTimeoutMs,
    connectTimeoutMs: CONNECT_MS,
    userAgent: USER_AGENT,
    clock,
    log,
  });
  const wake = createWake(clock, (onEvent) => {
    const closing = new AbortController();
    void followEvents({
      http,
      clock,
      log,
      signal: AbortSignal.any([signal, closing.signal]),
      types: EVENT_TYPES,
      onAttached: onEvent,
      onEvent,
    });
    return () => closing.abort();
  });
  const tools: DeliveryTools = {
    marathon: createMarathonClient({ http, clock, log }),
    wake,
    clock,
    log,
    signal,
    memory: inMemory(),
    limits: {
      stuckMs: config.deliveryTimeoutMs,
      lockWaitMs: config.lockWaitMs,
      pollMs: config.pollIntervalMs,
      verifyMs: Math.min(VERIFY_MS, config.deliveryTimeoutMs),
    },
    balancersOf: (app) =>
      balancersOf(app, { tls: config.tlsPort, admin: config.balancerAdminPort }).balancers,
    handshake: showCertificate,
  };
  return { tools, close: () => http.close() };
}

/** A person watches: after a crash the doctor is asked again, waits for the lock, and finds the change there. */
function inMemory(): DeliveryMemory {
  let held: DeliveryRecord | undefined;
  return {
    delivery: async () => held,
    saveDelivery: async (record) => {
      held = record;
    },
    removeDelivery: async () => {
      held = undefined;
    },
  };
}
