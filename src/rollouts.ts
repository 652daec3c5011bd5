// Rollouts, as service.ts is for certificates. One rollout is: look at both colours and every balancer, decide on one
// step, carry it out, and again (rollout/run.ts); the decision is rollout/plan.ts.
import { readFileSync } from 'node:fs';
import { CertathonError, describeError } from './lib/errors.ts';
import { createColour } from './rollout/create.ts';
import { appsOfGroup, type GroupState, groupState } from './rollout/group.ts';
import { checkHook } from './rollout/hook.ts';
import type { RolloutPolicy } from './rollout/model.ts';
import { frontFindings } from './rollout/preflight-ports.ts';
import { activeSentence, groupOf, prepare, type RolloutPlan, readAllApps } from './rollout/prepare.ts';
import type { RolloutProgress } from './rollout/progress.ts';
import { runRollout } from './rollout/run.ts';
import { splitOf } from './rollout/target.ts';
import { balancerFacts, countingBalancers, requireBalancers } from './rollout-balancers.ts';
import { type RolloutWiring, wireRollout } from './rollout-wiring.ts';
import type { Running } from './service.ts';

/** Who watches a rollout, and may be asked. */
export interface RolloutUi {
  /** What is worth knowing before anything is touched; one sentence. */
  notice(sentence: string): void;
  planned(plan: RolloutPlan): void;
  progress(progress: RolloutProgress): void;
  /** @returns whether to go on */
  confirm(question: string): Promise<boolean>;
  /** Before each removal, as zdd.py asks; undefined where nobody is to be asked so often. */
  confirmRemoval?: ((question: string) => Promise<boolean>) | undefined;
}

export interface RolloutOutcome {
  group: string;
  state: 'complete' | 'split' | 'reverted' | 'planned';
  /** What was reached, and which colour serves. */
  sentence: string;
}

/** Creates the next colour of an app and makes it serve.
 * @throws ROLLOUT_*; what made it go back, once the old colour serves again */
export async function startRollout(
  running: Running,
  ui: RolloutUi,
  oldByDefault: 'keep' | 'shrink' = 'keep',
): Promise<RolloutOutcome> {
  const { config, clock } = running;
  const wish = {
    ...definitionOf(running),
    keepInstances: config.keepInstances,
    newInstances: config.newInstances,
    isByAddress: config.marathonLb.length > 0,
  };
  requireHook(config.preKillHook);
  const group = groupOf(wish);
  const wiring = wireRollout(running, ui, group);
  try {
    const { tools } = wiring;
    const apps = await readAllApps(tools.marathon, tools.signal);
    const policy = policyOf(running, ui, oldByDefault);
    const plan = prepare(
      { ...wish, policy, nowMs: clock.nowMs() },
      apps,
      balancerFacts(apps, config.marathonLbApp),
    );
    wiring.served.labels = plan.next.labels;
    wiring.served.appIds = [plan.next.id, ...(plan.last === undefined ? [] : [plan.last.id])];
    await requireBalancers(wiring, apps);
    for (const notice of plan.notices) ui.notice(notice);
    ui.planned(plan);
    if (config.dryRun)
      return { group, state: 'planned', sentence: 'Nothing was changed: this was a dry run' };
    await requireYes(
      ui,
      `Create ${plan.next.id}${plan.last === undefined ? '' : `, beside ${plan.last.id}`}?`,
    );
    await createColour({ ...plan, lockWaitMs: config.lockWaitMs }, tools);
    tools.log.info('rollout.started', { group, app: plan.next.id, instances: plan.next.instances });
    return await run(wiring, ui, plan.policy, config.timeLimitMs);
  } finally {
    await wiring.close();
  }
}

/** Goes on with what is there, from any machine, whoever began it. */
export async function resumeRollout(
  running: Running,
  ui: RolloutUi,
  oldByDefault: 'keep' | 'shrink' = 'keep',
): Promise<RolloutOutcome> {
  const { config } = running;
  requireHook(config.preKillHook);
  return withGroup(running, ui, async (wiring, state) => {
    const { group } = wiring;
    if (state.kind === 'empty') throw new CertathonError('ROLLOUT_STATE', `No app is in the group ${group}`);
    const split = state.kind === 'pair' && !config.complete ? splitOf(state, config.newInstances) : 0;
    if ((config.complete || config.newInstances > 0) && state.kind === 'single')
      throw new CertathonError('ROLLOUT_STATE', `The group ${group} is not split: ${state.app.id} is alone`);
    if (state.kind === 'pair') ui.notice(activeSentence(group, state));
    const what = split > 0 ? `the split of ${split} new instances` : 'the new colour alone';
    if (state.kind === 'pair') await requireYes(ui, `Go on to ${what} in ${group}?`);
    const policy = policyOf(running, ui, oldByDefault);
    return run(wiring, ui, { ...policy, direction: 'forward', split }, config.timeLimitMs);
  });
}

