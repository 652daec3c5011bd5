// pure
import type { App } from '../marathon/app-schema.ts';
import { type OneMore, placeForOneMore } from './placement-needs.ts';
import {
  countsBase,
  killsOneFirst,
  mesosSeesHealth,
  restartLimits,
  startsOneFirst,
} from './restart-arithmetic.ts';

/** What is asked of the marathon-lb app. */
export type PreflightApp = Pick<
  App,
  | 'instances'
  | 'tasks'
  | 'upgradeStrategy'
  | 'constraints'
  | 'network'
  | 'portMappings'
  | 'healthChecks'
  | 'lastTaskFailure'
  | 'versionInfo'
  | 'deployments'
>;

export interface RestartPrediction {
  /** `gap`: nobody serves for a while. `needs-agent`: hangs unless an agent is free, which is not known.
   * `never`: hangs. `no-tasks`: nothing is to run. */
  kind: 'task-by-task' | 'gap' | 'needs-agent' | 'never' | 'no-tasks';
  /** One sentence for people, with the numbers. */
  sentence: string;
  /** About how long nobody serves; 0 when task by task. */
  gapMs: number;
  /** How many old balancers are killed before the first new one can serve. */
  killedFirst: number;
  /** What a lasting change of the app could help, if any (partial app JSON for PUT). */
  patch?: { upgradeStrategy: App['upgradeStrategy'] } | undefined;
}

export interface PreflightFacts {
  marathonVersion: string | undefined;
  /** Whether another agent could take a balancer; undefined when nobody said. */
  hasSpareAgent: boolean | undefined;
}

/** From the start of a task until marathon-lb serves TLS. @source marathon-lb.md 9 */
const SERVES_AFTER_MS = 2_500;
const USUAL_LAUNCH_MS = 1_000;

/** What a restart of the marathon-lb app by Marathon will do to those who serve. Pure.
 * @source Marathon S/core/deployment/impl/TaskReplaceActor.scala; marathon.md 2.5 */
export function predictRestart(app: PreflightApp, facts: PreflightFacts): RestartPrediction {
  const seen = look(app, facts);
  const { instances } = app;
  if (instances === 0)
    return {
      kind: 'no-tasks',
      sentence: 'The app has 0 instances: nothing restarts',
      gapMs: 0,
      killedFirst: 0,
    };
  const waits = seen.missing > 0 ? whyMissingHangs(seen, app, facts) : undefined;
  if (waits !== undefined) return waits;
  if (seen.killedFirst >= seen.serving) return gap(seen, app);
  if (seen.killNow > 0) return taskByTask(seen, app);
  if (seen.startNow === 0) return nothingStarts(seen, app, facts);
  if (seen.oneMore.kind === 'anywhere') return taskByTask(seen, app);
  if (seen.oneMore.kind === 'nowhere' || facts.hasSpareAgent === false) return hangs('never', seen, app);
  return facts.hasSpareAgent ? onFreeAgent(seen, app) : hangs('needs-agent', seen, app);
}

interface Seen {
  /** Tasks that run or start. */
  living: PreflightApp['tasks'];
  serving: number;
  missing: number;
  killNow: number;
  startNow: number;
  killedFirst: number;
  oneMore: OneMore;
  /** Marathon counts none of them as healthy, whatever they are. */
  isBlind: boolean;
}

function look(app: PreflightApp, { marathonVersion }: PreflightFacts): Seen {
  const living = app.tasks.filter(({ state }) => /^TASK_(RUNNING|STAGING|STARTING)$/.test(state));
  // After a change of the leader nothing is known of a balancer's health, and it serves all the same.
  const servingNow = living.filter(
    (task) => task.state === 'TASK_RUNNING' && task.healthCheckResults.every(({ alive }) => alive),
  ).length;
  // Nothing is written before a running deployment has ended, and then all are there.
  const isDeployed = app.deployments.length > 0;
  const serving = isDeployed ? app.instances : servingNow;
  const counts = countsBase(marathonVersion);
  const isLate = counts === 'mesos-healthy';
  const isBlind = isLate && !mesosSeesHealth(app.healthChecks);
  const isCounted = isLate || counts === 'wanted';
  const wanted = isCounted ? Math.max(app.instances, living.length) : living.length;
  const total = isDeployed ? app.instances : wanted;
  const healthy = app.healthChecks.length === 0 ? total : serving;
  const base = isBlind ? 0 : isLate ? healthy : total;
  const { killNow, startNow } = restartLimits(app, { base, total, killsSurplus: isLate });
  // The later versions kill first what serves nobody; the others take them in the order of their list.
  const spared = isLate ? total - serving : 0;
  return {
    living,
    serving,
    missing: isDeployed ? 0 : Math.max(0, app.instances - living.length),
    killNow,
    startNow,
    killedFirst: Math.min(serving, Math.max(0, killNow - spared)),
    oneMore: placeForOneMore({ ...app, hosts: living.map(({ host }) => host) }),
    isBlind,
  };
}

/** Instances that found no agent will find none during the restart either, and it ends only when all run.
 * One that is started and dies again does have an agent. */
function whyMissingHangs(
  { missing, oneMore, serving }: Seen,
  app: PreflightApp,
  { hasSpareAgent }: PreflightFacts,
): RestartPrediction | undefined {
  if (oneMore.kind === 'anywhere' || hasSpareAgent === true || serving === 0 || keepsDying(app))
    return undefined;
  const isCertain = oneMore.kind === 'nowhere' || hasSpareAgent === false;
  return {
    kind: isCertain ? 'never' : 'needs-agent',
    sentence: `${missing} of ${app.instances} instances do not run, and ${needs(oneMore)}: the restart ${isCertain ? 'never ends' : 'ends only if there is one'}; no upgradeStrategy changes that`,
    gapMs: 0,
    killedFirst: 0,
  };
}

