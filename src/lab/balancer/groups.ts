// pure
import type { MarathonApp } from './marathon-app.ts';

export interface GroupedApps {
  apps: MarathonApp[];
  drainingTasks: ReadonlySet<string>;
}

/** The apps under the names that marathon-lb uses for them: an app of a deployment group carries the group's name as
 * its id, and comes after all others.
 * @throws Error on an empty group name, as marathon-lb does */
export function applyDeploymentGroups(apps: readonly MarathonApp[]): GroupedApps {
  const plain = apps.filter((app) => groupOf(app) === undefined);
  const grouped = apps.flatMap((app) => {
    const group = groupOf(app);
    return group === undefined ? [] : [{ ...app, id: group }];
  });
  return { apps: [...plain, ...grouped], drainingTasks: new Set() };
}

function groupOf(app: MarathonApp): string | undefined {
  const group = app.labels?.HAPROXY_DEPLOYMENT_GROUP;
  if (group === '') throw new Error('IndexError: HAPROXY_DEPLOYMENT_GROUP is empty');
  return group === undefined || group.startsWith('/') ? group : `/${group}`;
}
