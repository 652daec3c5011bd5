import { configOf, type WorldBalancer } from './rollout-world-balancer.ts';
import type { WorldMarathon } from './rollout-world-marathon.ts';
import { isDead, type Removal, serves, type WorldTask, type Wound } from './rollout-world-tasks.ts';
import type { Timeline } from './rollout-world-time.ts';

/** Why a dying task was sent something. `window`: marathon-lb asked between the kill and the death, or between a kill
 * and the scaling after it. `accident`: a task of the other colour died, so marathon-lb took fewer out. `stale`: the
 * balancer had asked before the kill and reloaded after it. */
export type Exposure = 'window' | 'accident' | 'stale';

export interface Tally {
  kills: number;
  exposed: Record<Exposure, number>;
  sessions: Record<Exposure, number>;
  /** Removals of something that came into use between the look and the write. */
  overtaken: number;
  /** The most servers that were missing, beyond what died by itself, while the tool's own kills were dying. */
  deepest: number;
  /** The smallest share of the healthy servers needed that HAProxy took for up. */
  lowest: number;
  /** How often HAProxy had nobody for a moment, since marathon-lb asked between a kill and the scaling after it. */
  alone: number;
}

export interface Judged {
  time: Timeline;
  marathon: WorldMarathon;
  balancers: readonly WorldBalancer[];
  /** Healthy servers that there are to be, whatever happens. */
  need: { healthy: number };
  /** Whether as many may be missing as the tool's own kills are dying. */
  allowsDying: boolean;
  /** Whether tasks that were asked for and never serve may be taken for some that do, as marathon-lb takes them. */
  allowsHopeless: boolean;
  /** Connections may be cut once a task has been out for long enough. */
  allowsCut: boolean;
}

/** Watches the world from outside, and knows nothing of the planner. */
export class Judge {
  violation: string | undefined;
  readonly tally: Tally = {
    ...{ kills: 0, overtaken: 0, deepest: 0, lowest: 1, alone: 0 },
    exposed: { window: 0, accident: 0, stale: 0 },
    sessions: { window: 0, accident: 0, stale: 0 },
  };
  readonly #world: Judged;
  readonly #removed: WorldTask[] = [];
  readonly #exposed = new Set<string>();

  constructor(world: Judged) {
    this.#world = world;
  }

