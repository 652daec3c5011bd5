// pure
import type { ListenerState } from './drain.ts';
import { markingOf } from './marking.ts';
import { afterStep, newMemory, remember } from './memory.ts';
import type { ColourApp, ColourTask, RolloutObservation, RolloutPolicy, RolloutStep } from './model.ts';
import { nextStep } from './plan.ts';

/** The two colours as they would be at the beginning. */
export interface Rehearsal {
  group: string;
  old: ColourApp;
  fresh: ColourApp;
  policy: RolloutPolicy;
}

/** More rounds than that no ladder has: one a task, and a few. */
const MOST_STEPS = 5_000;
const IN: ListenerState = { kind: 'in', status: 'UP', sessions: 0 };
const DRAINED: ListenerState = { kind: 'out', isListed: true, holders: [] };

/** The steps that a rollout takes where everything goes well: the real decisions, played through in a cluster in which
 * every task is healthy at once and every connection ends at once. Pure. */
export function rehearse({ group, old, fresh, policy }: Rehearsal): RolloutStep[] {
  let apps: readonly ColourApp[] = [full(old), full(fresh)];
  let memory = newMemory(0);
  const steps: RolloutStep[] = [];
  for (let at = 1; at <= MOST_STEPS; at += 1) {
    const seen = ideal(group, apps);
    memory = remember(memory, seen, policy, at);
    const step = nextStep(seen, policy, memory, at);
    if (step.do !== 'wait') steps.push(step);
    if (step.do === 'finish' || step.do === 'stop' || step.do === 'wait') break;
    memory = afterStep(memory, step, at);
    apps = played(apps, step, at);
  }
  return steps;
}

function played(apps: readonly ColourApp[], step: RolloutStep, at: number): readonly ColourApp[] {
  if (step.do === 'delete') return apps.filter(({ id }) => id !== step.appId);
  if (step.do === 'scale')
    return apps.map((app) => (app.id === step.appId ? scaled(app, step.instances, at) : app));
  if (step.do !== 'kill') return apps;
  const killed = apps.map((app) =>
    app.id === step.appId
      ? scaled(
          { ...app, tasks: app.tasks.filter(({ id }) => !step.taskIds.includes(id)) },
          app.instances - step.taskIds.length,
          at,
        )
      : app,
  );
  const { grow } = step;
  if (grow === undefined) return killed;
  return killed.map((app) => (app.id === grow.appId ? scaled(app, grow.instances, at + 0.5) : app));
}

/** Times of scaling only have to grow. */
function scaled(app: ColourApp, instances: number, at: number): ColourApp {
  return full({
    ...app,
    instances,
    lastScalingAt: new Date(Date.UTC(2100, 0, 1) + at * 1_000).toISOString(),
  });
}

function full(app: ColourApp): ColourApp {
  const tasks: ColourTask[] = [...app.tasks];
  for (let number = 1; tasks.length < app.instances; number += 1) {
    const id = `${app.id}.${String(number).padStart(6, '0')}`;
    if (tasks.some((task) => task.id === id)) continue;
    tasks.push({ id, state: 'TASK_RUNNING', isAlive: true, isHealthy: true, listeners: [id] });
  }
  return { ...app, deployments: [], lastFailure: undefined, tasks };
}

function ideal(group: string, apps: readonly ColourApp[]): RolloutObservation {
  const marking = markingOf(apps);
  const out = new Set(marking.kind === 'marked' ? marking.out : []);
  const listeners = Object.fromEntries(
    apps.flatMap(({ tasks }) => tasks.map((task) => [task.id, out.has(task.id) ? DRAINED : IN])),
  );
  return {
    group,
    apps,
    balancers: [{ id: 'every balancer', kind: 'seen', listeners }],
    waiting: {},
    ending: [],
  };
}
