import fc from 'fast-check';
import type { RolloutPolicy } from '../../src/rollout/model.ts';
import type { BalancerHabits } from './rollout-world-balancer.ts';
import type { MarathonHabits } from './rollout-world-lives.ts';
import type { WorldApp } from './rollout-world-tasks.ts';
import type { Cut } from './rollout-world-writes.ts';

/** One life of the tool, cut at its end unless it is the last one. */
export interface Life {
  direction: RolloutPolicy['direction'];
  cut: Cut | undefined;
  longestMs: number;
  pauseMs: number;
}

export interface Mishap {
  atMs: number;
  what: 'dies' | 'falls ill' | 'restarts' | 'cannot be reached' | 'vanishes' | 'appears';
  which: number;
  forMs: number;
}

/** What the world is like, and what happens in it. */
export interface Scenario {
  seed: number;
  target: number;
  /** The label of the old colour; undefined where it has none. */
  oldTarget: number | undefined;
  start: {
    old: number;
    /** 0: it was created at this moment. */
    fresh: number;
    /** More of the fresh colour that were asked for, and old ones that are being ended. */
    starting: number;
    dying: number;
    scaledLast: 'old' | 'fresh';
  };
  policy: RolloutPolicy;
  lives: readonly Life[];
  mishaps: readonly Mishap[];
  fate: WorldApp['fate'];
  lossShare: number;
  balancers: number;
  listsNewFirst: boolean;
  marathon: MarathonHabits;
  balancer: BalancerHabits;
  allowsDying: boolean;
}

const range = (least: number, most: number) =>
  fc
    .tuple(fc.integer({ min: least, max: most }), fc.integer({ min: 0, max: most }))
    .map(([min, more]): [number, number] => [min, min + more]);

const marathon: fc.Arbitrary<MarathonHabits> = fc.record({
  launchMs: range(10, 1_500),
  healthMs: range(50, 2_000),
  readyMs: fc.constantFrom<[number, number]>([0, 0], [0, 0], [0, 1_500]),
  dyingMs: fc.constantFrom<[number, number]>([20, 300], [500, 3_000], [0, 9_000]),
  showsKilling: fc.constantFrom(false, false, true),
  listsDead: fc.boolean(),
});

const balancer: fc.Arbitrary<BalancerHabits> = fc.record({
  hearsMs: range(5, 400),
  lateShare: fc.constantFrom(0, 0, 0.05, 0.2),
  lateMs: fc.constant<[number, number]>([2_000, 15_000]),
  reloadMs: range(20, 300),
  checkMs: fc.constantFrom<[number, number]>([0, 0], [0, 4_000], [3_000, 4_000]),
  otherEventMs: fc.constantFrom(0, 3_000, 500),
  sessionEveryMs: fc.constant<[number, number]>([150, 900]),
  longShare: fc.constantFrom(0, 0.02, 0.1),
  longMs: fc.constant<[number, number]>([1_000, 12_000]),
  tellsServingPid: fc.constantFrom(true, true, true, false),
});

const mishap: fc.Arbitrary<Mishap> = fc.record({
  atMs: fc.integer({ min: 0, max: 20_000 }),
  what: fc.constantFrom('dies', 'dies', 'falls ill', 'restarts', 'cannot be reached', 'vanishes', 'appears'),
  which: fc.nat(20),
  forMs: fc.integer({ min: 100, max: 12_000 }),
});

const life: fc.Arbitrary<Life> = fc.record({
  direction: fc.constantFrom('forward', 'forward', 'back'),
  cut: fc.option(
    fc.record({ writes: fc.integer({ min: 1, max: 6 }), at: fc.constantFrom('before', 'between', 'after') }),
    { nil: undefined },
  ),
  longestMs: fc.integer({ min: 200, max: 60_000 }),
  pauseMs: fc.integer({ min: 100, max: 8_000 }),
});

const policy = fc.record({
  initialInstances: fc.integer({ min: 1, max: 4 }),
  linearIncrease: fc.constantFrom(0, 0, 1, 2, 3),
  old: fc.constantFrom('keep', 'shrink'),
  onDrainTimeout: fc.constantFrom('stop', 'rollback', 'cut'),
  onFailure: fc.constantFrom('rollback', 'rollback', 'stop'),
  hasHook: fc.boolean(),
});

export interface Bounds {
  mishaps?: number;
  lives?: fc.Arbitrary<readonly Life[]>;
  policy?: Partial<RolloutPolicy>;
  splits?: boolean;
  left?: boolean;
  fates?: WorldApp['fate'][];
  losses?: number[];
  /** Connections may outlast the time that they are given. */
  held?: boolean;
  /** A balancer may be away for longer than nothing may move on. */
  away?: boolean;
  /** The old colour has fewer instances than the new one is to have, or was deployed by hand. */
  old?: 'smaller' | 'bare';
}

const HELD: Partial<BalancerHabits> = { longShare: 0.05, longMs: [10_000, 90_000] };

export const oneLife = (direction: Life['direction']) =>
  fc.constant<readonly Life[]>([{ direction, cut: undefined, longestMs: 0, pauseMs: 0 }]);
export const lives = fc.array(life, { minLength: 1, maxLength: 4 });

/** Scenarios within bounds; calm where nothing is asked for. */
export function scenarios(bounds: Bounds = {}): fc.Arbitrary<Scenario> {
  const {
    mishaps = 0,
    policy: fixed = {},
    fates = ['good'],
    losses = [0],
    splits = false,
    left = false,
  } = bounds;
  return fc
    .record({
      seed: fc.nat(),
      target: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 10 })),
      sizes: fc.tuple(fc.nat(1_000), fc.nat(1_000), fc.nat(3), fc.nat(3), fc.boolean()),
      policy,
      split: splits ? fc.nat(1_000) : fc.constant(-1),
      lives: bounds.lives ?? oneLife('forward'),
      mishaps: bounds.away
        ? fc.tuple(mishap).map(([one]) => [{ ...one, what: 'cannot be reached' as const, forMs: 90_000 }])
        : fc.array(mishap, { maxLength: mishaps }),
      fate: fc.constantFrom(...fates),
      lossShare: fc.constantFrom(...losses),
      balancers: fc.integer({ min: 1, max: 3 }),
      listsNewFirst: fc.boolean(),
      marathon,
      balancer,
    })
    .map(({ sizes: [a, b, starting, dying, isOldLast], split, ...rest }): Scenario => {
      const { target } = rest;
      const share = split < 0 || target === 1 ? 0 : 1 + (split % (target - 1));
      const most = share || target;
      const fresh = left ? 1 + (a % most) : 0;
      const whole = Math.max(1, target - fresh + (left ? b % (fresh + 1) : 0));
      const old = bounds.old === 'smaller' ? 1 + (b % target) : whole;
      const more = left ? Math.min(starting, most - fresh) : 0;
      return {
        ...rest,
        ...(bounds.held ? { balancer: { ...rest.balancer, ...HELD } } : {}),
        oldTarget: bounds.old === undefined ? target : bounds.old === 'smaller' ? old : undefined,
        start: {
          ...{ old, fresh, starting: more, dying: left && old < target ? Math.min(dying, target - old) : 0 },
          scaledLast: left && more === 0 && isOldLast ? 'old' : 'fresh',
        },
        policy: {
          ...{ direction: 'forward', split: share, maxWaitMs: 60_000, drainTimeoutMs: 30_000 },
          ...(rest.policy as Pick<RolloutPolicy, 'old'> & typeof rest.policy),
          ...fixed,
        } as RolloutPolicy,
        allowsDying: true,
      };
    });
}
