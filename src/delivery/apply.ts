import { CertathonError } from '../lib/errors.ts';
import type { Fields } from '../lib/log.ts';
import type { AppPatch } from '../marathon/client.ts';
import type { App } from '../marathon/schema.ts';
import type { DeliveryTools, OurDeployment, PreviousCertificate } from './delivery.ts';
import { undoDelivery } from './undo.ts';
import { watchDeployment } from './watch.ts';
import { writeChange } from './write.ts';

/** A change of the marathon-lb app, whatever it is about; every one of them restarts the balancers. */
export interface AppChange {
  appId: string;
  /** Tells it from other changes in the record of a begun delivery. */
  mark: string;
  /** Nothing is written: a delivery of ours that was begun, whatever it brought, is seen to its end. */
  isLook?: boolean;
  /** What is changed, for messages. */
  subject: string;
  /** More about it, for the log; never a key. */
  facts: Fields;
  /** Does the app hold it? */
  isHeldBy(app: App): boolean;
  /** What has to be written, from what was freshly read; undefined when nothing has.
   * @throws DELIVERY_OVERTAKEN when it was planned for other content; DELIVERY_TOO_LARGE */
  patchFor(app: App): AppPatch | undefined;
  /** What an undo has to bring back. */
  previousOf(app: App): PreviousCertificate | undefined;
  /** Proves that every balancer does what it should. @throws DELIVERY_NOT_SERVED */
  verify(): Promise<void>;
  /** After an undo, what the balancers do now, as the end of a sentence. */
  servedAgain(previous: PreviousCertificate | undefined): Promise<string>;
}

/** Brings a change into the app: waits for locks, writes, watches the deployment, proves, or takes it back.
 * May be repeated and may follow a crash at any line: a change that the app holds is not written again, a
 * deployment that this program began is found again and watched to its end.
 * @throws DELIVERY_*, APP_LOCKED and MARATHON_* with the reason and with what became of the change */
export async function applyChange(change: AppChange, tools: DeliveryTools): Promise<void> {
  const release = tools.wake.hold();
  try {
    const ours = await writeChange(change, tools);
    try {
      if (ours !== undefined) await watchDeployment(change.appId, ours, tools, (app) => change.isHeldBy(app));
      await change.verify();
    } catch (cause) {
      await takeBack(change, tools, ours, cause);
    }
    await tools.memory.removeDelivery();
  } finally {
    release();
  }
}

async function takeBack(
  change: AppChange,
  tools: DeliveryTools,
  ours: OurDeployment | undefined,
  cause: unknown,
): Promise<never> {
  // Stopped from outside: the next start finds the record of this delivery and goes on from there.
  if (tools.signal.aborted) throw cause;
  const failure =
    cause instanceof CertathonError ? cause : new CertathonError('UNEXPECTED', String(cause), { cause });
  // Somebody else has taken over, or Marathon is away: nothing of ours to undo now.
  const keep = failure.code === 'DELIVERY_OVERTAKEN' || failure.code.startsWith('MARATHON_');
  if (keep || ours?.id === undefined) throw failure;
  const record = await tools.memory.delivery();
  const undone = await undoDelivery(change, tools, { id: ours.id, version: ours.version }, record?.previous);
  // Not with the failure itself as its cause: its words would be read twice.
  throw new CertathonError(failure.code, `${failure.message}; ${undone}`, {
    cause: failure.cause,
    facts: failure.facts,
  });
}
