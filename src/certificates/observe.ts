import type { Clock } from '../lib/clock.ts';
import { CertathonError } from '../lib/errors.ts';
import type { App } from '../marathon/app-schema.ts';
import type { CertificateObservation } from './model.ts';
import { observeTargets, type TargetTools } from './observe-targets.ts';
import { wantedNames } from './wanted.ts';

export interface ObserveTools extends TargetTools {
  clock: Clock;
  directoryUrl: string;
  /** Our own app, whose label lists names; unknown when the program runs outside Marathon. */
  appId: string | undefined;
  domains: readonly string[];
  routingHost: string;
}

/** The world as one plain value: names, store, targets, and what each balancer serves. Reads only.
 * @throws APP_MISSING when there is no marathon-lb app, MARATHON_*, DIRECTORY_UNUSABLE, STORE_UNUSABLE */
export async function observe(tools: ObserveTools): Promise<CertificateObservation> {
  const { store } = tools;
  const [own, current, begun, finishedUrl, orderHold] = await Promise.all([
    readOwnApp(tools),
    store.current(),
    store.order(),
    store.currentOrderUrl(),
    store.hold('order'),
  ]);
  const label = own?.labels.HAPROXY_0_VHOST;
  const wanted = wantedNames({
    configured: tools.domains,
    label: label === undefined ? undefined : { text: label, app: own?.id ?? '' },
    routingHost: tools.routingHost,
    labels: { asks: [], refused: [] },
    allowedDomains: [],
    mostPerApp: 0,
  });
  // A crash after the certificate was stored leaves the order that brought it.
  const isFinished = begun?.url !== undefined && begun.url === finishedUrl;
  const known = { names: wanted.names, stored: current?.stored };
  return {
    now: new Date(tools.clock.nowMs()),
    directoryUrl: tools.directoryUrl,
    wanted,
    stored: current?.stored,
    order:
      begun === undefined || begun.directoryUrl !== tools.directoryUrl || isFinished
        ? undefined
        : { names: begun.names, url: begun.url },
    orderHold,
    ...(await observeTargets(known, tools)),
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
