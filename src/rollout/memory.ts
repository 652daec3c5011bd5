// pure
import { emptyDrain } from './drain.ts';
import { markingOf } from './marking.ts';
import type {
  ColourApp,
  Expected,
  Growing,
  RolloutMemory,
  RolloutObservation,
  RolloutPolicy,
  RolloutStep,
  Tally,
} from './model.ts';
import { healthyTasks, isExpected } from './settle.ts';
import { sidesOf } from './sides.ts';
import { allSeen, usesOf } from './tally.ts';

const NOTHING: Tally = { healthy: 0, inRotation: 0, out: 0, drained: 0, gone: 0 };

/** The memory of a program that has just begun, or begun anew. */
export function newMemory(nowMs: number): RolloutMemory {
  return {
    ...{ drain: emptyDrain, best: NOTHING, movedAtMs: nowMs, outSinceMs: {}, expected: {} },
    ...{ served: [], scaled: {}, undone: [], heldSinceMs: {}, flickeredMs: undefined },
    ending: [],
    ...{ failures: [], lastFailure: undefined, approved: [], turned: undefined },
  };
}

/** The memory after a look: how far things are, and since when. Pure. */
export function remember(
  memory: RolloutMemory,
  seen: RolloutObservation,
  policy: RolloutPolicy,
  nowMs: number,
): RolloutMemory {
  const tally = tallyOf(seen, policy, memory);
  // What the balancers tell for the first time is news, too.
  const isFirstSight = memory.flickeredMs === undefined && allSeen(seen) !== undefined;
  const hasMoved =
    isFirstSight || (Object.keys(tally) as (keyof Tally)[]).some((key) => tally[key] > memory.best[key]);
  const isFirst = Object.keys(memory.expected).length === 0;
  return {
    ...memory,
    best: furthest(memory.best, tally),
    movedAtMs: hasMoved ? nowMs : memory.movedAtMs,
    outSinceMs: outSince(memory, seen, nowMs),
    served: servedSoFar(memory, seen),
    heldSinceMs: heldSince(memory, seen, nowMs),
    flickeredMs: flickered(memory, seen, nowMs),
    undone: stillUndone(memory, seen, policy),
    expected: expectedFrom(memory, seen),
    ...failuresOf(memory, seen, policy, isFirst, tally.healthy > memory.best.healthy),
  };
}

/** Marathon's deployments for a step. */
export interface Told {
  /** That carries it out. */
  deploymentId?: string | undefined;
  /** Of the scaling that belongs to it. */
  coverId?: string | undefined;
  /** That already takes back what was for a moment alone; null when nobody knows. */
  takenBackBy?: string | null | undefined;
}

/** The memory after a step of which Marathon told the deployments. Pure. */
export function afterAll(memory: RolloutMemory, step: RolloutStep, nowMs: number, told: Told): RolloutMemory {
  const { deploymentId, coverId, takenBackBy } = told;
  const reached = afterStep(memory, step, nowMs, deploymentId, coverId);
  const brief = step.do === 'scale' ? step : 'grow' in step ? step.grow : undefined;
  const briefId = step.do === 'scale' ? deploymentId : coverId;
  if (takenBackBy === undefined || briefId === undefined || brief === undefined) return reached;
  if (takenBackBy === null) return { ...reached, expected: { ...reached.expected, [brief.appId]: 'any' } };
  const back = { do: 'cancel', appId: brief.appId, deploymentId: briefId, reason: '' } as const;
  return afterStep(reached, back, nowMs, takenBackBy);
}

/** The memory after a step was carried out: everything is expected to move on from here. Pure.
 * @param deploymentId of Marathon, that carries it out
 * @param coverId the same of the scaling that belongs to a step */
export function afterStep(
  memory: RolloutMemory,
  step: RolloutStep,
  nowMs: number,
  deploymentId?: string | undefined,
  coverId?: string | undefined,
): RolloutMemory {
  const moved = { ...memory, best: NOTHING, movedAtMs: nowMs };
  switch (step.do) {
    case 'scale':
      return grown(moved, step, deploymentId);
    case 'kill': {
      const before = memory.expected[step.appId];
      const left: Expected = typeof before === 'number' ? [before - step.taskIds.length, before] : 'any';
      const killed = { ...moved, expected: { ...moved.expected, [step.appId]: left } };
      return step.grow === undefined ? killed : grown(killed, step.grow, coverId);
    }
    case 'cancel': {
      const ours = memory.scaled[step.appId];
      // One that was over before it could be taken back leaves what it was for.
      const isTaken = ours?.deploymentId === step.deploymentId && deploymentId !== undefined;
      const undone = {
        ...moved,
        expected: { ...moved.expected, [step.appId]: isTaken ? ours.from : ('any' as const) },
        undone: deploymentId === undefined ? moved.undone : [...moved.undone, deploymentId],
      };
      return step.grow === undefined ? undone : grown(undone, step.grow, coverId);
    }
    case 'delete': {
      const { [step.appId]: _gone, ...expected } = moved.expected;
      return { ...moved, expected, ending: deploymentId === undefined ? [] : [deploymentId] };
    }
    case 'ask':
      return { ...moved, approved: [...memory.approved, ...(step.isWhole ? [step.appId] : step.taskIds)] };
    case 'turn':
      return { ...moved, approved: [], turned: { code: step.code, sentence: step.reason } };
    default:
      return memory;
  }
}

