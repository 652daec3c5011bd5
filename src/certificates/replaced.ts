import { renewalId } from '../acme/renewal-id.ts';
import type { OrderTools } from './order.ts';
import type { Store } from './store.ts';

/** To what a new order is linked: the current certificate, when it is known that this CA issued it. What another CA or
 * another account issued would be refused.   @source RFC 9773 5 */
export async function replacedBy(
  store: Pick<Store, 'current'>,
  directoryUrl: string,
): Promise<OrderTools['replaces']> {
  const current = await store.current();
  const issuedBy = current?.stored.issuedBy;
  if (current === undefined || issuedBy?.directoryUrl !== directoryUrl) return undefined;
  const certId = renewalId(current.bundle.pem);
  return certId === undefined ? undefined : { certId, accountUrl: issuedBy.accountUrl };
}