/** Makes the older colour serve alone again. */
export async function abortRollout(running: Running, ui: RolloutUi): Promise<RolloutOutcome> {
  requireHook(running.config.preKillHook);
  return withGroup(running, ui, async (wiring, state) => {
    const { group } = wiring;
    if (state.kind !== 'pair') {
      const there = state.kind === 'single' ? `${state.app.id} is alone` : 'no app is there';
      throw new CertathonError('ROLLOUT_STATE', `Nothing is under way in the group ${group}: ${there}`);
    }
    await requireYes(ui, `Go back to ${state.old.id} and remove ${state.fresh.id}?`);
    return run(wiring, ui, { ...policyOf(running, ui, 'keep'), direction: 'back', split: 0 });
  });
}

type Pair = Exclude<GroupState, { kind: 'fault' }>;

async function withGroup(
  running: Running,
  ui: RolloutUi,
  work: (wiring: RolloutWiring, state: Pair) => Promise<RolloutOutcome>,
): Promise<RolloutOutcome> {
  const { config } = running;
  const group = config.group ?? groupOf(definitionOf(running));
  const wiring = wireRollout(running, ui, group);
  try {
    const apps = await readAllApps(wiring.tools.marathon, wiring.tools.signal);
    const own = appsOfGroup(apps, group);
    const state = groupState(own);
    if (state.kind === 'fault') throw new CertathonError('ROLLOUT_UNSAFE', state.sentence);
    wiring.served.labels = labelsOf(state);
    wiring.served.appIds = own.map(({ id }) => id);
    await requireBalancers(wiring, apps);
    requireOneFront(state);
    if (config.dryRun) {
      if (state.kind === 'pair') ui.notice(activeSentence(wiring.group, state));
      return { group: wiring.group, state: 'planned', sentence: 'Nothing was changed: this was a dry run' };
    }
    return await work(wiring, state);
  } finally {
    await wiring.close();
  }
}

function labelsOf(state: Pair): Readonly<Record<string, string>> | undefined {
  return state.kind === 'pair' ? state.old.labels : state.kind === 'single' ? state.app.labels : undefined;
}

/** @throws ROLLOUT_UNSAFE */
function requireOneFront(state: Pair): void {
  if (state.kind !== 'pair') return;
  const [finding] = frontFindings({ next: state.fresh, last: state.old });
  if (finding !== undefined) throw new CertathonError('ROLLOUT_UNSAFE', finding.sentence);
}

async function run(
  wiring: RolloutWiring,
  ui: RolloutUi,
  policy: RolloutPolicy,
  timeLimitMs = 0,
): Promise<RolloutOutcome> {
  const { group, pollMs } = wiring;
  const tools = countingBalancers(wiring);
  let serves = 'unknown';
  const report = (progress: RolloutProgress): void => {
    serves = progress.serves;
    ui.progress(progress);
  };
  try {
    const { state, reason } = await runRollout({ tools, group, policy, pollMs, timeLimitMs, report });
    tools.log.info('rollout.finished', { group, state, serves });
    return { group, state, sentence: `${reason}; ${servedBy(serves)}` };
  } catch (error) {
    tools.signal.throwIfAborted();
    if (!(error instanceof CertathonError)) throw error;
    tools.log.error('rollout.failed', { group, code: error.code, reason: describeError(error), serves });
    throw new CertathonError(error.code, `${error.message}; ${servedBy(serves)}`, {
      cause: error.cause,
      facts: { serves },
    });
  }
}

function servedBy(serves: string): string {
  if (serves === 'unknown') return 'who serves is not known';
  return serves === 'both' ? 'both colours serve' : serves === 'none' ? 'NOBODY serves' : `${serves} serves`;
}

function policyOf(
  { config }: Running,
  ui: RolloutUi,
  oldByDefault: 'keep' | 'shrink',
): Omit<RolloutPolicy, 'direction' | 'split'> {
  return {
    initialInstances: config.initialInstances,
    linearIncrease: config.linearIncrease,
    old: config.old ?? oldByDefault,
    maxWaitMs: config.maxWaitMs,
    drainTimeoutMs: config.drainTimeoutMs,
    onDrainTimeout: config.onDrainTimeout,
    onFailure: config.onFailure,
    hasHook: config.preKillHook !== undefined || ui.confirmRemoval !== undefined,
  };
}

function definitionOf({ config }: Running): {
  text: string;
  source: string;
  accept: Set<'no-health-checks' | 'no-target'>;
} {
  if (config.app === undefined)
    throw new CertathonError(
      'CONFIG_INVALID',
      'No app is given: name its JSON file, or the deployment group',
    );
  try {
    return {
      text: readFileSync(config.app, 'utf8'),
      source: config.app,
      accept: new Set(config.accept) as never,
    };
  } catch (error) {
    throw new CertathonError(
      'ROLLOUT_APP_INVALID',
      `${config.app} can not be read: ${describeError(error)}`,
      { cause: error },
    );
  }
}

function requireHook(path: string | undefined): void {
  const problem = path === undefined ? undefined : checkHook(path);
  if (problem !== undefined) throw new CertathonError('ROLLOUT_HOOK_FAILED', problem);
}

async function requireYes(ui: RolloutUi, question: string): Promise<void> {
  if (await ui.confirm(question)) return;
  throw new CertathonError('ROLLOUT_DECLINED', `Not agreed to: ${question}`);
}
