import type { Balancer } from '../haproxy/balancers.ts';
import { CertathonError } from '../lib/errors.ts';
import { hostAndPort } from '../lib/host-and-port.ts';
import { mapBounded } from '../lib/parallel.ts';
import type { DeliveryRequest, DeliveryTools, Expectation, Served } from './delivery.ts';

/** At most so many handshakes at once. */
const PARALLEL = 8;

/** Proves by TLS handshakes that every balancer task serves each bundle for each of its names. A balancer that has
 * just become healthy may need a moment, so each is asked until it does or the time is up.
 * @throws DELIVERY_NOT_SERVED naming each balancer and what it shows instead */
export async function verifyServed(
  request: Pick<DeliveryRequest, 'appId' | 'expected'>,
  tools: DeliveryTools,
): Promise<void> {
  const deadlineMs = tools.clock.monotonicMs() + tools.limits.verifyMs;
  for (;;) {
    const balancers = tools.balancersOf(await tools.marathon.app(request.appId, tools.signal));
    const behind = await whoDoesNotServe(balancers, request.expected, tools);
    if (behind.length === 0 && balancers.length > 0) {
      tools.log.info('delivery.verified', {
        app: request.appId,
        balancers: balancers.map(({ id }) => id),
        names: request.expected.flatMap(({ names }) => names),
        fingerprints: request.expected.map(({ fingerprint }) => fingerprint),
      });
      return;
    }
    if (tools.clock.monotonicMs() >= deadlineMs) {
      const what = balancers.length === 0 ? `${request.appId} has no running task` : behind.join('; ');
      throw new CertathonError('DELIVERY_NOT_SERVED', `The certificate is not served: ${what}`);
    }
    await tools.wake.wait(Math.min(tools.limits.pollMs, 1000), tools.signal);
  }
}

/** One sentence for each balancer that shows something else, for the first name where it does. */
export async function whoDoesNotServe(
  balancers: readonly Balancer[],
  expected: readonly Expectation[],
  tools: Pick<DeliveryTools, 'handshake' | 'signal'>,
): Promise<string[]> {
  const sentences: string[] = [];
  await mapBounded(balancers, PARALLEL, async (balancer) => {
    const asked = expected.flatMap(({ names, fingerprint }) => names.map((name) => ({ name, fingerprint })));
    for (const { name, fingerprint } of asked) {
      const served = await tools.handshake(balancer, name, tools.signal);
      if ('fingerprint' in served && served.fingerprint === fingerprint) continue;
      sentences.push(
        `${hostAndPort(balancer.host, balancer.tlsPort)} (${balancer.id}) ${shows(served)} for ${name}`,
      );
      return;
    }
  });
  return sentences.sort();
}

function shows(served: Served): string {
  return 'fingerprint' in served
    ? `serves certificate ${served.fingerprint.slice(0, 16)}`
    : `does not answer (${served.unreachable})`;
}
