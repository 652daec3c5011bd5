import { type Answer, json } from './answer.ts';
import { createApp, deleteApp, restartApp, updateApp, updateApps } from './api-app-writes.ts';
import { notFound } from './api-error.ts';
import { type ApiRequest, flag, methodNotAllowed, type World } from './api-request.ts';
import { deleteAppTask, deleteAppTasks } from './api-tasks.ts';
import type { App } from './app.ts';
import { absoluteId } from './ids.ts';
import { parseLabelSelector } from './label-selector.ts';
import { type Embed, parseEmbeds, viewApp, viewDefinition } from './view-app.ts';
import { viewTask } from './view-task.ts';

const EVERYTHING: ReadonlySet<Embed> = new Set<Embed>(['tasks', 'lastTaskFailure']);

/** Everything below `/v2/apps`. @param rest the path behind it, without slashes at its ends */
export function answerApps(request: ApiRequest, world: World, rest: string): Answer {
  const { method } = request;
  if (rest === '') {
    if (method === 'GET') return listApps(request, world);
    if (method === 'POST') return createApp(request, world);
    if (method === 'PUT' || method === 'PATCH') return updateApps(request, world);
    throw methodNotAllowed();
  }
  if (rest === '*' || rest.endsWith('/*')) return listGroup(request, world, absoluteId(rest.slice(0, -1)));

  const [, path = '', part, item] = /^(.+?)\/(tasks|versions|restart)(?:\/([^/]+))?$/.exec(rest) ?? [
    '',
    rest,
  ];
  const id = absoluteId(path);
  if (part === 'tasks') return answerTasks(request, world, id, item);
  if (part === 'versions' && method === 'GET') return readVersions(world, id, item);
  if (part === 'restart' && method === 'POST') return restartApp(request, world, id);
  if (part !== undefined) throw methodNotAllowed();
  if (method === 'GET') return readApp(request, world, id);
  if (method === 'PUT' || method === 'PATCH') return updateApp(request, world, id);
  if (method === 'DELETE') return deleteApp(request, world, id);
  throw methodNotAllowed();
}

export function existingApp(world: World, id: string): App {
  const app = world.root.app(id);
  if (!app) throw notFound('App', id);
  return app;
}

function listApps(request: ApiRequest, world: World): Answer {
  const label = request.query.get('label');
  const keepsLabels = label ? parseLabelSelector(label) : () => true;
  const contains = (text: string, part: string | null) =>
    part === null || text.toLowerCase().includes(part.toLowerCase());
  const apps = world.root
    .apps()
    .filter((app) => contains(app.id, request.query.get('id')))
    .filter((app) => contains(app.cmd ?? '', request.query.get('cmd')))
    .filter((app) => keepsLabels(app.labels));
  const embeds = parseEmbeds(request.query.getAll('embed'));
  return json({ apps: apps.map((app) => viewApp(app, world, embeds)) });
}

function listGroup(request: ApiRequest, world: World, group: string): Answer {
  if (request.method !== 'GET') throw methodNotAllowed();
  const prefix = group === '/' ? '/' : `${group}/`;
  const apps = world.root.apps().filter((app) => app.id.startsWith(prefix));
  if (apps.length === 0 && group !== '/') throw notFound('Group', group);
  const embeds = parseEmbeds(request.query.getAll('embed'));
  return json({ '*': apps.map((app) => viewApp(app, world, embeds)) });
}

function readApp(request: ApiRequest, world: World, id: string): Answer {
  const embeds = new Set([...EVERYTHING, ...parseEmbeds(request.query.getAll('embed'))]);
  return json({ app: viewApp(existingApp(world, id), world, embeds) });
}

function readVersions(world: World, id: string, version: string | undefined): Answer {
  existingApp(world, id);
  const versions = world.root.versions(id);
  if (version === undefined) return json({ versions: versions.map((app) => app.version) });
  return json(viewDefinition(storedVersion(world, id, version), world.dialect));
}

/** A former definition of an app. @throws ApiError 404 when it is not kept */
export function storedVersion(world: World, id: string, version: string): App {
  const found = world.root.versions(id).find((app) => app.version === version);
  if (!found) throw notFound('App', id);
  return found;
}

function answerTasks(request: ApiRequest, world: World, id: string, taskId: string | undefined): Answer {
  existingApp(world, id);
  if (request.method === 'GET' && taskId === undefined)
    return json({
      tasks: world.crew.tracker.ofApp(id).flatMap((instance) => viewTask(instance, world.dialect) ?? []),
    });
  if (request.method !== 'DELETE') throw methodNotAllowed();
  const how = { scale: flag(request, 'scale'), wipe: flag(request, 'wipe'), force: flag(request, 'force') };
  return taskId === undefined
    ? deleteAppTasks(world, id, request.query.get('host'), how)
    : deleteAppTask(world, id, taskId, how);
}
