import { z } from 'zod';
import { type Answer, json } from './answer.ts';
import { deploymentHeader } from './api-app-writes.ts';
import { ApiError, notFound, wrongTypes } from './api-error.ts';
import { type ApiRequest, bodyOf, flag, methodNotAllowed, type World } from './api-request.ts';
import type { App } from './app.ts';
import { isTaskId } from './ids.ts';
import type { Instance } from './tracker.ts';
import { deploymentResult } from './view-deployment.ts';
import { viewTask } from './view-task.ts';

interface How {
  scale: boolean;
  wipe: boolean;
  force: boolean;
}

/** Everything below `/v2/tasks`. @param rest the path behind it */
export function answerAllTasks(request: ApiRequest, world: World, rest: string): Answer {
  if (rest === '' && request.method === 'GET') return listTasks(request, world);
  if (rest === 'delete' && request.method === 'POST') return deleteTasks(request, world);
  throw methodNotAllowed();
}

function listTasks(request: ApiRequest, world: World): Answer {
  const wanted = request.query.getAll('status').map((status) => `TASK_${status.toUpperCase()}`);
  const tasks = world.crew.tracker
    .all()
    .filter((instance) => world.root.app(instance.appId) !== undefined)
    .map((instance) => viewTask(instance, world.dialect, true))
    .filter((task) => task !== undefined)
    .filter((task) => wanted.length === 0 || wanted.includes(String(task.state)));
  return json({ tasks });
}

const idsBody = z.object({ ids: z.array(z.string()) });

/** `POST /v2/tasks/delete`: ids that nobody knows are skipped without a word. */
function deleteTasks(request: ApiRequest, world: World): Answer {
  const body = idsBody.safeParse(bodyOf(request));
  if (!body.success) throw wrongTypes([{ path: '/ids', errors: ['error.expected.jsarray'] }], world.dialect);
  for (const id of body.data.ids)
    if (!isTaskId(id)) throw new ApiError(400, { message: `Invalid task id '${id}'.` });
  const found = [...new Set(body.data.ids)].flatMap((id) => world.crew.tracker.byTaskId(id) ?? []);
  const how = { scale: flag(request, 'scale'), wipe: flag(request, 'wipe'), force: flag(request, 'force') };
  return killInstances(world, found, how, 'tasks');
}

/** `DELETE /v2/apps/{id}/tasks` */
export function deleteAppTasks(world: World, appId: string, host: string | null, how: How): Answer {
  const all = world.crew.tracker
    .ofApp(appId)
    .filter((instance) => viewTask(instance, world.dialect) !== undefined);
  if (how.scale && all.length === 0) throw notFound('App', appId);
  const found = all.filter((instance) => host === null || instance.task?.slot.agent.host === host);
  return killInstances(world, found, how, 'tasks');
}

/** `DELETE /v2/apps/{id}/tasks/{task}` */
export function deleteAppTask(world: World, appId: string, taskId: string, how: How): Answer {
  const instance = world.crew.tracker.byTaskId(taskId);
  if (instance?.appId !== appId) throw notFound('Task', taskId);
  return killInstances(world, [instance], how, 'task');
}

/** @source S/api/TaskKiller.scala */
function killInstances(world: World, instances: Instance[], how: How, form: 'task' | 'tasks'): Answer {
  if (how.scale && how.wipe)
    throw new ApiError(400, { message: 'You cannot use scale and wipe at the same time.' });
  if (how.scale) return killAndScale(world, instances, how.force);
  const views = instances.flatMap((instance) => viewTask(instance, world.dialect) ?? []);
  if (how.wipe) for (const instance of instances) wipe(world, instance);
  else kill(world, instances);
  return json(form === 'task' ? { task: views[0] } : { tasks: views });
}

function kill({ dialect, root, crew }: World, instances: Instance[]): void {
  const reason = 'Killed by an API call';
  if (!dialect.killsUnderLock) for (const instance of instances) crew.kill(instance, reason);
  else
    for (const [appId, ofApp] of Map.groupBy(instances, (instance) => instance.appId))
      root.killLocks.kill(appId, ofApp, reason);
}

/** The instance leaves the set at once. Another one follows only when the app then has too few, and when no
 * deployment has the say: in a mix of versions that a cancelled deployment left, none does. */
function wipe(world: World, instance: Instance): void {
  if (instance.goal === 'Decommissioned') return;
  world.crew.decommission(instance, 'Killed by an API call');
  const app = world.root.app(instance.appId);
  if (!app || world.root.deployments.ofApp(app.id).length > 0) return;
  world.crew.request(app, app.instances - world.crew.tracker.wanted(app.id).length);
}

/** Lowers `instances` by the tasks that live and are not dying already, and kills exactly these first. */
function killAndScale(world: World, instances: Instance[], force: boolean): Answer {
  const apps = new Map<string, App>();
  const sentenced = new Map<string, string[]>();
  for (const instance of instances) {
    const app = apps.get(instance.appId) ?? world.root.app(instance.appId);
    if (!app) continue;
    const isActive = instance.task !== undefined && instance.task.state !== 'TASK_KILLING';
    apps.set(app.id, { ...app, instances: Math.max(0, app.instances - (isActive ? 1 : 0)) });
    sentenced.set(app.id, [...(sentenced.get(app.id) ?? []), instance.id]);
  }
  const deployment = world.root.write({ apps, sentenced, force });
  return json(deploymentResult(deployment), 200, deploymentHeader(deployment));
}
