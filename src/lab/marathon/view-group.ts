// pure
import type { App } from './app.ts';
import { parentGroup } from './ids.ts';

export interface GroupContents {
  /** How an app is shown; nothing when apps are left out. */
  app: ((app: App) => unknown) | undefined;
  withGroups: boolean;
}

/** A group with what is below it; groups are only the paths of apps here.
 * @param apps all apps   @source S/api/v2/json/Formats.scala, GroupWrites */
export function viewGroup(
  id: string,
  apps: readonly App[],
  version: string,
  contents: GroupContents,
): Record<string, unknown> {
  const prefix = id === '/' ? '/' : `${id}/`;
  const below = apps.filter((app) => app.id.startsWith(prefix));
  const own = below.filter((app) => parentGroup(app.id) === id);
  const others = below.filter((app) => !own.includes(app));
  const groups = new Set(others.map((app) => prefix + app.id.slice(prefix.length).split('/')[0]));
  const { app: show, withGroups } = contents;
  return {
    id,
    apps: show ? own.map((app) => show(app)) : [],
    groups: withGroups ? [...groups].sort().map((group) => viewGroup(group, apps, version, contents)) : [],
    pods: [],
    dependencies: [],
    version,
  };
}
