// pure
import { inUse, scaledNow } from './foresight.ts';
import { isEnding } from './marking.ts';
import type { About, ColourApp, ColourTask, RolloutMemory, RolloutStep } from './model.ts';
import { healthyTasks, wait } from './settle.ts';
import type { Sides } from './sides.ts';

/** Takes a deployment back that waits for tasks of the colour which makes way, where that ends nothing that serves:
 * they may never become healthy, and are in the way of the other colour. Pure. */
export function takingBack({ going, isBack }: Sides, { memory }: About): RolloutStep | undefined {
  const [deployment] = going.deployments;
  if (!isBack || deployment === undefined || endsByItself(going, memory)) return undefined;
  if (healthyTasks(going).length >= going.instances || !endsNothingInUse(going, memory)) return undefined;
  return takeBack(going, deployment);
}

/** Whether to wait for a deployment that holds the colour which makes way. Pure.
 *
 * On the way back it is in nobody's way before that colour is deleted, unless the other one is to grow: marathon-lb
 * counts tasks that are only asked for as tasks that serve, and would take too many out meanwhile. Then its time is
 * waited for, and no longer.
 * @returns undefined when there is nothing to wait for */
export function unlocking(sides: Sides, about: About): RolloutStep | undefined {
  const { seen, coming, going, isBack, goal } = sides;
  const [deployment] = going.deployments;
  if (deployment === undefined) return undefined;
  const needed = Math.min(goal, inUse(seen.apps).length);
  const isSafe = coming.instances >= goal || inUse(scaledNow(seen.apps, coming, goal)).length >= needed;
  if (isBack && !endsByItself(going, about.memory) && (isSafe || isOverdue(deployment, about)))
    return undefined;
  return wait(seen, 'deployment', about, `${going.id} is being deployed (${deployment})`);
}

/** It has been there for as long as nothing may take. */
export function isOverdue(deploymentId: string, { memory, policy, nowMs }: About): boolean {
  return nowMs - (memory.heldSinceMs[deploymentId] ?? nowMs) >= policy.maxWaitMs;
}

export function takeBack({ id }: ColourApp, deploymentId: string): Extract<RolloutStep, { do: 'cancel' }> {
  return { do: 'cancel', appId: id, deploymentId, reason: `${id} is not wanted any more` };
}

/** It was begun by taking another one back, or only ends tasks: that takes no longer than a task takes to end. */
export function endsByItself(
  { deployments, instances, tasks }: ColourApp,
  { undone }: RolloutMemory,
): boolean {
  return deployments.some((id) => undone.includes(id)) || tasks.filter(isThere).length > instances;
}

/** Whether taking the app's deployment back ends tasks alone that are not alive. Marathon ends as many as there were
 * not before, those that do not run yet first, then the youngest.
 * @source mesosphere/marathon, core/deployment/ScalingProposition and KillSelection */
export function endsNothingInUse(app: ColourApp, { scaled }: RolloutMemory): boolean {
  const ours = scaled[app.id];
  const isOurs = ours !== undefined && app.deployments.includes(ours.deploymentId);
  // What created an app leaves nothing of it.
  if (!isOurs && app.isAsCreated !== false) return false;
  const there = app.tasks.filter(isThere);
  const [running, others] = [there.filter(runs), there.filter((task) => !runs(task))];
  const from = isOurs ? ours.from : running.filter((task) => wasBefore(task, app)).length;
  const count = there.length - from - others.length;
  if (count <= 0) return true;
  if (app.endsOldestFirst === true || running.some(({ startedAt }) => startedAt === undefined)) return false;
  const byAge = running.sort((a, b) => ((a.startedAt ?? '') < (b.startedAt ?? '') ? 1 : -1));
  return byAge.slice(0, count).every(({ isAlive }) => !isAlive);
}

/** Somebody else's scaling was from as many at least as began before it. */
function wasBefore({ startedAt }: ColourTask, { lastScalingAt }: ColourApp): boolean {
  return Date.parse(startedAt ?? '') < Date.parse(lastScalingAt ?? '');
}

const isThere = (task: ColourTask): boolean => task.state === 'TASK_KILLING' || !isEnding(task);
const runs = ({ state }: ColourTask): boolean => !['TASK_STAGING', 'TASK_STARTING'].includes(state);
