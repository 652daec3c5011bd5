import { CertathonError } from '../lib/errors.ts';
import type { App } from '../marathon/app-schema.ts';
import type { MarathonClient } from '../marathon/client.ts';
import { changedLabels } from './changed-labels.ts';
import { type Acceptance, type AppDefinitionJson, appOf, readDefinition } from './definition.ts';
import { appsOfGroup, type GroupState, groupKey, groupState } from './group.ts';
import type { ColourApp, RolloutPolicy, RolloutStep } from './model.ts';
import { nextColour } from './next-colour.ts';
import { colourAppOf } from './observe.ts';
import { type BalancerFacts, type PreflightFinding, preflight } from './preflight.ts';
import { rehearse } from './rehearse.ts';
import { targetOf } from './target.ts';

/** What an operator asks for at the beginning. */
export interface RolloutWish {
  /** Text of the app's JSON, and what it was read from. */
  text: string;
  source: string;
  accept: ReadonlySet<Acceptance>;
  keepInstances: boolean;
  newInstances: number;
  policy: Omit<RolloutPolicy, 'direction' | 'split'>;
  nowMs: number;
  /** Balancers are at given addresses: they may be others than those of the apps that are known. */
  isByAddress: boolean;
}

/** Everything that is known before anything is touched. */
export interface RolloutPlan {
  group: string;
  /** The app to create. */
  next: AppDefinitionJson;
  /** The app that serves now. */
  last: App | undefined;
  policy: RolloutPolicy;
  target: number;
  /** What the operator shall know; one sentence each. */
  notices: readonly string[];
  findings: readonly PreflightFinding[];
  /** The ladder, played through in an ideal cluster. */
  steps: readonly RolloutStep[];
}

/** The deployment group that an app's JSON names. @throws ROLLOUT_APP_INVALID */
export function groupOf({ text, source, accept }: Pick<RolloutWish, 'text' | 'source' | 'accept'>): string {
  return groupKey(readDefinition(text, source, accept).definition.labels.HAPROXY_DEPLOYMENT_GROUP ?? '');
}

/** All apps of the cluster: those of other groups may be in the way. @throws ROLLOUT_READ_FAILED */
export async function readAllApps(marathon: MarathonClient, signal: AbortSignal): Promise<App[]> {
  try {
    const { apps } = await marathon.apps({ signal });
    return apps;
  } catch (error) {
    signal.throwIfAborted();
    throw new CertathonError('ROLLOUT_READ_FAILED', 'The apps can not be read', { cause: error });
  }
}

/** What a rollout of this app would do. Nothing is changed.
 * @throws ROLLOUT_APP_INVALID, ROLLOUT_ACTIVE, ROLLOUT_UNSAFE with everything that stands in its way */
export function prepare(
  wish: RolloutWish,
  apps: readonly App[],
  balancers: readonly BalancerFacts[],
): RolloutPlan {
  const { definition, notices } = readDefinition(wish.text, wish.source, wish.accept);
  const group = groupKey(definition.labels.HAPROXY_DEPLOYMENT_GROUP ?? '');
  const last = lastOf(groupState(appsOfGroup(apps, group)), group);
  const { keepInstances, newInstances } = wish;
  const verdict = targetOf({ definition, last, keepInstances, newInstances });
  if (verdict.kind === 'refused') throw new CertathonError(verdict.code, verdict.sentence);
  const { target, newInstances: split } = verdict;
  const { initialInstances } = wish.policy;
  const next = nextColour({
    definition,
    last,
    target,
    newInstances: split,
    initialInstances,
    nowMs: wish.nowMs,
  });
  const findings = preflight({ next: appOf(next), last, apps, balancers, accept: wish.accept }).filter(
    ({ code }) => !(wish.isByAddress && code === 'no-balancer'),
  );
  const refused = findings.filter(({ level }) => level === 'refuse');
  if (refused.length > 0)
    throw new CertathonError('ROLLOUT_UNSAFE', refused.map(({ sentence }) => sentence).join('; '));
  const policy: RolloutPolicy = { ...wish.policy, direction: 'forward', split };
  return {
    ...{ group, next, last, policy, target, findings },
    notices: [
      ...notices,
      ...verdict.notices,
      ...(last === undefined ? [] : changedLabels(last, next)),
      ...findings.filter(({ level }) => level !== 'refuse').map(({ sentence }) => sentence),
    ],
    steps: last === undefined ? [] : ladderOf(group, last, next, policy),
  };
}

function lastOf(state: GroupState, group: string): App | undefined {
  if (state.kind === 'fault') throw new CertathonError('ROLLOUT_UNSAFE', state.sentence);
  if (state.kind === 'pair') throw new CertathonError('ROLLOUT_ACTIVE', activeSentence(group, state));
  return state.kind === 'single' ? state.app : undefined;
}

/** What is there, and what each way out does. */
export function activeSentence(
  group: string,
  { old, fresh, isHybridWanted }: GroupState & { kind: 'pair' },
): string {
  const sizes = `${old.id} with ${old.instances} and ${fresh.id} with ${fresh.instances} instances`;
  const what = isHybridWanted > 0 ? `is split: ${sizes}` : `is being rolled out: ${sizes}`;
  const forward =
    isHybridWanted > 0
      ? `\`rollout resume ${group} --complete\` makes ${fresh.id} serve alone, with --new-instances in place of --complete its share grows`
      : `\`rollout resume ${group}\` goes on to ${fresh.id} alone`;
  return `The group ${group} ${what}; ${forward}, \`rollout abort ${group}\` goes back to ${old.id}`;
}

function ladderOf(group: string, last: App, next: AppDefinitionJson, policy: RolloutPolicy): RolloutStep[] {
  const old = colourAppOf(last, group, new Map());
  const fresh: ColourApp = {
    ...colourAppOf(appOf(next), group, new Map()),
    lastScalingAt: new Date(Date.parse(old.lastScalingAt ?? '') + 1 || 0).toISOString(),
  };
  const tasks = old.tasks.filter(({ state }) => state === 'TASK_RUNNING');
  const ideal = tasks.map((task) => ({ ...task, isAlive: true, isHealthy: true, listeners: [task.id] }));
  return rehearse({ group, old: { ...old, tasks: ideal }, fresh, policy });
}
