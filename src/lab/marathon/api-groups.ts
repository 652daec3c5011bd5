import { type Answer, json } from './answer.ts';
import { notFound } from './api-error.ts';
import { type ApiRequest, methodNotAllowed, type World } from './api-request.ts';
import { absoluteId, parentGroup } from './ids.ts';
import { type Embed, parseEmbeds, viewApp } from './view-app.ts';

interface GroupEmbeds {
  withApps: boolean;
  withGroups: boolean;
  apps: ReadonlySet<Embed>;
}

/** `GET /v2/groups[/{id}]`; groups are only the paths of apps here. @param rest the path behind it */
export function answerGroups(request: ApiRequest, world: World, rest: string): Answer {
  if (request.method !== 'GET') throw methodNotAllowed();
  const id = absoluteId(rest);
  const ids = world.root.apps().map((app) => app.id);
  if (id !== '/' && !ids.some((appId) => appId.startsWith(`${id}/`))) throw notFound('Group', id);
  const embeds = request.query.getAll('embed');
  const withApps = embeds.length === 0 || embeds.some((embed) => embed.startsWith('group.apps'));
  const withGroups = embeds.length === 0 || embeds.includes('group.groups');
  return json(viewGroup(world, id, { withApps, withGroups, apps: parseEmbeds(embeds) }));
}

function viewGroup(world: World, id: string, embeds: GroupEmbeds): Record<string, unknown> {
  const prefix = id === '/' ? '/' : `${id}/`;
  const below = world.root.apps().filter((app) => app.id.startsWith(prefix));
  const own = below.filter((app) => parentGroup(app.id) === id);
  const groups = new Set(
    below
      .filter((app) => !own.includes(app))
      .map((app) => prefix + app.id.slice(prefix.length).split('/')[0]),
  );
  return {
    id,
    apps: embeds.withApps ? own.map((app) => viewApp(app, world.root, world.crew, embeds.apps)) : [],
    groups: embeds.withGroups ? [...groups].sort().map((group) => viewGroup(world, group, embeds)) : [],
    pods: [],
    dependencies: [],
    version: world.root.version,
  };
}