function keepsDying({ lastTaskFailure, versionInfo }: PreflightApp): boolean {
  const since = versionInfo.lastConfigChangeAt;
  const failed = lastTaskFailure?.version;
  return lastTaskFailure !== undefined && (since === undefined || failed === undefined || failed >= since);
}

function taskByTask(
  { killNow, killedFirst, serving, living }: Seen,
  { instances }: PreflightApp,
): RestartPrediction {
  const atOnce = killedFirst > 1 ? `up to ${killNow} at a time` : 'one at a time';
  const how =
    killNow === 0 ? 'starts each new balancer before it stops an old one' : `replaces them ${atOnce}`;
  return {
    kind: 'task-by-task',
    sentence: `Marathon ${how}: at least ${serving - killedFirst} of ${Math.max(instances, living.length)} balancers serve meanwhile, and each cuts its open connections when it stops`,
    gapMs: 0,
    killedFirst,
  };
}

function onFreeAgent({ serving }: Seen, { instances }: PreflightApp): RestartPrediction {
  return {
    kind: 'task-by-task',
    sentence: `Marathon starts a new balancer on the free agent before it stops an old one: ${serving} of ${instances} serve meanwhile, but healthy for Marathon may be earlier than what stands before the balancers sees it, and each cuts its open connections when it stops`,
    gapMs: 0,
    killedFirst: 0,
  };
}

function gap({ serving, living }: Seen, { instances }: PreflightApp): RestartPrediction {
  const launches = living
    .map(({ stagedAt, startedAt }) => Date.parse(startedAt ?? '') - Date.parse(stagedAt ?? ''))
    .filter((ms) => ms >= 0)
    .sort((a, b) => a - b);
  const launchMs = launches[Math.floor((launches.length - 1) / 2)] ?? USUAL_LAUNCH_MS;
  const gapMs = launchMs + SERVES_AFTER_MS;
  const seconds = Math.max(1, Math.round(gapMs / 1000));
  const what =
    serving === 0
      ? `No balancer serves now; a new one does about ${seconds} s after the restart begins`
      : `Marathon stops ${serving === 1 ? 'the only balancer' : `all ${serving} balancers`} that serve${serving === 1 ? 's' : ''} before a new one does: nobody serves for about ${seconds} s`;
  const canHelp = serving > 0 && instances > 1 && living.length >= instances;
  return {
    kind: 'gap',
    sentence: what,
    gapMs,
    killedFirst: serving,
    patch: canHelp ? oneFirst(instances) : undefined,
  };
}

/** The old one keeps the only place where the new one could start, and Marathon waits for it for ever. */
function hangs(
  kind: 'never' | 'needs-agent',
  { oneMore, isBlind, serving }: Seen,
  { instances, upgradeStrategy }: PreflightApp,
): RestartPrediction {
  const { minimumHealthCapacity, maximumOverCapacity } = upgradeStrategy;
  const blind = isBlind
    ? '; no upgradeStrategy changes that, since this Marathon counts no balancer as healthy whose checks its leader runs'
    : '';
  const isFull = oneMore.kind === 'nowhere' ? '' : ' and none is free';
  const end =
    kind === 'never' ? `${isFull}: the restart never ends` : ': the restart never ends unless one is free';
  return {
    kind,
    sentence: `With minimumHealthCapacity ${minimumHealthCapacity} and maximumOverCapacity ${maximumOverCapacity}, Marathon starts a new balancer before it stops one of ${serving}; ${needs(oneMore)}${end}${blind}`,
    gapMs: 0,
    killedFirst: 0,
    patch: isBlind ? undefined : oneFirst(instances),
  };
}

function needs(oneMore: OneMore): string {
  if (oneMore.kind === 'anywhere') return 'it may start anywhere';
  return oneMore.kind === 'nowhere'
    ? `${oneMore.why}, where one runs`
    : `it needs an agent without one (${oneMore.why})`;
}

/** Later versions may find nothing that they count as healthy, and no room for one more. */
function nothingStarts(
  { oneMore, serving, isBlind }: Seen,
  { instances, upgradeStrategy }: PreflightApp,
  { hasSpareAgent }: PreflightFacts,
): RestartPrediction {
  const { minimumHealthCapacity, maximumOverCapacity } = upgradeStrategy;
  const fits = oneMore.kind === 'anywhere' || (oneMore.kind === 'other-agent' && hasSpareAgent === true);
  const counted = isBlind
    ? `none of ${serving} balancers as healthy, since its leader runs their checks`
    : `only ${serving} of ${instances} balancers as healthy`;
  const helps = isBlind ? 'checks by Mesos (MESOS_HTTP) do' : 'healthy balancers do';
  return {
    kind: 'never',
    sentence: `This Marathon counts ${counted}: it may stop none, and maximumOverCapacity ${maximumOverCapacity} leaves no room for a new one, so the restart never ends${fits ? '' : `; no upgradeStrategy helps without a free agent, ${helps}`}`,
    gapMs: 0,
    killedFirst: 0,
    patch: fits
      ? { upgradeStrategy: { minimumHealthCapacity, maximumOverCapacity: startsOneFirst(instances) } }
      : undefined,
  };
}

/** Exactly one is stopped first; a single one leaves a gap, which is better than a restart that never ends. */
function oneFirst(instances: number): NonNullable<RestartPrediction['patch']> {
  const minimumHealthCapacity = instances === 1 ? 0 : killsOneFirst(instances);
  return { upgradeStrategy: { minimumHealthCapacity, maximumOverCapacity: 0 } };
}
