import { CertathonError } from '../lib/errors.ts';
import type { App } from '../marathon/schema.ts';
import type { DeliveryRequest, DeliveryTools, OurDeployment } from './delivery.ts';
import { undoDelivery } from './undo.ts';
import { contentMark, readVariable } from './variable.ts';
import { verifyServed } from './verify.ts';
import { watchDeployment } from './watch.ts';
import { writeVariable } from './write.ts';

/** Delivers a bundle through the environment of the marathon-lb app: write, watch, prove, or take back.
 * May be repeated and may follow a crash at any line: a bundle that is already in the variable is not written
 * again, a deployment that this program began is found again and watched to its end.
 * @throws DELIVERY_* and APP_LOCKED with the reason; the old certificate is served then, or the message says
 *   which balancer does not */
export async function deliverByEnvironment(request: DeliveryRequest, tools: DeliveryTools): Promise<void> {
  const release = tools.wake.hold();
  try {
    const ours = await writeVariable(request, tools);
    try {
      if (ours !== undefined) await watchDeployment(request.appId, ours, tools, holdsOurs(request));
      await verifyServed(request, tools);
    } catch (cause) {
      await takeBack(request, tools, ours, cause);
    }
    await tools.memory.removeDelivery();
  } finally {
    release();
  }
}

async function takeBack(
  request: DeliveryRequest,
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
  const undone = await undoDelivery(request, tools, { id: ours.id, version: ours.version }, record?.previous);
  // Not with the failure itself as its cause: its words would be read twice.
  throw new CertathonError(failure.code, `${failure.message}; ${undone}`, {
    cause: failure.cause,
    facts: failure.facts,
  });
}

/** Whether the app still holds what we delivered, asked while its deployment runs. */
function holdsOurs(request: DeliveryRequest): (app: App) => boolean {
  return (app) => contentMark(readVariable(app.env[request.variable])) === request.bundle.facts.fingerprint;
}
