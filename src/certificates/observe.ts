import type { DeliveryTools } from '../delivery/delivery.ts';
import { readVariable } from '../delivery/variable.ts';
import { probeName } from '../delivery/verify.ts';
import type { Clock } from '../lib/clock.ts';
import { CertathonError } from '../lib/errors.ts';
import { mapBounded } from '../lib/parallel.ts';
import type { App } from '../marathon/app-schema.ts';
import type { MarathonClient } from '../marathon/client.ts';
import type { CertificateObservation, ObservedBalancer, VariableState } from './model.ts';
import { isPlaceholder } from './placeholder.ts';
import type { Store } from './store.ts';
import { wantedNames } from './wanted.ts';

export interface ObserveTools {
  marathon: MarathonClient;
  clock: Clock;
  signal: AbortSignal;
  store: Store;
  directoryUrl: string;
  /** Our own app, whose label lists names; unknown when the program runs outside Marathon. */
  appId: string | undefined;
  balancerAppId: string;
  variable: string;
  domains: readonly string[];
  routingHost: string;
  balancersOf: DeliveryTools['balancersOf'];
  handshake: DeliveryTools['handshake'];
}

/** The world as one plain value: names, store, the marathon-lb app, and what each balancer serves. Reads only.
 * @throws APP_MISSING for the marathon-lb app, MARATHON_*, STORE_UNUSABLE */
export async function observe(tools: ObserveTools): Promise<CertificateObservation> {
  const { marathon, store, signal } = tools;
  const [own, app, current, begun, finishedUrl, held] = await Promise.all([
    readOwnApp(tools),
    marathon.app(tools.balancerAppId, signal),
    store.current(),
    store.order(),
    store.currentOrderUrl(),
    Promise.all([store.hold('order'), store.hold('delivery')]),
  ]);
  const label = own?.labels.HAPROXY_0_VHOST;
  const wanted = wantedNames({
    configured: tools.domains,
    label: label === undefined ? undefined : { text: label, app: own?.id ?? '' },
    routingHost: tools.routingHost,
  });
  // A crash after the certificate was stored leaves the order that brought it.
  const isFinished = begun?.url !== undefined && begun.url === finishedUrl;
  const name = current?.stored.names[0] ?? wanted.names[0];
  return {
    now: new Date(tools.clock.nowMs()),
    directoryUrl: tools.directoryUrl,
    wanted,
    stored: current?.stored,
    order:
      begun === undefined || begun.directoryUrl !== tools.directoryUrl || isFinished
        ? undefined
        : { names: begun.names, url: begun.url },
    holds: { order: held[0], delivery: held[1] },
    app: {
      id: app.id,
      variable: tools.variable,
      state: await variableState(app, tools),
      deployments: app.deployments,
    },
    balancers: name === undefined ? [] : await lookAtBalancers(app, probeName(name), tools),
  };
}

/** Outside Marathon, or when the app is not there (any more), only the configured names count. */
async function readOwnApp({ appId, marathon, signal }: ObserveTools): Promise<App | undefined> {
  if (appId === undefined) return undefined;
  return marathon.app(appId, signal).catch((error: unknown) => {
    if (error instanceof CertathonError && error.code === 'APP_MISSING') return undefined;
    throw error;
  });
}

async function variableState(app: App, { variable, store }: ObserveTools): Promise<VariableState> {
  const content = readVariable(app.env[variable]);
  if (content.kind !== 'certificate') return content;
  const { facts } = content;
  return {
    kind: 'certificate',
    facts,
    ours: await store.isIssued(facts.fingerprint),
    placeholder: isPlaceholder(facts),
  };
}

async function lookAtBalancers(app: App, name: string, tools: ObserveTools): Promise<ObservedBalancer[]> {
  return mapBounded(tools.balancersOf(app), 8, async (balancer) => ({
    id: balancer.id,
    host: balancer.host,
    port: balancer.tlsPort,
    served: await tools.handshake(balancer, name, tools.signal),
  }));
}
