// pure
import type { ErrorCode } from '../lib/errors.ts';
import { isServer, targetLabel } from './marking.ts';
import type {
  About,
  ColourApp,
  Expected,
  RolloutMemory,
  RolloutObservation,
  RolloutStep,
  WaitReason,
} from './model.ts';
import { isGoingBack, type Sides } from './sides.ts';
import { allSeen, type SeenBalancer, usesOf } from './tally.ts';

/** Three tasks that die one after another, without one more that lives, are no accident. */
const MOST_FAILURES = 3;

/** Somebody else changed the number of instances, or took an app away: two who steer end nowhere. Pure. */
export function overtaken(seen: RolloutObservation, memory: RolloutMemory): RolloutStep | undefined {
  for (const [id, expected] of Object.entries(memory.expected)) {
    const app = seen.apps.find((each) => each.id === id);
    if (isExpected(app?.instances, expected)) continue;
    const number = typeof expected === 'object' ? expected.join(' to ') : expected;
    const what =
      app === undefined ? 'is not there any more' : `has ${app.instances} instances, not ${number}`;
    return {
      do: 'stop',
      code: 'ROLLOUT_OVERTAKEN',
      reason: `${id} ${what}: somebody else changed it meanwhile`,
    };
  }
  const added = seen.apps.find(({ id }) => !Object.hasOwn(memory.expected, id));
  if (added === undefined || Object.keys(memory.expected).length === 0) return undefined;
  return {
    do: 'stop',
    code: 'ROLLOUT_OVERTAKEN',
    reason: `${added.id} was added to the group by somebody else`,
  };
}

/** @param instances undefined for an app that is not there */
export function isExpected(instances: number | undefined, expected: Expected): boolean {
  if (typeof expected !== 'object') return expected === 'any' || instances === expected;
  return instances !== undefined && instances >= expected[0] && instances <= expected[1];
}

/** Whether the colour that comes can not stand: its tasks die again and again. Pure. */
export function failed({ coming, isBack }: Sides, { policy, memory }: About): RolloutStep | undefined {
  if (isBack || memory.failures.length < MOST_FAILURES) return undefined;
  const last = coming.lastFailure?.message ?? 'no message';
  const reason = `${memory.failures.length} tasks of ${coming.id} failed one after another; the last one: ${last}`;
  return { do: policy.onFailure === 'rollback' ? 'turn' : 'stop', code: 'ROLLOUT_STUCK', reason };
}

export interface Settling {
  seen: RolloutObservation;
  app: ColourApp;
  others: Sides | undefined;
  /** Whether the balancers have to send it requests, too. Scaling turns the roles round, and needs no more than healthy
   * tasks. */
  needsRotation: boolean;
}

/** What still keeps a colour from serving with all its tasks. Pure. @returns undefined when nothing does */
export function settling(
  { seen, app, others, needsRotation }: Settling,
  about: About,
): RolloutStep | undefined {
  const healthy = healthyTasks(app).length;
  const isEnough = others?.isBack
    ? healthy >= Math.min(app.instances, targetLabel(app) ?? app.instances)
    : false;
  if (!isEnough && (healthy < app.instances || app.deployments.length > 0)) {
    const words = `${healthy} of ${app.instances} tasks of ${app.id} are healthy${whyNot(seen, app)}`;
    return wait(seen, healthy < app.instances ? 'healthy' : 'deployment', about, words);
  }
  if (!needsRotation) return undefined;
  const [ending] = seen.ending;
  if (ending !== undefined) return wait(seen, 'deployment', about, `the old tasks end (${ending})`);
  const balancers = allSeen(seen);
  if (balancers === undefined) return wait(seen, 'balancers', about);
  const uses = usesOf(app, balancers);
  const missing = healthyTasks(app).filter(({ id }) => uses.get(id) !== 'in');
  if (missing.length === 0) return undefined;
  return wait(
    seen,
    'rotation',
    about,
    `${missing.length} of ${healthy} healthy tasks of ${app.id} do not get requests from every balancer yet (not from ${lacking(missing, balancers)})`,
  );
}

const MOST_NAMED = 5;

/** The balancers that do not send requests to all of these tasks: one of them may have stopped following Marathon. */
function lacking(tasks: ColourApp['tasks'], balancers: readonly SeenBalancer[]): string {
  const ids = balancers
    .filter(({ listeners }) =>
      tasks.some((task) => task.listeners.some((each) => listeners[each]?.kind !== 'in')),
    )
    .map(({ id }) => id);
  const more = ids.length > MOST_NAMED ? ` and ${ids.length - MOST_NAMED} more` : '';
  return `${ids.slice(0, MOST_NAMED).join(', ')}${more}`;
}

export function healthyTasks(app: ColourApp): ColourApp['tasks'] {
  return app.tasks.filter((task) => task.isHealthy && isServer(app, task));
}

function whyNot({ waiting }: RolloutObservation, app: ColourApp): string {
  const queue = waiting[app.id];
  const parts = [
    queue,
    app.lastFailure === undefined ? undefined : `last failure: ${app.lastFailure.message}`,
  ];
  const said = parts.filter((part) => part !== undefined);
  return said.length === 0 ? '' : ` (${said.join('; ')})`;
}

/** Waits while something moves on, and gives up when nothing has for so long. Pure. */
export function wait(
  seen: RolloutObservation,
  reason: WaitReason,
  about: About,
  words = whyUnseen(seen),
): RolloutStep {
  const { policy, memory, nowMs } = about;
  const untilMs = memory.movedAtMs + policy.maxWaitMs;
  const isReload = reason === 'balancers' && seen.balancers.every(({ kind }) => kind !== 'unreachable');
  if (nowMs < untilMs)
    return {
      do: 'wait',
      for: isReload && seen.balancers.length > 0 ? 'reload' : reason,
      reason: words,
      untilMs,
    };
  const stood = `Nothing moved on for ${Math.round((nowMs - memory.movedAtMs) / 1_000)} s: ${words}`;
  const isBack = isGoingBack(policy, memory);
  const canTurn =
    !isBack && seen.apps.length === 2 && reason !== 'balancers' && policy.onFailure === 'rollback';
  return { do: canTurn ? 'turn' : 'stop', code: codeOf(reason, isBack), reason: stood };
}

function codeOf(reason: WaitReason, isBack: boolean): ErrorCode {
  if (reason === 'balancers') return 'ROLLOUT_BALANCERS_UNREADABLE';
  return isBack ? 'ROLLOUT_ROLLBACK_FAILED' : 'ROLLOUT_STUCK';
}

function whyUnseen({ balancers }: RolloutObservation): string {
  if (balancers.length === 0) return 'no balancer is found';
  const words = balancers.flatMap((each) =>
    each.kind === 'seen' ? [] : [`${each.id}: ${each.kind === 'reloading' ? 'reloads' : each.reason}`],
  );
  return `not every balancer can be looked at (${words.join('; ')})`;
}
