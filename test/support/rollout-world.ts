import type { RolloutPolicy } from '../../src/rollout/model.ts';
import { firstSize } from '../../src/rollout/scale.ts';
import { WorldBalancer } from './rollout-world-balancer.ts';
import { Judge, type Tally } from './rollout-world-judge.ts';
import { WorldMarathon } from './rollout-world-marathon.ts';
import type { Life, Mishap, Scenario } from './rollout-world-scenario.ts';
import { serves, type WorldApp } from './rollout-world-tasks.ts';
import { Dice, Timeline } from './rollout-world-time.ts';
import { type Outcome, rollout } from './rollout-world-tool.ts';

/** Everything there is: what the tool can touch, and what watches it. */
export interface World {
  time: Timeline;
  /** The tool's own chance. */
  dice: Dice;
  marathon: WorldMarathon;
  balancers: WorldBalancer[];
  judge: Judge;
  /** How many of the tool's requests or answers get lost. */
  lossShare: number;
}

export interface Played {
  outcome: Outcome | undefined;
  violation: string | undefined;
  tally: Tally;
  apps: readonly WorldApp[];
  /** Healthy tasks in use, by colour, on every balancer, some time after the end. */
  inUse: { blue: number; green: number }[];
  /** How many healthy tasks were to be in use all the time. */
  need: number;
  /** Of the tool's last life. */
  direction: Life['direction'];
  virtualMs: number;
  notes: readonly string[];
}

/** No rollout of this world may last longer. */
const LONGEST_MS = 30 * 60_000;
/** All that is still under way is over then. */
const REST_MS = 40_000;

/** Plays a scenario to its end, and a while longer. The same scenario is always the same story. */
export function play(scenario: Scenario, keepsNotes = false): Played {
  const world = worldOf(scenario, keepsNotes);
  const { time, marathon, balancers, judge } = world;
  for (const mishap of scenario.mishaps) time.after(mishap.atMs, () => happen(mishap, world, scenario));
  const run = new Lives(world, scenario);
  run.begin(0);
  time.runUntil(() => run.outcome !== undefined || judge.violation !== undefined, LONGEST_MS);
  const endMs = time.nowMs;
  time.note('tool', () => JSON.stringify(run.outcome));
  const mishapsEndMs = Math.max(0, ...scenario.mishaps.map(({ atMs, forMs }) => atMs + forMs));
  time.runUntil(() => judge.violation !== undefined, Math.max(endMs, mishapsEndMs) + REST_MS);
  return {
    ...{ outcome: run.outcome, violation: judge.violation, tally: judge.tally, apps: marathon.apps },
    inUse: balancers.filter(({ isUp }) => isUp).map((balancer) => usedOn(balancer, world)),
    ...{ need: judge.need, direction: run.direction, virtualMs: endMs },
    notes: time.notes ?? [],
  };
}

function usedOn(balancer: WorldBalancer, { marathon }: World): { blue: number; green: number } {
  const used = [...marathon.lives.living.values()].filter((task) => serves(task) && balancer.sends(task));
  return {
    blue: used.filter(({ app }) => app.colour === 'blue').length,
    green: used.filter(({ app }) => app.colour === 'green').length,
  };
}

function worldOf(scenario: Scenario, keepsNotes: boolean): World {
  const time = new Timeline(keepsNotes);
  const dice = (part: string) => new Dice(scenario.seed, part);
  const balancers: WorldBalancer[] = [];
  const marathon = new WorldMarathon(time, dice('marathon'), scenario.marathon, {
    event: () => {
      for (const balancer of balancers) balancer.hear();
    },
    change: () => judge.check(),
    died: (task) => {
      for (const balancer of balancers) balancer.workers.died(task);
    },
  });
  const need = { healthy: 0 };
  const judge = new Judge({
    ...{ time, marathon, balancers, need },
    allowsDying: scenario.allowsDying,
    allowsHopeless:
      (scenario.fate !== 'good' || scenario.mishaps.length > 0) &&
      (scenario.lives.length > 1 || scenario.start.fresh > 0),
    cutsAfterMs: scenario.policy.onDrainTimeout === 'cut' ? scenario.policy.drainTimeoutMs : undefined,
  });
  const world = { time, dice: dice('tool'), marathon, balancers, judge, lossShare: scenario.lossShare };
  settle(scenario, marathon);
  for (let number = 1; number <= scenario.balancers; number += 1) addBalancer(world, scenario, number);
  need.healthy = Math.min(
    scenario.target,
    ...balancers.map((balancer) => usedOn(balancer, world)).map(({ blue, green }) => blue + green),
  );
  return world;
}

function addBalancer(world: World, scenario: Scenario, number: number): void {
  const { time, marathon, balancers, judge } = world;
  const balancer = new WorldBalancer(`lb.${number}`, 1_000 * number, {
    ...{ time, dice: new Dice(scenario.seed, `lb.${number}`), habits: scenario.balancer },
    ears: {
      generate: () => marathon.generate(),
      task: (id) => marathon.lives.living.get(id),
      loaded: (loaded) => judge.loaded(loaded),
      opened: (at, task) => judge.opened(at, task),
    },
  });
  balancers.push(balancer);
  balancer.start();
}

