import type { Config } from './config/config.ts';
import type { DeliveryTools } from './delivery/delivery.ts';
import { type Balancer, type BalancerPorts, balancersOf } from './haproxy/balancers.ts';
import {
  balancersAtUrls,
  balancersInDns,
  type FoundBalancers,
  mergedBalancers,
} from './haproxy/found-by-address.ts';
import { servedCertificate } from './haproxy/handshake.ts';
import { createResolver } from './haproxy/resolve.ts';
import type { App } from './marathon/app-schema.ts';
import { type AppsThere, appsThere } from './marathon/apps-there.ts';
import type { MarathonClient } from './marathon/client.ts';

/** How balancers are found: among the tasks of the marathon-lb apps, or at addresses and names in DNS. */
export interface Finding {
  /** Nothing of Marathon is needed when balancers are found by address and this is no task of it. */
  needsMarathon: boolean;
  balancersOf(app: App): Balancer[];
  /** All balancers, wherever they are found; what could not be found is said beside them.
   * @param read the marathon-lb apps, where they have just been read */
  find(signal: AbortSignal, read?: AppsThere): Promise<FoundBalancers>;
  /** Where each takes challenges. */
  challengePlaces(): Promise<{ id: string; host: string; port: number }[]>;
  marathonVersion(signal: AbortSignal): Promise<string | undefined>;
}

const HANDSHAKE_MS = 5_000;

export function createFinding({
  config,
  marathon,
  signal,
}: {
  config: Config;
  marathon: MarathonClient;
  signal: AbortSignal;
}): Finding {
  const ports: BalancerPorts = { tls: config.tlsPort, admin: config.balancerAdminPort };
  const isByAddress = config.balancerUrls.length + config.balancerDns.length > 0;
  const resolve = createResolver(config.dnsServers);
  const findWith = async (
    wanted: BalancerPorts,
    stop: AbortSignal,
    read?: AppsThere,
  ): Promise<FoundBalancers> => {
    if (isByAddress) {
      const found = await Promise.all([
        balancersAtUrls(config.balancerUrls, wanted, resolve),
        balancersInDns(config.balancerDns, wanted, resolve),
      ]);
      return mergedBalancers(found);
    }
    const { apps, missing } = read ?? (await appsThere(config.marathonLbApp, marathon, stop));
    const problems = missing.map(({ message }) => message);
    return { balancers: apps.flatMap((app) => balancersOf(app, wanted).balancers), problems };
  };
  let version: string | undefined;
  return {
    needsMarathon: !isByAddress || config.appId !== undefined,
    balancersOf: (app) => balancersOf(app, ports).balancers,
    find: (stop, read) => findWith(ports, stop, read),
    challengePlaces: async () => {
      const { balancers } = await findWith({ ...ports, tls: config.httpPort }, signal);
      // A port that DNS names is the one for HTTPS; challenges come in at the same host.
      return balancers.map(({ id, host, tlsPort }) => ({
        id,
        host,
        port: isByAddress ? config.httpPort : tlsPort,
      }));
    },
    // Asked once: an update of Marathon moves its version on, and what hangs does so on the newer ones.
    marathonVersion: async (stop) => {
      version ??= (await marathon.info(stop)).version;
      return version;
    },
  };
}

/** The certificate that a balancer shows for a name. */
export const showCertificate: DeliveryTools['handshake'] = async ({ host, tlsPort }, servername, signal) => {
  const seen = await servedCertificate({ host, port: tlsPort, servername, timeoutMs: HANDSHAKE_MS, signal });
  if ('unreachable' in seen) return seen;
  const { issuer, serial, validTo } = seen;
  const fingerprint = seen.fingerprint256.replaceAll(':', '').toLowerCase();
  return { fingerprint, issuer, serial, notAfter: validTo };
};
