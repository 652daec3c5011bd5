import type { AcmeClient } from '../acme/client.ts';
import { CertathonError } from '../lib/errors.ts';
import { differenceInWords, trustedNow } from './clock-skew.ts';
import type { OrderTools } from './order.ts';
import { realInPlace } from './staging.ts';

/** What keeps an order from being made at all, after the CA was heard and before it is asked for anything. */

/** What would be kept out at the gate is not ordered. */
export async function guardReal(
  acme: AcmeClient,
  { trust, isTest, stagingOverReal, store, clock }: OrderTools,
): Promise<void> {
  if (stagingOverReal === true || (isTest !== true && trust.kind !== 'test')) return;
  const { now } = trustedNow(acme.skewMs(), clock.nowMs());
  const real = realInPlace((await store.current())?.stored, now);
  if (real === undefined) return;
  throw new CertathonError(
    'CERTIFICATE_UNUSABLE',
    `A certificate of the test CA would take the place of ${real}`,
  );
}

/** A certificate that only our wrong clock calls due must not cost the CA's budget. */
export async function guardClock(
  names: readonly string[],
  dueByClock: boolean,
  acme: AcmeClient,
  tools: OrderTools,
): Promise<void> {
  const { now, skewMs } = trustedNow(acme.skewMs(), tools.clock.nowMs());
  if (skewMs === 0) return;
  tools.log.warn('clock.skewed', { skewMs, code: 'CLOCK_WRONG', reason: 'the CA tells another time' });
  if (!dueByClock || (await tools.isDueAt(now, names))) return;
  throw new CertathonError('CLOCK_WRONG', `${differenceInWords(skewMs)}, by whose time nothing is due`);
}
