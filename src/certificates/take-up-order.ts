import type { Order } from '../acme/answers.ts';
import type { AcmeClient } from '../acme/client.ts';
import { CertathonError } from '../lib/errors.ts';
import { trustedNow } from './clock-skew.ts';
import type { OrderTools } from './order.ts';
import type { BegunOrder } from './store.ts';

/** An order that an earlier pass began for the same names at the same CA, if the CA still knows it. */
export async function takeUpOrder(
  names: readonly string[],
  acme: AcmeClient,
  tools: OrderTools,
): Promise<{ begun: BegunOrder; order: Order } | undefined> {
  const { store, directoryUrl } = tools;
  await store.forgetOrders(trustedNow(acme.skewMs(), tools.clock.nowMs()).now);
  const begun = await store.order(directoryUrl);
  if (begun?.url === undefined) return undefined;
  // Finished, but a crash kept it from being removed: it would only bring the same certificate again.
  if (begun.url === (await tools.store.currentOrderUrl())) return undefined;
  if ([...begun.names].sort().join() !== [...names].sort().join()) return undefined;
  if (await tools.isKeyLost(begun.keyPem)) {
    tools.log.warn('order.invalid', { order: begun.url, names, status: 'begun with a key that is lost' });
    await tools.store.removeOrder();
    return undefined;
  }
  let status = 'unknown to the CA';
  try {
    const order = await acme.order(begun.url);
    status = order.status;
    const { now } = trustedNow(acme.skewMs(), tools.clock.nowMs());
    const expired = order.expiresAt !== undefined && order.expiresAt <= now;
    const isOpen = order.status === 'pending' || order.status === 'ready';
    if (order.status !== 'invalid' && !(expired && isOpen)) {
      // It stood aside while another CA was asked.
      if ((await store.order())?.directoryUrl !== directoryUrl) await store.saveOrder(begun);
      tools.log.info('order.resumed', { order: begun.url, names, status: order.status, step: begun.step });
      return { begun, order };
    }
  } catch (error) {
    if (!isGone(error)) throw error;
  }
  tools.log.warn('order.invalid', { order: begun.url, names, status });
  await tools.store.removeOrder();
  return undefined;
}

/** The CA does not know the order (any more), in the words of the protocol or by a bare status. */
function isGone(error: unknown): boolean {
  if (!(error instanceof CertathonError)) return false;
  return error.code === 'ACME_REFUSED' || error.facts.status === 404 || error.facts.status === 410;
}
