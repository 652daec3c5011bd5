import { CertathonError, type ErrorCode } from '../lib/errors.ts';
import type { App } from '../marathon/app-schema.ts';
import type { WriteResult } from '../marathon/writes.ts';
import type { Told } from './memory.ts';
import type { Growing, RolloutStep } from './model.ts';
import type { Observed } from './observe.ts';
import type { RolloutTools } from './tools.ts';

/** What became of a step. `again`: nothing was changed, or nobody knows; look again and decide anew.
 * `refused`: whoever was asked did not agree. */
export type Done =
  | ({ kind: 'done' } & Told)
  | { kind: 'again'; reason: string }
  | { kind: 'refused'; code: ErrorCode; sentence: string };

type Effect = Extract<RolloutStep, { do: 'scale' | 'ask' | 'kill' | 'delete' | 'cancel' }>;
type Executors = {
  [K in Effect['do']]: (
    step: Extract<Effect, { do: K }>,
    seen: Observed,
    tools: RolloutTools,
  ) => Promise<Done>;
};

/** Carries out one step. Each may be repeated: what is written is a number or an id that was just read.
 * @throws ROLLOUT_SCALE_FAILED, ROLLOUT_DELETE_FAILED when Marathon refuses; the reason of an aborted signal */
export async function execute(step: Effect, seen: Observed, tools: RolloutTools): Promise<Done> {
  const run = EXECUTORS[step.do] as (step: Effect, seen: Observed, tools: RolloutTools) => Promise<Done>;
  return run(step, seen, tools);
}

const EXECUTORS: Executors = {
  scale: async (step, seen, tools) => scaling(step, seen, tools),

  kill: async ({ appId, taskIds, grow }, seen, tools) => {
    const what = `${taskIds.length} tasks of ${appId} could not be killed`;
    const killed = await writing('ROLLOUT_SCALE_FAILED', what, tools, () =>
      tools.marathon.killAndScale(taskIds, tools.signal),
    );
    return covered(killed, grow, seen, tools);
  },

  delete: async ({ appId }, _seen, tools) =>
    writing('ROLLOUT_DELETE_FAILED', `${appId} could not be deleted`, tools, async () => {
      const result = await tools.marathon.deleteApp(appId, tools.signal);
      return result === 'gone' ? { kind: 'gone' } : result;
    }),

  cancel: async ({ appId, deploymentId, grow }, seen, tools) => {
    const what = `The deployment ${deploymentId} of ${appId} could not be ended`;
    const ended = await writing('ROLLOUT_SCALE_FAILED', what, tools, async () => {
      const result = await tools.marathon.cancelDeployment(deploymentId, tools.signal);
      return result === 'gone' ? { kind: 'gone' } : { kind: 'accepted', ...result };
    });
    return covered(ended, grow, seen, tools);
  },

  ask: async ({ appId, taskIds }, seen, tools) => {
    const freshId = [...seen.apps.keys()].find((id) => id !== appId) ?? appId;
    const why = await tools.ask({ oldId: appId, taskIds, freshId });
    return why === undefined ? { kind: 'done' } : { kind: 'refused', ...why };
  },
};

/** Without a breath: until the other colour is the one scaled last, marathon-lb would take the dying tasks in again. */
async function covered(
  first: Done,
  grow: Growing | undefined,
  seen: Observed,
  tools: RolloutTools,
): Promise<Done> {
  if (first.kind !== 'done' || grow === undefined) return first;
  const grown = await scaling(grow, seen, tools);
  if (grown.kind !== 'done')
    return { kind: 'again', reason: `only the first half was made: ${reasonOf(grown)}` };
  const { deploymentId: coverId, takenBackBy } = grown;
  return { ...first, coverId, takenBackBy };
}

/** One more that is for a moment alone is taken back before a task of it can run: what counts is that the app was
 * scaled. Where that does not come through, the next look goes on with it. */
async function scaling(
  { appId, instances, isBrief }: Growing,
  seen: Observed,
  tools: RolloutTools,
): Promise<Done> {
  const what = `${appId} could not be scaled to ${instances}`;
  const scaled = await writing('ROLLOUT_SCALE_FAILED', what, tools, () =>
    tools.marathon.scaleApp(known(seen, appId), instances, tools.signal),
  );
  if (isBrief !== true || scaled.kind !== 'done' || scaled.deploymentId === undefined) return scaled;
  const { deploymentId } = scaled;
  const takenBack = await EXECUTORS.cancel({ do: 'cancel', appId, deploymentId, reason: '' }, seen, tools);
  return { ...scaled, takenBackBy: takenBack.kind === 'done' ? takenBack.deploymentId : null };
}

/** A write that Marathon refuses ends the rollout; one that nobody knows the end of is looked at again. */
async function writing(
  code: ErrorCode,
  what: string,
  { signal }: RolloutTools,
  write: () => Promise<WriteResult | { kind: 'gone' }>,
): Promise<Done> {
  try {
    const result = await write();
    if (result.kind === 'gone') return { kind: 'done' };
    if (result.kind === 'accepted') return { kind: 'done', deploymentId: result.deploymentId };
    const reason = result.kind === 'locked' ? `locked: ${result.message}` : result.cause.message;
    return { kind: 'again', reason };
  } catch (error) {
    signal.throwIfAborted();
    // A leader that is away comes back; the next look tells what was done.
    if (error instanceof CertathonError && error.code === 'MARATHON_UNREACHABLE')
      return { kind: 'again', reason: error.message };
    throw new CertathonError(code, what, { cause: error });
  }
}

function known(seen: Observed, appId: string): App {
  const app = seen.apps.get(appId);
  if (app === undefined) throw new CertathonError('UNEXPECTED', `${appId} was not observed`);
  return app;
}

function reasonOf(done: Done): string {
  return done.kind === 'again' ? done.reason : done.kind;
}
