// pure
import { type Marking, markingOf, targetLabel } from './marking.ts';
import type { ColourApp, RolloutMemory, RolloutObservation, RolloutPolicy } from './model.ts';
import { allSeen, type SeenBalancer, type TaskUse, usesOf } from './tally.ts';

/** The group as a rollout sees it: one colour comes, the other goes. Going back is the same with the roles exchanged. */
export interface Sides {
  seen: RolloutObservation;
  /** The colour that shall serve in the end, or at least stay. */
  coming: ColourApp;
  /** The colour that makes way. */
  going: ColourApp;
  isBack: boolean;
  /** How many the coming colour shall have, and the going one; 0 means that its app is deleted. */
  goal: number;
  rest: number;
  marking: Extract<Marking, { kind: 'marked' }>;
  /** Undefined while a balancer can not be looked at. */
  balancers: readonly SeenBalancer[] | undefined;
  comingUse: ReadonlyMap<string, TaskUse>;
  goingUse: ReadonlyMap<string, TaskUse>;
}

export type SidesOrNot =
  | { kind: 'pair'; sides: Sides }
  /** One app is left. */
  | { kind: 'single'; app: ColourApp; isBack: boolean }
  | { kind: 'none' }
  | { kind: 'fault'; sentence: string };

export function isGoingBack(
  policy: Pick<RolloutPolicy, 'direction'>,
  memory: Pick<RolloutMemory, 'turned'>,
): boolean {
  return policy.direction === 'back' || memory.turned !== undefined;
}

/** Who comes and who goes, and how far. Pure. */
export function sidesOf(seen: RolloutObservation, policy: RolloutPolicy, memory: RolloutMemory): SidesOrNot {
  const [first, second] = seen.apps;
  const isBack = isGoingBack(policy, memory);
  if (first === undefined) return { kind: 'none' };
  if (second === undefined) return { kind: 'single', app: first, isBack };
  const marking = markingOf(seen.apps);
  if (marking.kind === 'fault') return marking;
  const [old, fresh] = byAge(first, second);
  const [coming, going] = isBack ? [old, fresh] : [fresh, old];
  const balancers = allSeen(seen);
  const use = (app: ColourApp) =>
    balancers === undefined ? new Map<string, TaskUse>() : usesOf(app, balancers);
  const target = targetLabel(fresh) ?? fresh.instances;
  const isSplit = !isBack && policy.split > 0;
  return {
    kind: 'pair',
    sides: {
      ...{ seen, coming, going, isBack, marking, balancers },
      // More tasks than the target can only be taken out by as many of the other colour.
      goal: isSplit ? policy.split : Math.max(going.instances, isBack ? fullSizeOf(old) : target),
      rest: isSplit ? target - policy.split : 0,
      comingUse: use(coming),
      goingUse: use(going),
    },
  };
}

/** Who comes goes, and who goes comes. Pure. */
export function exchanged(sides: Sides): Sides {
  const { coming, going, goal, rest, comingUse, goingUse } = sides;
  return {
    ...sides,
    ...{ coming: going, going: coming, goal: rest, rest: goal },
    ...{ comingUse: goingUse, goingUse: comingUse },
  };
}

/** What the old colour had before it was made smaller: its label tells, and nobody makes it larger meanwhile. */
export function fullSizeOf(old: ColourApp): number {
  return Math.max(old.instances, targetLabel(old) ?? old.instances);
}

/** By the label that every deployer writes in a form that sorts; without one it is the older. */
export function byAge(a: ColourApp, b: ColourApp): [old: ColourApp, fresh: ColourApp] {
  const at = ({ labels }: ColourApp) => labels.HAPROXY_DEPLOYMENT_STARTED_AT ?? '';
  return at(a) < at(b) ? [a, b] : [b, a];
}