  /** Just before the tool's write has its effect. @param seenMs when the look began that it was decided on */
  removes(what: Removal['what'], victims: readonly WorldTask[], seenMs: number): void {
    const { balancers, marathon, allowsCut } = this.#world;
    for (const task of victims.filter((each) => !isDead(each))) {
      this.#removed.push(task);
      this.tally.kills += 1;
      for (const balancer of balancers) {
        const sends = balancer.sends(task);
        if (!sends && (allowsCut || !balancer.workers.hold(task))) continue;
        const isRace =
          marathon.lives.wounds.some(({ openedMs }) => openedMs >= seenMs) || balancer.loadedMs >= seenMs;
        if (isRace) this.tally.overtaken += 1;
        else
          this.#blame(
            `${what} of ${task.id}, ${sends ? 'which is sent requests by' : 'with open sessions on'} ${balancer.id}`,
          );
      }
    }
  }

  /** After the scaling that follows a kill: all of the killed but one are to stay out from now on. */
  grew(victims: readonly WorldTask[]): void {
    const { servers } = configOf(this.#world.marathon.fetch());
    for (const { id, removal } of victims)
      if (removal !== undefined)
        Object.assign(removal, { grownAtMs: this.#world.time.nowMs, isCovered: servers.get(id) !== true });
    if (victims.filter(({ removal }) => removal?.isCovered === false).length > 1)
      this.#blame('more than one task is killed that marathon-lb would send requests to');
  }

  /** After any change of anything. */
  check(): void {
    for (const balancer of this.#world.balancers) this.#count(balancer);
  }

  loaded(balancer: WorldBalancer): void {
    for (const task of this.#removed) this.#exposure(balancer, task);
    this.#count(balancer);
  }

  opened(balancer: WorldBalancer, task: WorldTask): void {
    if (task.removal?.by === 'tool') this.tally.sessions[this.#why(balancer, task, task.removal)] += 1;
  }

  /** Never fewer healthy servers in use than the target allows. */
  #count(balancer: WorldBalancer): void {
    const { marathon, need, allowsDying, allowsHopeless } = this.#world;
    if (!balancer.isUp) return;
    let inUse = 0;
    let usable = 0;
    for (const [id, isIn] of balancer.config.servers) {
      const task = isIn ? marathon.lives.living.get(id) : undefined;
      if (task === undefined || !serves(task)) continue;
      inUse += 1;
      if (balancer.isUsable(task)) usable += 1;
    }
    if (usable >= need.healthy) return;
    const wounds = marathon.lives.wounds.filter((wound) => isOpenFor(wound, balancer.fetchedMs)).length;
    this.tally.lowest = Math.min(this.tally.lowest, (usable + wounds) / need.healthy);
    if (usable === 0) this.#alone(balancer);
    if (inUse >= need.healthy) return;
    const dying = this.#removed.filter(
      ({ removal, diedMs }) =>
        removal?.what !== 'delete' && (diedMs === undefined || diedMs >= balancer.fetchedMs),
    ).length;
    const missing = need.healthy - inUse - wounds;
    this.tally.deepest = Math.max(this.tally.deepest, missing);
    const allowed = (allowsDying ? dying : 0) + (allowsHopeless ? this.#hopeless() : 0);
    if (missing > allowed)
      this.#blame(
        `${balancer.id} sends to ${inUse} healthy tasks of ${need.healthy}; ${wounds} died or fell ill by themselves, ${dying} are dying by a kill`,
      );
  }

  /** Only what died by itself explains it, or that marathon-lb asked between a kill and the scaling after it. */
  #alone(balancer: WorldBalancer): void {
    const { recalledMs, id } = balancer;
    const { wounds } = this.#world.marathon.lives;
    if (wounds.some((wound) => isOpenFor(wound, recalledMs))) return;
    const isBetween = this.#removed.some(
      ({ removal }) =>
        removal?.what === 'kill and grow' &&
        (removal.grownAtMs === undefined || removal.grownAtMs >= recalledMs) &&
        removal.atMs <= balancer.fetchedMs,
    );
    if (isBetween) this.tally.alone += 1;
    else this.#blame(`${id} has nobody to send requests to`);
  }

  /** Of the colour that was not scaled last. */
  #hopeless(): number {
    const [first, second] = this.#world.marathon.apps;
    if (first === undefined || second === undefined) return 0;
    const { instances, tasks } = first.scaledAtMs < second.scaledAtMs ? first : second;
    return Math.max(0, instances - tasks.filter(serves).length);
  }

  #exposure(balancer: WorldBalancer, task: WorldTask): void {
    if (isDead(task) || !balancer.sends(task) || task.removal?.by !== 'tool') return;
    const key = `${balancer.id} ${task.id}`;
    if (this.#exposed.has(key)) return;
    this.#exposed.add(key);
    this.tally.exposed[this.#why(balancer, task, task.removal)] += 1;
  }

  #why(balancer: WorldBalancer, task: WorldTask, removal: Removal): Exposure {
    const { fetchedMs } = balancer;
    const { marathon, allowsHopeless } = this.#world;
    if (fetchedMs < removal.atMs) return 'stale';
    if (removal.what === 'kill' || (removal.what === 'cancel' && allowsHopeless)) return 'window';
    if (
      removal.what === 'kill and grow' &&
      (removal.grownAtMs === undefined || !removal.isCovered || fetchedMs <= removal.grownAtMs)
    )
      return 'window';
    if (marathon.lives.wounds.some((wound) => wound.openedMs <= fetchedMs && isOpenFor(wound, fetchedMs)))
      return 'accident';
    this.#blame(`${balancer.id} sends requests to ${task.id}, which is dying of ${removal.what}`);
    return 'window';
  }

  #blame(what: string): void {
    this.#world.time.note('JUDGE', () => what);
    this.violation ??= what;
  }
}

/** Whether what a balancer knows is from before the wound was closed. */
function isOpenFor({ closedMs }: Wound, fetchedMs: number): boolean {
  return closedMs === undefined || closedMs >= fetchedMs;
}
