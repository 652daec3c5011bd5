// pure
import type { ListenerState } from './drain.ts';
import { markingOf } from './marking.ts';
import { afterStep, newMemory, remember } from './memory.ts';
import type {
  ColourApp,
  ColourTask,
  Growing,
  RolloutMemory,
  RolloutObservation,
  RolloutPolicy,
  RolloutStep,
} from './model.ts';
import { nextStep } from './plan.ts';

/** The two colours as they would be at the beginning. */
export interface Rehearsal {
  group: string;
  old: ColourApp;
  fresh: ColourApp;
  policy: RolloutPolicy;
}

const ROUND_MS = 60_000;
/** More rounds than that no ladder has: one a task, and a few. */
const MOST_STEPS = 5_000;
const IN: ListenerState = { kind: 'in', status: 'UP', sessions: 0 };
const DRAINED: ListenerState = { kind: 'out', isListed: true, holders: [] };

/** The steps that a rollout takes where everything goes well: the real decisions, played through in a cluster in which
 * every task is healthy at once and every connection ends at once. Pure. */
export function rehearse({ group, old, fresh, policy }: Rehearsal): RolloutStep[] {
  let apps: readonly ColourApp[] = [full(old), full(fresh)];
  let memory = remember(newMemory(0), ideal(group, apps), policy, 0);
  const steps: RolloutStep[] = [];
  // Far enough apart that nothing is waited for.
  for (let at = ROUND_MS; steps.length < MOST_STEPS; at += ROUND_MS) {
    const seen = ideal(group, apps);
    memory = remember(memory, seen, policy, at);
    const step = nextStep(seen, policy, memory, at);
    if (step.do !== 'wait') steps.push(step);
    if (step.do === 'finish' || step.do === 'stop' || step.do === 'wait') break;
    memory = withSizes(afterStep(memory, step, at), step);
    apps = played(apps, step, at);
  }
  return steps;
}

function played(apps: readonly ColourApp[], step: RolloutStep, at: number): readonly ColourApp[] {
  if (step.do === 'delete') return apps.filter(({ id }) => id !== step.appId);
  if (step.do === 'scale')
    return apps.map((app) => (app.id === step.appId ? scaled(app, sizeAfter(step), at) : app));
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
  return killed.map((app) => (app.id === grow.appId ? scaled(app, sizeAfter(grow), at + 1) : app));
}

function withSizes(memory: RolloutMemory, step: RolloutStep): RolloutMemory {
  const grown = step.do === 'scale' ? step : step.do === 'kill' ? step.grow : undefined;
  if (grown?.isBrief !== true) return memory;
  return { ...memory, expected: { ...memory.expected, [grown.appId]: grown.from } };
}

/** What is for the moment alone is over in the next one. */
function sizeAfter({ from, instances, isBrief }: Growing): number {
  return isBrief === true ? from : instances;
}

/** Times of scaling only have to grow. */
function scaled(app: ColourApp, instances: number, at: number): ColourApp {
  return full({
    ...app,
    instances,
    lastScalingAt: new Date(Date.UTC(2100, 0, 1) + at).toISOString(),
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
