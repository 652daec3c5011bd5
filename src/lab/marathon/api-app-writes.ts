import { type Answer, json } from './answer.ts';
import { existingApp, storedVersion } from './api-apps.ts';
import { ApiError, notFound, wrongTypes } from './api-error.ts';
import { type ApiRequest, bodyOf, flag, type World } from './api-request.ts';
import type { App } from './app.ts';
import type { Deployment } from './deployments.ts';
import { absoluteId } from './ids.ts';
import { assignServicePorts, completeApp, mergeApp, servicePorts } from './normalize.ts';
import { readApp } from './read-app.ts';
import type { AppUpdate } from './schema.ts';
import { validateApp, validateVersionAlone } from './validate.ts';
import { viewApp, viewDefinition } from './view-app.ts';
import { deploymentResult } from './view-deployment.ts';

/** `POST /v2/apps` */
export function createApp(request: ApiRequest, world: World): Answer {
  const update = readApp(bodyOf(request), world.dialect, true);
  const id = idOf(update, world);
  if (world.root.app(id)) throw new ApiError(409, { message: `An app with id [${id}] already exists.` });
  const app = ready(completeApp(id, update, world.dialect), undefined, world, new Map());
  const deployment = world.root.write({ apps: new Map([[id, app]]), force: flag(request, 'force') });
  const stored = existingApp(world, id);
  announce(request, world, [id]);
  return json(viewApp(stored, world, new Set(['tasks'])), 201, {
    ...deploymentHeader(deployment),
    Location: `/v2/apps${id}`,
  });
}

/** `PUT` and `PATCH /v2/apps/{id}`: a partial update unless told otherwise; PUT creates a missing app. */
export function updateApp(request: ApiRequest, world: World, id: string): Answer {
  const isNew = world.root.app(id) === undefined;
  if (isNew && request.method === 'PATCH') throw notFound('App', id);
  const update = readApp(bodyOf(request), world.dialect, !isPartial(request));
  const app = updated(request, world, id, update, new Map());
  const deployment = world.root.write({ apps: new Map([[id, app]]), force: flag(request, 'force') });
  announce(request, world, [id]);
  return json(deploymentResult(deployment), isNew ? 201 : 200, deploymentHeader(deployment));
}

/** `PUT` and `PATCH /v2/apps`: several updates in one deployment. */
export function updateApps(request: ApiRequest, world: World): Answer {
  const body = bodyOf(request);
  if (!Array.isArray(body))
    throw wrongTypes([{ path: '', errors: ['error.expected.jsarray'] }], world.dialect);
  const apps = new Map<string, App>();
  for (const one of body) {
    const update = readApp(one, world.dialect, !isPartial(request));
    const id = idOf(update, world);
    if (request.method === 'PATCH') existingApp(world, id);
    apps.set(id, updated(request, world, id, update, apps));
  }
  const deployment = world.root.write({ apps, force: flag(request, 'force') });
  announce(request, world, [...apps.keys()]);
  return json(deploymentResult(deployment), 200, deploymentHeader(deployment));
}

/** `POST /v2/apps/{id}/restart` */
export function restartApp(request: ApiRequest, world: World, id: string): Answer {
  const app = existingApp(world, id);
  const deployment = world.root.write({
    apps: new Map([[id, app]]),
    restart: new Set([id]),
    force: flag(request, 'force'),
  });
  return json(deploymentResult(deployment), 200, deploymentHeader(deployment));
}

/** `DELETE /v2/apps/{id}`: the one write that is forced by default. */
export function deleteApp(request: ApiRequest, world: World, id: string): Answer {
  existingApp(world, id);
  const deployment = world.root.write({
    apps: new Map([[id, undefined]]),
    force: flag(request, 'force', true),
  });
  return json(deploymentResult(deployment), 200, deploymentHeader(deployment));
}

export const deploymentHeader = (deployment: Deployment) => ({ 'Marathon-Deployment-Id': deployment.id });

/** Does a body say only what changes? So does a PUT, unless it is told otherwise. */
const isPartial = (request: ApiRequest) => request.method === 'PATCH' || flag(request, 'partialUpdate', true);

function idOf(update: AppUpdate, { dialect }: World): string {
  if (update.id === undefined) throw wrongTypes([{ path: '/id', errors: ['error.path.missing'] }], dialect);
  return absoluteId(update.id);
}

/** @param others apps of the same write, whose service ports are taken too */
function updated(
  request: ApiRequest,
  world: World,
  id: string,
  update: AppUpdate,
  others: ReadonlyMap<string, App>,
): App {
  const current = world.root.app(id);
  const { dialect } = world;
  const isChange = isPartial(request);
  if (isChange) validateVersionAlone(update, dialect);
  if (isChange && update.version !== undefined) {
    if (!current) throw notFound('App', id);
    return storedVersion(world, id, update.version);
  }
  const next = current && isChange ? mergeApp(current, update, dialect) : completeApp(id, update, dialect);
  return ready(next, current, world, others);
}

function ready(app: App, previous: App | undefined, world: World, others: ReadonlyMap<string, App>): App {
  const all = [...world.root.apps().filter(({ id }) => !others.has(id)), ...others.values()];
  const taken = new Set(all.filter(({ id }) => id !== app.id).flatMap(servicePorts));
  return validateApp(assignServicePorts(app, previous, taken), world.dialect);
}

function announce(request: ApiRequest, world: World, ids: string[]): void {
  for (const id of ids) {
    const app = world.root.app(id);
    if (!app) continue;
    world.events.publish('api_post_event', {
      clientIp: request.clientIp,
      uri: request.path,
      appDefinition: viewDefinition(app, world.dialect),
    });
  }
}
