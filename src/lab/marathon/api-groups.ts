import { type Answer, json } from './answer.ts';
import { notFound } from './api-error.ts';
import { type ApiRequest, methodNotAllowed, type World } from './api-request.ts';
import type { App } from './app.ts';
import { absoluteId } from './ids.ts';
import { parseEmbeds, viewApp } from './view-app.ts';
import { viewGroup } from './view-group.ts';

/** `GET /v2/groups[/{id}]`. @param rest the path behind it */
export function answerGroups(request: ApiRequest, world: World, rest: string): Answer {
  if (request.method !== 'GET') throw methodNotAllowed();
  const id = absoluteId(rest);
  const ids = world.root.apps().map((app) => app.id);
  if (id !== '/' && !ids.some((appId) => appId.startsWith(`${id}/`))) throw notFound('Group', id);
  const embeds = request.query.getAll('embed');
  const withApps = embeds.length === 0 || embeds.some((embed) => embed.startsWith('group.apps'));
  const withGroups = embeds.length === 0 || embeds.includes('group.groups');
  const ofApps = parseEmbeds(embeds);
  const app = withApps ? (one: App) => viewApp(one, world, ofApps) : undefined;
  return json(viewGroup(id, world.root.apps(), world.root.version, { app, withGroups }));
}
