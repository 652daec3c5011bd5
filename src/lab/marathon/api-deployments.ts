import { type Answer, json } from './answer.ts';
import { deploymentHeader } from './api-app-writes.ts';
import { existingApp } from './api-apps.ts';
import { ApiError } from './api-error.ts';
import { type ApiRequest, flag, methodNotAllowed, type World } from './api-request.ts';
import { timestamp } from './events.ts';
import { absoluteId } from './ids.ts';
import { viewOffers } from './offers.ts';
import { viewDefinition } from './view-app.ts';
import { deploymentResult, viewDeployment } from './view-deployment.ts';

/** Everything below `/v2/deployments`. @param rest the path behind it */
export function answerDeployments(request: ApiRequest, world: World, rest: string): Answer {
  const { root, crew } = world;
  if (rest === '' && request.method === 'GET')
    return json(root.deployments.all().map((deployment) => viewDeployment(deployment, crew)));
  if (rest === '' || request.method !== 'DELETE') throw methodNotAllowed();
  const deployment = root.deployments.get(rest);
  if (!deployment) throw new ApiError(404, { message: `DeploymentPlan ${rest} does not exist` });
  if (flag(request, 'force')) {
    root.deployments.cancel(deployment, 'The upgrade has been cancelled');
    return { status: 202, headers: deploymentHeader(deployment) };
  }
  const reverting = root.revert(deployment);
  return json(deploymentResult(reverting), 200, deploymentHeader(reverting));
}

/** Everything below `/v2/queue`: what waits for a place, and why. @param rest the path behind it */
export function answerQueue(request: ApiRequest, world: World, rest: string): Answer {
  if (rest === '' && request.method === 'GET') {
    const nowMs = Date.now();
    return json({
      queue: world.crew.queue.entries().map((entry) => ({
        app: viewDefinition(entry.app, world.dialect),
        count: entry.count,
        delay: {
          timeLeftSeconds: Math.max(0, Math.ceil((entry.delayUntilMs - nowMs) / 1000)),
          overdue: entry.delayUntilMs <= nowMs,
        },
        since: timestamp(entry.sinceMs),
        ...(world.dialect.showsRole ? { role: '*' } : {}),
        processedOffersSummary: viewOffers(entry.offers),
      })),
    });
  }
  const id = /^(.+)\/delay$/.exec(rest)?.[1];
  if (id === undefined || request.method !== 'DELETE') throw methodNotAllowed();
  const app = existingApp(world, absoluteId(id));
  if (!world.crew.queue.resetDelay(app))
    throw new ApiError(404, { message: `Application ${app.id} not found in tasks queue.` });
  return { status: 204 };
}
