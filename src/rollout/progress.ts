// pure
import { markingOf, targetLabel } from './marking.ts';
import type {
  Colour,
  ColourApp,
  RolloutMemory,
  RolloutObservation,
  RolloutPolicy,
  RolloutStep,
  WaitReason,
} from './model.ts';
import { byAge, isGoingBack } from './sides.ts';
import { heldBy, type SeenBalancer, usesOf } from './tally.ts';

/** Where a rollout stands, for whoever watches it. Plain data, and never the base of a decision. */
export interface RolloutProgress {
  at: Date;
  group: string;
  direction: 'forward' | 'back';
  step: RolloutStep;
  /** The older app first. */
  colours: readonly ColourProgress[];
  waitingFor: WaitReason | undefined;
  /** Epoch milliseconds at which waiting ends, whatever happens. */
  deadlineMs: number | undefined;
  /** Processes of balancers that may hold connections to tasks that get no new ones. */
  sessions: readonly DrainingSession[];
  /** How many instances both colours have together when it is over. */
  target: number | undefined;
  /** How many of them are new, where a split is asked for; else 0. */
  newInstances: number;
  serves: Serves;
}

/** `blue`, `green`, the id of an app that nobody coloured, `both`, `none`; `unknown` when no balancer can be read. */
export type Serves = string;

export interface ColourProgress {
  id: string;
  colour: Colour | undefined;
  instances: number;
  healthy: number;
  /** Tasks that every balancer sends requests to; undefined when no balancer can be read, as in the next two. */
  inRotation: number | undefined;
  /** Tasks that get no new requests, with connections left. */
  draining: number | undefined;
  /** Tasks that were taken out, with no connection left. */
  drained: number | undefined;
}

export interface DrainingSession {
  balancer: string;
  pid: number;
  listener: string;
  /** As the process last told; undefined when nobody asked it in time. */
  sessions: number | undefined;
}

export interface ProgressFacts {
  observed: RolloutObservation;
  step: RolloutStep;
  policy: Pick<RolloutPolicy, 'direction' | 'split'>;
  memory: Pick<RolloutMemory, 'turned'>;
  /** Now, by the clock on the wall. */
  at: Date;
  /** Now, in the milliseconds of the steps, that only go forward. */
  nowMs: number;
}

/** What was seen and decided, in the numbers that people watch. Balancers that can not be read at this moment are
 * left out of the counts. Pure. */
export function progressOf({ observed, step, policy, memory, at, nowMs }: ProgressFacts): RolloutProgress {
  const apps = inOrder(observed.apps);
  const balancers = observed.balancers.filter((one): one is SeenBalancer => one.kind === 'seen');
  const marking = markingOf(observed.apps);
  const out = new Set(marking.kind === 'marked' ? marking.out : []);
  const colours = apps.map((app) => colourOf(app, balancers, out));
  const fresh = apps.at(-1);
  return {
    at,
    group: observed.group,
    direction: isGoingBack(policy, memory) ? 'back' : 'forward',
    step,
    colours,
    waitingFor: step.do === 'wait' ? step.for : undefined,
    deadlineMs:
      step.do === 'wait' && Number.isFinite(step.untilMs)
        ? Math.round(at.getTime() + (step.untilMs - nowMs))
        : undefined,
    sessions: apps
      .flatMap(({ tasks }) => heldBy(tasks, balancers))
      .map(({ balancer, pid, listener, sessions }) => ({ balancer, pid, listener, sessions })),
    target: fresh === undefined ? undefined : (targetLabel(fresh) ?? fresh.instances),
    newInstances: policy.split,
    serves: servingOf(apps.map((app) => standOf(app, balancers))),
  };
}

function inOrder(apps: readonly ColourApp[]): readonly ColourApp[] {
  const [first, second] = apps;
  return first !== undefined && second !== undefined ? byAge(first, second) : apps;
}

function colourOf(
  app: ColourApp,
  balancers: readonly SeenBalancer[],
  out: ReadonlySet<string>,
): ColourProgress {
  const uses = balancers.length === 0 ? undefined : usesOf(app, balancers);
  const count = (wanted: string, isCounted: (taskId: string) => boolean = () => true) =>
    uses === undefined ? undefined : [...uses].filter(([id, use]) => use === wanted && isCounted(id)).length;
  return {
    id: app.id,
    colour: app.colour,
    instances: app.instances,
    healthy: app.tasks.filter(({ isHealthy }) => isHealthy).length,
    inRotation: count('in'),
    draining: count('out'),
    // A task that has no place on a balancer yet holds no connections either.
    drained: count('drained', (id) => out.has(id)),
  };
}

/** Whether any balancer sends requests to a colour; undefined when none can be read. */
interface Stand extends Pick<ColourApp, 'id' | 'colour'> {
  isServing: boolean | undefined;
}

/** Balancers follow one after another: while each of them still sends requests to somebody, it is not nobody who serves. */
function standOf({ id, colour, tasks }: ColourApp, balancers: readonly SeenBalancer[]): Stand {
  const names = tasks.flatMap(({ listeners }) => listeners);
  const isServing = balancers.some(({ listeners }) => names.some((name) => listeners[name]?.kind === 'in'));
  return { id, colour, isServing: balancers.length === 0 ? undefined : isServing };
}

/** Who answers requests now. Pure. */
export function servingOf(stands: readonly Stand[]): Serves {
  if (stands.some(({ isServing }) => isServing === undefined)) return 'unknown';
  const [one, other] = stands.filter(({ isServing }) => isServing);
  if (one === undefined) return 'none';
  return other === undefined ? (one.colour ?? one.id) : 'both';
}
