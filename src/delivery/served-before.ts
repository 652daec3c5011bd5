import type { Balancer } from '../haproxy/balancers.ts';
import { CertathonError } from '../lib/errors.ts';
import { hostAndPort } from '../lib/host-and-port.ts';
import { mapBounded } from '../lib/parallel.ts';
import type { App } from '../marathon/schema.ts';
import type { DeliveryTools } from './delivery.ts';
import { probeName } from './probe-name.ts';
import { readVariable } from './variable.ts';

/** What the balancers of an app showed at a moment: by name, the certificates seen. A name without any was
 * not served; undefined means that any certificate will do, since each balancer makes its own. */
export type ServedBefore = Map<string, Set<string> | undefined>;

/** Asks every balancer, so that it can be proven later that nothing changed for users.
 * @param names beside those of the certificates in the variables of the app */
export async function lookAtServed(
  app: App,
  names: readonly string[],
  tools: DeliveryTools,
): Promise<ServedBefore> {
  const inVariables = Object.entries(app.env).flatMap(([name, value]) => {
    const content = name.startsWith('HAPROXY_SSL_CERT') ? readVariable(value) : undefined;
    return content?.kind === 'certificate' ? content.facts.names : [];
  });
  const balancers = tools.balancersOf(app);
  const isOwn = inVariables.length === 0 && !app.args.some((word) => word.startsWith('--ssl-certs'));
  if (isOwn) return new Map([['', undefined]]);
  const served: ServedBefore = new Map();
  for (const name of new Set([...names, ...inVariables].map(probeName))) {
    const seen = await mapBounded(balancers, balancers.length || 1, (balancer) =>
      tools.handshake(balancer, name, tools.signal),
    );
    const fingerprints = seen.flatMap((each) => ('fingerprint' in each ? [each.fingerprint] : []));
    served.set(name, fingerprints.length === 0 ? undefined : new Set(fingerprints));
  }
  return served.size === 0 ? new Map([['', undefined]]) : served;
}

/** Waits until every balancer shows what was shown before.
 * @throws DELIVERY_NOT_SERVED naming each that does not when the time is up */
export async function proveServedAsBefore(
  appId: string,
  before: ServedBefore,
  tools: DeliveryTools,
): Promise<number> {
  const deadlineMs = tools.clock.monotonicMs() + tools.limits.verifyMs;
  for (;;) {
    const balancers = tools.balancersOf(await tools.marathon.app(appId, tools.signal));
    const behind = await whoDiffers(balancers, before, tools);
    if (behind.length === 0 && balancers.length > 0) {
      const names = [...before.keys()];
      tools.log.info('delivery.verified', { app: appId, balancers: balancers.map(({ id }) => id), names });
      return balancers.length;
    }
    if (tools.clock.monotonicMs() >= deadlineMs)
      throw new CertathonError(
        'DELIVERY_NOT_SERVED',
        `Not every balancer serves what it served before: ${behind.join('; ') || `${appId} has no running task`}`,
      );
    await tools.wake.wait(Math.min(tools.limits.pollMs, 1000), tools.signal);
  }
}

async function whoDiffers(
  balancers: readonly Balancer[],
  before: ServedBefore,
  tools: DeliveryTools,
): Promise<string[]> {
  const sentences = await mapBounded(balancers, balancers.length || 1, async (balancer) => {
    for (const [name, wanted] of before) {
      const served = await tools.handshake(balancer, name || balancer.host, tools.signal);
      const where = hostAndPort(balancer.host, balancer.tlsPort);
      if ('unreachable' in served) return [`${where} does not answer (${served.unreachable})`];
      if (wanted !== undefined && !wanted.has(served.fingerprint))
        return [`${where} serves certificate ${served.fingerprint.slice(0, 16)} for ${name}`];
    }
    return [];
  });
  return sentences.flat().sort();
}
