import { CertathonError } from '../lib/errors.ts';
import type { App } from '../marathon/schema.ts';
import type { DeliveryTools, OurDeployment } from './delivery.ts';
import { bestOf, isFurther, isNew, progressOf } from './progress.ts';

/** Watches a deployment of ours to its end, by events and polling. The deadline counts time without progress,
 * since a rolling restart of many balancers rightly takes long. Marathon itself never gives up.
 * @param isStillOurs whether the app still holds what this deployment brought
 * @throws DELIVERY_STUCK with what the tasks wait for, DELIVERY_OVERTAKEN when somebody else ended it */
export async function watchDeployment(
  appId: string,
  ours: OurDeployment,
  tools: DeliveryTools,
  isStillOurs: (app: App) => boolean,
): Promise<void> {
  let best = { newRunning: 0, newHealthy: 0, oldLeft: Number.POSITIVE_INFINITY };
  let lastProgressMs = tools.clock.monotonicMs();
  for (;;) {
    const app = await tools.marathon.app(appId, tools.signal);
    if (!isStillOurs(app)) {
      throw new CertathonError(
        'DELIVERY_OVERTAKEN',
        `The change to ${appId} was taken back or replaced by somebody else`,
      );
    }
    const progress = progressOf(app, ours.version);
    if (isFinished(app, ours, progress.oldLeft)) return;
    if (isFurther(best, progress)) {
      lastProgressMs = tools.clock.monotonicMs();
      tools.log.info('delivery.waiting', {
        app: appId,
        deployment: ours.id,
        ...progress,
        instances: app.instances,
      });
    }
    best = bestOf(best, progress);
    const silentMs = tools.clock.monotonicMs() - lastProgressMs;
    if (silentMs >= tools.limits.stuckMs) {
      const cause = await causeOfStandstill(app, ours.version, tools);
      throw new CertathonError(
        'DELIVERY_STUCK',
        `The deployment of ${appId} made no progress for ${Math.round(silentMs / 1000)} s: ${cause}`,
        {
          facts: { deployment: ours.id, ...progress },
        },
      );
    }
    await tools.wake.wait(Math.min(tools.limits.pollMs, tools.limits.stuckMs - silentMs), tools.signal);
  }
}

/** Gone from the list is not enough: a no-op ends at once, and a deployment may be stopped by force. A later
 * deployment of somebody else (a scaling, say) does not matter once every task runs our change. */
function isFinished(app: App, ours: OurDeployment, oldLeft: number): boolean {
  const open = app.deployments;
  if (ours.id === undefined ? open.length > 0 : open.includes(ours.id)) return false;
  if (oldLeft === 0) {
    const fresh = app.tasks.filter(
      (task) => task.state === 'TASK_RUNNING' && isNew(task.version, ours.version),
    );
    return fresh.length >= app.instances || open.length > 0;
  }
  const how = open.length > 0 ? `replaced by another one (${open.join(', ')})` : 'stopped';
  throw new CertathonError(
    'DELIVERY_OVERTAKEN',
    `The deployment of ${app.id} was ${how} before ${oldLeft} of its tasks were replaced`,
  );
}

/** In words, from the launch queue and the last failure: the best sources there are (marathon.md 2.6). */
export async function causeOfStandstill(app: App, since: string, tools: DeliveryTools): Promise<string> {
  const queue = await tools.marathon.queue(tools.signal).catch(() => []);
  const waiting = queue.find((entry) => entry.appId === app.id && entry.count > 0);
  const failure = app.lastTaskFailure;
  const progress = progressOf(app, since);
  const parts: string[] = [];
  if (waiting?.overdue) {
    const reasons =
      waiting.rejections.length > 0 ? ` (${waiting.rejections.map(({ reason }) => reason).join(', ')})` : '';
    parts.push(
      `${waiting.count} new task finds no agent that fits${reasons}; with fixed host ports a balancer needs a free agent, or an upgradeStrategy with minimumHealthCapacity below 1`,
    );
  } else if (waiting !== undefined) {
    parts.push(`Marathon waits ${Math.ceil(waiting.delayMs / 1000)} s before it starts the next task`);
  }
  if (failure?.message !== undefined && isNew(failure.version, since))
    parts.push(`the last new task failed: ${failure.message}`);
  if (progress.newRunning > progress.newHealthy)
    parts.push(`${progress.newRunning - progress.newHealthy} new task runs but does not become healthy`);
  return parts.length > 0
    ? parts.join('; ')
    : `${progress.newHealthy} of ${app.instances} new tasks are healthy, ${progress.oldLeft} old ones are left`;
}
