import { CertathonError } from '../lib/errors.ts';
import type { App } from '../marathon/schema.ts';
import type { DeliveryRequest, DeliveryTools } from './delivery.ts';
import { verifyServed, whoDoesNotServe } from './verify.ts';

/** Replaces, one at a time, the tasks of balancers that serve something else although the app holds the right
 * certificate and other balancers prove that it can be served: Marathon starts each anew with the environment of
 * the app. The last one that serves is never touched, and nothing is done while a deployment runs.
 * @throws DELIVERY_NOT_SERVED, MARATHON_* */
export async function replaceBalancers(request: DeliveryRequest, tools: DeliveryTools): Promise<void> {
  const release = tools.wake.hold();
  try {
    const first = await tools.marathon.app(request.appId, tools.signal);
    for (const task of await behindOf(first, request, tools)) {
      const app = await tools.marathon.app(request.appId, tools.signal);
      const behind = await behindOf(app, request, tools);
      const serving = tools.balancersOf(app).length - behind.length;
      if (app.deployments.length > 0 || serving < 1) break;
      if (!behind.includes(task)) continue;
      tools.log.warn('balancer.replaced', { app: app.id, balancer: task });
      await tools.marathon.killTasks([task], { signal: tools.signal });
      await awaitSuccessor(task, app, request, tools);
    }
    await verifyServed(request, tools);
  } finally {
    release();
  }
}

async function behindOf(app: App, request: DeliveryRequest, tools: DeliveryTools): Promise<string[]> {
  const behind: string[] = [];
  for (const balancer of tools.balancersOf(app)) {
    const words = await whoDoesNotServe([balancer], request.expected, tools);
    if (words.length > 0) behind.push(balancer.id);
  }
  return behind;
}

/** Until as many balancers as before serve and the old task is gone; without progress it is given up. */
async function awaitSuccessor(
  old: string,
  before: App,
  request: DeliveryRequest,
  tools: DeliveryTools,
): Promise<void> {
  const wanted = tools.balancersOf(before).length;
  const deadlineMs = tools.clock.monotonicMs() + tools.limits.stuckMs;
  for (;;) {
    const app = await tools.marathon.app(request.appId, tools.signal);
    const balancers = tools.balancersOf(app);
    const isGone = balancers.every(({ id }) => id !== old);
    if (isGone && balancers.length >= Math.min(wanted, app.instances)) return;
    if (tools.clock.monotonicMs() >= deadlineMs) {
      const seconds = Math.round(tools.limits.stuckMs / 1000);
      throw new CertathonError(
        'DELIVERY_NOT_SERVED',
        `${old} was ended because it served another certificate, and no other task runs in its place after ${seconds} s`,
      );
    }
    await tools.wake.wait(tools.limits.pollMs, tools.signal);
  }
}
