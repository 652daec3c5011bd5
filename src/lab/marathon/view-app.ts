import type { World } from './api-request.ts';
import type { App } from './app.ts';
import type { Dialect } from './dialect.ts';
import type { Task } from './tracker.ts';
import { viewOldDefinition } from './view-old-app.ts';
import { countTasks, viewTask } from './view-task.ts';

/** What a read may add to the bare definition. */
export type Embed = 'tasks' | 'counts' | 'deployments' | 'lastTaskFailure' | 'taskStats' | 'readiness';

const PREFIX = /^(group\.apps|apps|app)\./;

/** `embed=` values of a query; prefixes are optional and unknown values are ignored. */
export function parseEmbeds(values: string[]): Set<Embed> {
  const known = new Set<Embed>([
    'tasks',
    'counts',
    'deployments',
    'lastTaskFailure',
    'taskStats',
    'readiness',
  ]);
  const found = values
    .map((value) => value.replace(PREFIX, ''))
    .map((value) => (value === 'failures' ? 'lastTaskFailure' : value) as Embed);
  return new Set(found.filter((value) => known.has(value)));
}

const LEFT_OUT_WHEN_EMPTY = new Set([
  'args',
  'constraints',
  'dependencies',
  'env',
  'fetch',
  'healthChecks',
  'readinessChecks',
  'secrets',
]);

/** A definition. From 1.5 on unset fields and some empty collections are left out; `labels` is always there, and
 * marathon-lb relies on that.
 * @source docs/docs/rest-api/public/api/v2/types/app.raml, pragma.omitEmpty */
export function viewDefinition(app: App, dialect: Dialect): Record<string, unknown> {
  if (dialect.hasOldAppJson) return viewOldDefinition(app);
  const shown = dialect.showsRole ? { role: '*', ...app } : app;
  return Object.fromEntries(Object.entries(shown).filter(([key, value]) => !isLeftOut(key, value)));
}

function isLeftOut(key: string, value: unknown): boolean {
  if (value === undefined) return true;
  return LEFT_OUT_WHEN_EMPTY.has(key) && Object.keys(value as object).length === 0;
}

/** A definition with what runs of it. */
export function viewApp(
  app: App,
  { root, crew, dialect }: Pick<World, 'root' | 'crew' | 'dialect'>,
  embeds: ReadonlySet<Embed>,
): Record<string, unknown> {
  const instances = crew.tracker.ofApp(app.id);
  const tasks = instances.flatMap((instance) => instance.task ?? []);
  const counts = countTasks(tasks);
  const failure = crew.lastFailures.get(app.id);
  return {
    ...viewDefinition(app, dialect),
    tasksStaged: counts.staged,
    tasksRunning: counts.running,
    tasksHealthy: counts.healthy,
    tasksUnhealthy: counts.unhealthy,
    deployments: root.deployments.ofApp(app.id).map(({ id }) => ({ id })),
    ...(embeds.has('tasks')
      ? { tasks: instances.flatMap((instance) => viewTask(instance, dialect) ?? []) }
      : {}),
    ...(embeds.has('lastTaskFailure') && failure ? { lastTaskFailure: failure } : {}),
    ...(embeds.has('readiness') ? { readinessCheckResults: readinessOf(tasks) } : {}),
    ...(embeds.has('taskStats') ? { taskStats: statsOf(app, tasks) } : {}),
  };
}

export const readinessOf = (tasks: Task[]) =>
  tasks.flatMap((task) => (task.readiness ? { ...task.readiness, taskId: task.id } : []));

function statsOf(app: App, tasks: Task[]): Record<string, unknown> {
  const { lastScalingAt, lastConfigChangeAt } = app.versionInfo;
  const groups = {
    startedAfterLastScaling: tasks.filter((task) => task.app.version >= lastScalingAt),
    withLatestConfig: tasks.filter((task) => task.app.version >= lastConfigChangeAt),
    withOutdatedConfig: tasks.filter((task) => task.app.version < lastConfigChangeAt),
    totalSummary: tasks,
  };
  return Object.fromEntries(
    Object.entries(groups)
      .filter(([, group]) => group.length > 0)
      .map(([name, group]) => [name, { stats: { counts: countTasks(group), lifeTime: lifeTimeOf(group) } }]),
  );
}

function lifeTimeOf(tasks: Task[]): Record<string, number> {
  const seconds = tasks
    .flatMap((task) => (task.startedAtMs === undefined ? [] : (Date.now() - task.startedAtMs) / 1000))
    .sort((a, b) => a - b);
  if (seconds.length === 0) return {};
  const sum = seconds.reduce((total, one) => total + one, 0);
  return { averageSeconds: sum / seconds.length, medianSeconds: seconds[seconds.length >> 1] ?? 0 };
}
