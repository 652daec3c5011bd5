// pure
import { isServer, markingOf } from './marking.ts';
import type { ColourApp } from './model.ts';

/** The tasks that marathon-lb sends requests to once it knows these apps, by id. Pure. */
export function inUse(apps: readonly ColourApp[]): string[] {
  const marking = markingOf(apps);
  if (marking.kind === 'fault') return [];
  const out = new Set(marking.out);
  return apps.flatMap((app) =>
    app.tasks.filter((task) => isServer(app, task) && !out.has(task.id)).map(({ id }) => id),
  );
}

/** The apps as they will be when one of them was scaled just now, to so many, before any task is different. Pure. */
export function scaledNow(
  apps: readonly ColourApp[],
  { id }: Pick<ColourApp, 'id'>,
  instances: number,
): ColourApp[] {
  return apps.map((app) => (app.id === id ? { ...app, instances, lastScalingAt: LAST_OF_ALL } : app));
}

const LAST_OF_ALL = '9999-12-31T23:59:59.999Z';

/** The apps without some tasks, that were killed. Pure. */
export function killed(apps: readonly ColourApp[], taskIds: readonly string[]): ColourApp[] {
  return apps.map((app) => {
    const tasks = app.tasks.filter(({ id }) => !taskIds.includes(id));
    return { ...app, tasks, instances: app.instances - (app.tasks.length - tasks.length) };
  });
}