/** Both colours as they are at the beginning. */
function settle(scenario: Scenario, marathon: WorldMarathon): void {
  const { start, target, oldTarget, policy, listsNewFirst, fate } = scenario;
  const app = (colour: 'blue' | 'green', label: number | undefined, startedAt: string): WorldApp => ({
    ...{ id: `/web-${colour}`, colour, instances: 0, scaledAtMs: 0, tasks: [], fate: 'good' },
    labels: {
      HAPROXY_DEPLOYMENT_GROUP: 'web',
      HAPROXY_DEPLOYMENT_COLOUR: colour,
      ...(label === undefined
        ? {}
        : {
            HAPROXY_DEPLOYMENT_STARTED_AT: startedAt,
            HAPROXY_DEPLOYMENT_NEW_INSTANCES: String(colour === 'green' ? policy.split : 0),
            HAPROXY_DEPLOYMENT_TARGET_INSTANCES: String(label),
          }),
    },
    ...{ isDeleted: false, queued: 0, deployment: undefined, lastFailure: undefined },
  });
  const blue = app('blue', oldTarget, '2026-01-01T10:00:00.000000');
  const green = app('green', target, '2026-01-02T10:00:00.000000');
  marathon.apps.push(...(listsNewFirst ? [green, blue] : [blue, green]));
  for (let count = 0; count < start.old + start.dying; count += 1) marathon.lives.standing(blue);
  for (let count = 0; count < start.fresh; count += 1) marathon.lives.standing(green);
  const order = start.scaledLast === 'old' ? [green, blue] : [blue, green];
  for (const each of order) each.scaledAtMs = marathon.stamp();
  blue.instances = start.old;
  green.instances = start.fresh + start.starting;
  green.fate = fate;
  if (start.dying > 0) marathon.endBefore(blue, start.dying);
  const isNew = start.fresh === 0;
  if (isNew)
    green.instances = firstSize(policy.initialInstances, {
      goal: policy.split || target,
      isSplit: policy.split > 0,
    });
  if (isNew || start.starting > 0) marathon.deploy(green, isNew ? 'no app' : start.fresh, []);
}

function happen(mishap: Mishap, world: World, scenario: Scenario): void {
  const { marathon, balancers, time } = world;
  if (mishap.what === 'dies' || mishap.what === 'falls ill') {
    const standing = marathon.apps.flatMap(({ tasks }) => tasks).filter(serves);
    const task = standing[mishap.which % standing.length];
    if (task === undefined) return;
    if (mishap.what === 'dies') marathon.lives.dies(task);
    else marathon.lives.sicken(task, mishap.forMs, mishap.which % 2 === 0 ? 'well' : 'killed');
    return;
  }
  if (mishap.what === 'appears') {
    addBalancer(world, scenario, balancers.length + 1);
    return;
  }
  const listed = balancers.filter(({ isListed }) => isListed);
  const balancer = listed[mishap.which % listed.length] as WorldBalancer;
  time.note(balancer.id, () => `${mishap.what} (${mishap.forMs} ms)`);
  if (mishap.what === 'restarts') balancer.restart(mishap.forMs);
  if (mishap.what === 'vanishes' && listed.length > 1) {
    balancer.isListed = false;
    balancer.stop();
  }
  if (mishap.what === 'cannot be reached') {
    balancer.isReachable = false;
    time.after(mishap.forMs, () => {
      balancer.isReachable = true;
    });
  }
}

/** The tool's lives, one after the other: each begins with an empty memory. */
class Lives {
  outcome: Outcome | undefined;
  direction: Life['direction'] = 'forward';
  readonly #world: World;
  readonly #scenario: Scenario;

  constructor(world: World, scenario: Scenario) {
    this.#world = world;
    this.#scenario = scenario;
  }

  begin(index: number): void {
    const { policy, lives } = this.#scenario;
    const life = lives[index] as Life;
    const isLast = index === lives.length - 1;
    this.direction = life.direction;
    this.#world.time.note('tool', () => `begins, ${life.direction}`);
    const mine: RolloutPolicy = { ...policy, direction: life.direction };
    const loop = rollout(this.#world, mine, isLast ? undefined : life.cut);
    const state = { isOver: false };
    const end = (outcome: Outcome) => {
      if (state.isOver) return;
      state.isOver = true;
      if (outcome.kind !== 'cut') this.outcome = outcome;
      else this.#world.time.after(life.pauseMs, () => this.begin(index + 1));
    };
    if (!isLast)
      this.#world.time.after(life.longestMs, () => {
        if (!state.isOver) this.#world.time.note('tool', () => 'is cut');
        end({ kind: 'cut' });
      });
    const go = () => {
      if (state.isOver) return;
      const next = loop.next();
      if (next.done === true) end(next.value);
      else this.#world.time.after(next.value, go);
    };
    go();
  }
}
