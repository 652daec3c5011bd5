import type { CertathonError } from '../lib/errors.ts';
import { holdAfter } from './backoff.ts';
import { holdAt, holdOf, holdsAfterSuccess } from './choose-ca.ts';
import type { Hold } from './model.ts';
import type { Store } from './store.ts';
import type { ObservedCertificate } from './world.ts';

/** The hold after a failed order, told apart by the CA that was asked: it may be another one than was chosen, when CAA
 * records forbid that one. Written, and returned.
 * @param at the CA that was asked for something else than an order */
export async function holdOrder(
  failure: CertathonError,
  certificate: ObservedCertificate | undefined,
  store: Store,
  now: Date,
  at?: string,
): Promise<Hold> {
  const { directoryUrl: chosen, holds = [], orderHold, stored } = certificate ?? {};
  const { directoryUrl: asked } = failure.facts;
  const directoryUrl = at ?? (typeof asked === 'string' ? asked : chosen);
  if (directoryUrl === undefined) {
    const hold = holdAfter(failure, orderHold, now, stored?.notAfter);
    await store.saveHold(hold);
    return hold;
  }
  const before = directoryUrl === chosen ? orderHold : holdAt(holds, directoryUrl, '');
  const hold = holdOf(holdAfter(failure, before, now, stored?.notAfter), before, directoryUrl);
  await store.saveHold(hold);
  return hold;
}

/** A certificate is there: what failed before matters no more, at whichever CA; limits go on. */
export async function endHolds(store: Store, now: Date): Promise<void> {
  const holds = await store.holds();
  if (holds.length > 0) await store.saveHolds(holdsAfterSuccess(holds, now));
}