function grown(
  memory: RolloutMemory,
  { appId, from, instances, isBrief }: Growing,
  deploymentId: string | undefined,
): RolloutMemory {
  const expected = { ...memory.expected, [appId]: instances };
  if (deploymentId === undefined) return { ...memory, expected };
  return {
    ...memory,
    expected,
    scaled: { ...memory.scaled, [appId]: { from, deploymentId, isBrief: isBrief === true } },
  };
}

/** What a kill left is known from the next look on. */
function expectedFrom({ expected }: RolloutMemory, { apps }: RolloutObservation): RolloutMemory['expected'] {
  if (Object.keys(expected).length === 0)
    return Object.fromEntries(apps.map(({ id, instances }) => [id, instances]));
  const known = apps.filter(({ id, instances }) => {
    const among = expected[id];
    return typeof among === 'object' && isExpected(instances, among);
  });
  return { ...expected, ...Object.fromEntries(known.map(({ id, instances }) => [id, instances])) };
}

function tallyOf(seen: RolloutObservation, policy: RolloutPolicy, memory: RolloutMemory): Tally {
  const found = sidesOf(seen, policy, memory);
  const coming = found.kind === 'pair' ? found.sides.coming : found.kind === 'single' ? found.app : undefined;
  if (coming === undefined) return NOTHING;
  const going = found.kind === 'pair' ? found.sides.going : undefined;
  const balancers = allSeen(seen);
  const count = (app: ColourApp | undefined, ...wanted: string[]): number =>
    app === undefined || balancers === undefined
      ? 0
      : [...usesOf(app, balancers).values()].filter((use) => wanted.includes(use)).length;
  return {
    healthy: healthyTasks(coming).length,
    inRotation: count(coming, 'in'),
    out: count(going, 'out', 'drained'),
    drained: count(going, 'drained'),
    gone: going === undefined ? 1 : 0,
  };
}

function furthest(a: Tally, b: Tally): Tally {
  const keys = Object.keys(a) as (keyof Tally)[];
  return Object.fromEntries(keys.map((key) => [key, Math.max(a[key], b[key])])) as unknown as Tally;
}

function servedSoFar({ served }: RolloutMemory, seen: RolloutObservation): string[] {
  const balancers = allSeen(seen);
  const now = seen.apps.flatMap((app) =>
    balancers === undefined
      ? []
      : [...usesOf(app, balancers)].filter(([, use]) => use === 'in').map(([id]) => id),
  );
  const there = new Set(seen.apps.flatMap(({ tasks }) => tasks.map(({ id }) => id)));
  return [...new Set([...served, ...now])].filter((id) => there.has(id));
}

/** Once the coming colour is the one scaled last, only what still runs is of interest. */
function stillUndone(memory: RolloutMemory, seen: RolloutObservation, policy: RolloutPolicy): string[] {
  const found = sidesOf(seen, policy, memory);
  const isTurned = found.kind !== 'pair' || found.sides.marking.newer === found.sides.coming.id;
  const running = seen.apps.flatMap(({ deployments }) => deployments);
  return memory.undone.filter((id) => !isTurned || running.includes(id));
}

/** At the first look nobody knows what was before. */
function flickered(
  memory: RolloutMemory,
  seen: RolloutObservation,
  nowMs: number,
): RolloutMemory['flickeredMs'] {
  const balancers = allSeen(seen);
  const marking = markingOf(seen.apps);
  if (balancers === undefined || marking.kind === 'fault') return memory.flickeredMs;
  const out = new Set(marking.out);
  const now = seen.apps.flatMap((app) =>
    [...usesOf(app, balancers)].flatMap(([id, use]): [string, number][] => {
      if (use === 'in' || use === 'mixed') return [];
      if (memory.flickeredMs === undefined || !out.has(id)) return [[id, nowMs]];
      const before = memory.flickeredMs[id];
      return before === undefined ? [] : [[id, before]];
    }),
  );
  return Object.fromEntries(now);
}

function heldSince(
  { heldSinceMs }: RolloutMemory,
  { apps }: RolloutObservation,
  nowMs: number,
): Record<string, number> {
  const ids = apps.flatMap(({ deployments }) => deployments);
  return Object.fromEntries(ids.map((id) => [id, heldSinceMs[id] ?? nowMs]));
}

function outSince(
  { outSinceMs }: RolloutMemory,
  seen: RolloutObservation,
  nowMs: number,
): Record<string, number> {
  const balancers = allSeen(seen);
  if (balancers === undefined) return { ...outSinceMs };
  const out = seen.apps.flatMap((app) =>
    [...usesOf(app, balancers)].filter(([, use]) => use === 'out').map(([id]) => id),
  );
  return Object.fromEntries(out.map((id) => [id, outSinceMs[id] ?? nowMs]));
}

/** Marathon tells the last failure alone, so they are counted as they come; what it told at first is old. */
function failuresOf(
  memory: RolloutMemory,
  seen: RolloutObservation,
  policy: RolloutPolicy,
  isFirst: boolean,
  livesMore: boolean,
): Pick<RolloutMemory, 'failures' | 'lastFailure'> {
  const found = sidesOf(seen, policy, memory);
  const failure = found.kind === 'pair' ? found.sides.coming.lastFailure : undefined;
  const key = failure === undefined ? undefined : `${failure.taskId} ${failure.timestamp}`;
  if (key === undefined || key === memory.lastFailure || isFirst || livesMore)
    return { failures: livesMore ? [] : memory.failures, lastFailure: key ?? memory.lastFailure };
  return { failures: [...memory.failures, key].slice(-10), lastFailure: key };
}
