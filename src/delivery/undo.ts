import { describeError } from '../lib/errors.ts';
import type { App } from '../marathon/schema.ts';
import { marathonVersion } from '../marathon/version.ts';
import type { AppChange } from './apply.ts';
import type { DeliveryTools, PreviousCertificate } from './delivery.ts';
import { probeName } from './probe-name.ts';
import { isHealthy, isNew } from './progress.ts';
import { whoDoesNotServe } from './verify.ts';
import { watchDeployment } from './watch.ts';

/** Takes back the deployment that this program began, and only that, by DELETE /v2/deployments/{id}: Marathon
 * then restores the former definition in a deployment of its own, which restarts every task that does not
 * run it, in the order of its own list, the healthy old ones included. So that balancers that still serve are
 * not the first to go, the new tasks that never became healthy are removed before (their records too): what
 * is left of the app is then below its minimum, and Marathon starts a restored one before it kills an old one;
 * and when none is left, no broken one keeps the only place where a restored one could start.
 * Marathon up to 1.7 drops such kills silently while a deployment runs, so there they are not sent.
 * @param previous what the variable held before, whose serving is proven again
 * @returns what was done and what is served now, as the end of a sentence; never throws, except when stopped */
export async function undoDelivery(
  change: AppChange,
  tools: DeliveryTools,
  ours: { id: string; version: string },
  previous: PreviousCertificate | undefined,
): Promise<string> {
  const { appId } = change;
  try {
    const app = await tools.marathon.app(appId, tools.signal);
    if (!app.deployments.includes(ours.id)) {
      // Finished, so every task runs the new definition: another restart would only cost more.
      return `the deployment ${ours.id} is finished and was left as it is`;
    }
    await removeBroken(app, ours.version, tools);
    const undo = await tools.marathon.cancelDeployment(ours.id, tools.signal);
    if (undo === 'gone') return `the deployment ${ours.id} had just ended`;
    tools.log.warn('delivery.undone', { app: appId, deployment: ours.id, by: undo.deploymentId });
    await tools.memory.removeDelivery();
    const settled = await watchDeployment(
      appId,
      { id: undo.deploymentId, version: undo.version },
      tools,
      () => true,
    ).then(
      () => 'the change was taken back',
      (error: unknown) => {
        if (tools.signal.aborted) throw error;
        return `the former definition is stored again, but its deployment ${undo.deploymentId} does not end (${describeError(error)})`;
      },
    );
    return `${settled}; ${await change.servedAgain(previous)}`;
  } catch (error) {
    if (tools.signal.aborted) throw error;
    return `taking it back failed: ${describeError(error)}`;
  }
}

/** Does not wait for their end: what counts is that they are no longer wanted when Marathon begins to restore.
 * The deployment that is still there would start another one in their place with the next offer. */
async function removeBroken(app: App, version: string, tools: DeliveryTools): Promise<void> {
  const live = app.tasks.filter(
    (task) =>
      task.state === 'TASK_RUNNING' || task.state === 'TASK_STAGING' || task.state === 'TASK_STARTING',
  );
  const broken = live
    .filter((task) => isNew(task.version, version) && !isHealthy(app, task))
    .map(({ id }) => id);
  if (broken.length === 0) return;
  const { major, minor } = marathonVersion((await tools.marathon.info(tools.signal)).version);
  if (major === 1 && minor < 8) return;
  await tools.marathon.killTasks(broken, { wipe: true, signal: tools.signal });
}

/** Whether every balancer serves again what the variable held before, in words.
 * @param name to ask for when the certificate has none */
export async function whatIsServed(
  appId: string,
  name: string,
  tools: DeliveryTools,
  previous: PreviousCertificate | undefined,
): Promise<string> {
  if (previous === undefined) return 'there was no certificate before';
  const deadlineMs = tools.clock.monotonicMs() + tools.limits.verifyMs;
  // One without alternative names is served by default, so to whoever asks for a name that nothing covers.
  const names = [previous.names[0] ?? name].map(probeName);
  for (;;) {
    const balancers = tools.balancersOf(await tools.marathon.app(appId, tools.signal));
    const behind = await whoDoesNotServe(balancers, [{ names, fingerprint: previous.fingerprint }], tools);
    if (behind.length === 0 && balancers.length > 0)
      return `${balancers.length} of ${balancers.length} balancers serve the old certificate`;
    if (tools.clock.monotonicMs() >= deadlineMs)
      return `the old certificate is NOT served everywhere: ${behind.join('; ') || 'no balancer runs'}`;
    await tools.wake.wait(Math.min(tools.limits.pollMs, 1000), tools.signal);
  }
}
