import { CertathonError } from './lib/errors.ts';
import type { App } from './marathon/app-schema.ts';
import { appsOfGroup, type GroupState, groupKey, groupState } from './rollout/group.ts';
import { entryOf, type HistoryEntry, historyOf } from './rollout/history.ts';
import { newMemory, remember } from './rollout/memory.ts';
import type { RolloutPolicy } from './rollout/model.ts';
import { observe } from './rollout/observe.ts';
import { nextStep } from './rollout/plan.ts';
import { activeSentence, readAllApps } from './rollout/prepare.ts';
import { progressOf, type RolloutProgress } from './rollout/progress.ts';
import { splitOf } from './rollout/target.ts';
import { wireRollout } from './rollout-wiring.ts';
import type { Running } from './service.ts';

/** What holds in one deployment group. */
export interface GroupStatus {
  group: string;
  /** `alone`: one colour. `split` and `rolling`: two, with a share that was asked for, or on the way. */
  state: 'alone' | 'split' | 'rolling' | 'fault';
  /** What is there, and what each way out does. */
  sentence: string;
  /** Undefined where it can not be told: no balancer, or labels that nobody can read. */
  progress: RolloutProgress | undefined;
}

/** Looks once, and changes nothing. @param config.group one group; else all that there are
 * @throws ROLLOUT_READ_FAILED, ROLLOUT_STATE when there is no such group */
export async function rolloutStatus(running: Running): Promise<GroupStatus[]> {
  const { config } = running;
  const wiring = wireRollout(running, SILENT, config.group ?? '');
  try {
    const apps = await readAllApps(wiring.tools.marathon, wiring.tools.signal);
    const groups = config.group === undefined ? groupsIn(apps) : [groupKey(config.group)];
    const found: GroupStatus[] = [];
    for (const group of groups) {
      const own = appsOfGroup(apps, group);
      wiring.served.labels = own[0]?.labels;
      found.push(await statusOf(group, groupState(own), wiring.tools));
    }
    return found;
  } finally {
    await wiring.close();
  }
}

/** One app that serves or served under the name of the group. */
export type HistoryRow = HistoryEntry & { appId: string | undefined; serves: boolean };

/** What the labels of the group's apps tell, the newest first: whoever deployed, from wherever.
 * @throws ROLLOUT_READ_FAILED, ROLLOUT_STATE when there is no such group */
export async function rolloutHistory(running: Running): Promise<HistoryRow[]> {
  const { config } = running;
  if (config.group === undefined) throw new CertathonError('CONFIG_INVALID', 'No deployment group is given');
  const wiring = wireRollout(running, SILENT, config.group);
  try {
    const { tools, group } = wiring;
    const apps = appsOfGroup(await readAllApps(tools.marathon, tools.signal), group);
    if (apps.length === 0) throw noGroup(group);
    const now = apps.map((app) => ({ ...entryOf(app), appId: app.id, serves: true }));
    const known = new Set(now.map(({ at }) => at));
    const before = apps.flatMap(historyOf).filter(({ at }) => !known.has(at) && known.add(at) !== undefined);
    return [...now, ...before.map((entry) => ({ ...entry, appId: undefined, serves: false }))].sort((a, b) =>
      a.at < b.at ? 1 : a.at > b.at ? -1 : 0,
    );
  } finally {
    await wiring.close();
  }
}

type Tools = ReturnType<typeof wireRollout>['tools'];

async function statusOf(group: string, state: GroupState, tools: Tools): Promise<GroupStatus> {
  if (state.kind === 'empty') throw noGroup(group);
  if (state.kind === 'fault') return { group, state: 'fault', sentence: state.sentence, progress: undefined };
  const split = state.kind === 'pair' ? splitOf(state, 0) : 0;
  const sentence =
    state.kind === 'pair' ? activeSentence(group, state) : `${state.app.id} is alone in the group ${group}`;
  return {
    group,
    state: state.kind === 'single' ? 'alone' : split > 0 ? 'split' : 'rolling',
    sentence,
    progress: await lookOnce(group, split, tools),
  };
}

async function lookOnce(group: string, split: number, tools: Tools): Promise<RolloutProgress> {
  const { clock } = tools;
  const policy: RolloutPolicy = { ...UNHURRIED, split };
  const nowMs = clock.monotonicMs();
  const observed = await observe(tools, group, newMemory(nowMs));
  const memory = remember({ ...newMemory(nowMs), drain: observed.drain }, observed.seen, policy, nowMs);
  const step = nextStep(observed.seen, policy, memory, nowMs);
  return progressOf({ observed: observed.seen, step, policy, memory, at: new Date(clock.nowMs()), nowMs });
}

/** Nothing ends while somebody only looks. */
const UNHURRIED: Omit<RolloutPolicy, 'split'> = {
  ...{ direction: 'forward', initialInstances: 1, linearIncrease: 0, old: 'keep', hasHook: false },
  ...{ maxWaitMs: Number.POSITIVE_INFINITY, drainTimeoutMs: Number.POSITIVE_INFINITY },
  ...{ onDrainTimeout: 'stop', onFailure: 'stop' },
};

const SILENT = {
  notice: () => undefined,
  planned: () => undefined,
  progress: () => undefined,
  confirm: async () => false,
};

function groupsIn(apps: readonly App[]): string[] {
  const labels = apps.flatMap(({ labels }) => labels.HAPROXY_DEPLOYMENT_GROUP ?? []);
  return [...new Set(labels.map(groupKey))].filter((group) => group !== '').sort();
}

function noGroup(group: string): CertathonError {
  return new CertathonError('ROLLOUT_STATE', `No app has the deployment group ${group}`);
}
