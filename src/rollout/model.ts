// pure
import type { ErrorCode } from '../lib/errors.ts';
import type { DrainMemory, ListenerState } from './drain.ts';

/** Blue or green, as the label says it. */
export type Colour = 'blue' | 'green';

/** One task of a colour. A listener is one server line of HAProxy; a task has one for each of its service ports. */
export interface ColourTask {
  id: string;
  state: string;
  /** Marathon has seen it alive by at least one check: the condition of marathon-lb. */
  isAlive: boolean;
  /** Every check has a result, and all are alive: the condition of Marathon; running suffices without checks. */
  isHealthy: boolean;
  /** `BACKEND/SERVER`, as HAProxy's statistics would show them. Empty while the task has no ports. */
  listeners: readonly string[];
  /** Marathon's time; undefined before it runs. */
  startedAt?: string | undefined;
}

/** One app of a deployment group, as Marathon shows it. */
export interface ColourApp {
  id: string;
  /** Undefined for an app that no deployer coloured. */
  colour: Colour | undefined;
  instances: number;
  labels: Readonly<Record<string, string>>;
  hasHealthChecks: boolean;
  /** Of the last change of any kind. */
  version: string;
  /** Marathon's time of the last change of the number of instances; decides which colour marathon-lb drains. */
  lastScalingAt: string | undefined;
  /** Deployments that hold it now. */
  deployments: readonly string[];
  tasks: readonly ColourTask[];
  /** It was never scaled since it was created, or nobody knows. */
  isAsCreated?: boolean;
  /** Of tasks that are too many Marathon ends the oldest, not the youngest. */
  endsOldestFirst?: boolean;
  /** The last task that died by itself or by its health checks. */
  lastFailure: { taskId: string | undefined; message: string; timestamp: string | undefined } | undefined;
}

/** One balancer at this moment: what each listener of the group is there, or why it can not be told. */
export type ObservedBalancer =
  | { id: string; kind: 'seen'; listeners: Readonly<Record<string, ListenerState>> }
  /** A reload fell between the questions: look again. */
  | { id: string; kind: 'reloading' }
  | { id: string; kind: 'unreachable'; reason: string };

/** Everything that a decision may look at. Plain data: it can be printed, stored and compared. */
export interface RolloutObservation {
  /** Without its slash in front, as labels may have it. */
  group: string;
  /** The apps of the group in Marathon's order; two while a rollout is under way. */
  apps: readonly ColourApp[];
  /** By id. */
  balancers: readonly ObservedBalancer[];
  /** What waits to be launched, by app id, in words. */
  waiting: Readonly<Record<string, string>>;
  /** Deployments that end tasks of an app which was deleted, as long as they run. */
  ending: readonly string[];
}

/** What was decided for this rollout before it began. Times in milliseconds. */
export interface RolloutPolicy {
  /** `back` makes the older colour serve alone again. */
  direction: 'forward' | 'back';
  /** How many of the new colour stay beside the rest of the old one; 0: the new colour alone. */
  split: number;
  initialInstances: number;
  linearIncrease: number;
  /** Whether the old colour is kept whole until the new one is complete, or made smaller as the new one grows. */
  old: 'keep' | 'shrink';
  /** How long nothing may move on. */
  maxWaitMs: number;
  /** How long connections to tasks that were taken out may last. */
  drainTimeoutMs: number;
  onDrainTimeout: 'stop' | 'rollback' | 'cut';
  onFailure: 'rollback' | 'stop';
  /** Whether somebody is to be asked before tasks are removed. */
  hasHook: boolean;
}

/** What holds from one look to the next, in memory only: a program that starts anew does without it, and waits a
 * little longer. */
export interface RolloutMemory {
  drain: DrainMemory;
  /** The furthest that was seen since the last change, and when; milliseconds that only go forward. */
  best: Tally;
  movedAtMs: number;
  /** Since when no balancer sends anything new to a task that connections are held to, by task id. */
  outSinceMs: Readonly<Record<string, number>>;
  /** When a task that no balancer sends anything was last one that marathon-lb would let serve again, by task id: a
   * balancer may have asked then, and reload only now. Undefined before the balancers were looked at. */
  flickeredMs: Readonly<Record<string, number>> | undefined;
  /** Tasks that every balancer was seen to send requests to, by id. */
  served: readonly string[];
  /** How many instances each app has by our last look or change; another number is somebody else's doing. */
  expected: Readonly<Record<string, Expected>>;
  /** Our own last scaling of each app: from how many, and Marathon's deployment for it. */
  scaled: Readonly<Record<string, { from: number; deploymentId: string; isBrief: boolean }>>;
  /** Deployments that were begun by taking another one back, until it showed. */
  undone: readonly string[];
  /** Since when each deployment is seen, by its id. */
  heldSinceMs: Readonly<Record<string, number>>;
  /** Tasks of the new colour that died since one more of it lived. */
  failures: readonly string[];
  /** The failure that Marathon told last; it forgets those before. */
  lastFailure: string | undefined;
  /** Deployments that were begun by deleting an app: they are no app's any more, and are waited for by themselves. */
  ending: readonly string[];
  /** What the hook has agreed to: task ids, or the id of an app for the whole of it. */
  approved: readonly string[];
  /** Why it goes back although it was to go forward. */
  turned: { code: ErrorCode; sentence: string } | undefined;
}

/** Between two numbers, from a kill to the next look: Marathon passes over those that died before. `any` while nobody
 * knows what became of a change, or Marathon takes a deployment back. */
export type Expected = number | readonly [least: number, most: number] | 'any';

/** Counts that only grow while something moves on. */
export interface Tally {
  healthy: number;
  inRotation: number;
  out: number;
  drained: number;
  gone: number;
}

export type WaitReason = 'deployment' | 'healthy' | 'rotation' | 'drain' | 'reload' | 'balancers';

/** One planned effect, as data, with its reason in words. */
export type RolloutStep =
  | { do: 'wait'; for: WaitReason; reason: string; untilMs: number }
  | ({ do: 'scale'; reason: string } & Growing)
  /** Ask before these tasks, or the whole app, are removed. */
  | { do: 'ask'; appId: string; taskIds: readonly string[]; isWhole: boolean; reason: string }
  /** Kill just these and lower the number of instances by them; then scale the other app without a breath between. */
  | { do: 'kill'; appId: string; taskIds: readonly string[]; grow: Growing | undefined; reason: string }
  | { do: 'delete'; appId: string; reason: string }
  /** End a deployment of the colour that is given up, which could go on for ever; that is a scaling of it, so where
   * some of it could serve again, the other app is scaled without a breath between. */
  | { do: 'cancel'; appId: string; deploymentId: string; grow?: Growing; reason: string }
  | { do: 'turn'; code: ErrorCode; reason: string }
  | { do: 'stop'; code: ErrorCode; reason: string }
  | { do: 'finish'; state: 'complete' | 'split' | 'reverted'; reason: string };

export interface Growing {
  appId: string;
  from: number;
  instances: number;
  /** For the moment alone: to be taken back at once. */
  isBrief?: true;
}

/** What a decision is about, beside what is seen. */
export interface About {
  policy: RolloutPolicy;
  memory: RolloutMemory;
  /** Milliseconds that only go forward, as in the memory. */
  nowMs: number;
}
