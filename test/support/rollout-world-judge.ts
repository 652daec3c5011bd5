import type { WorldBalancer } from './rollout-world-balancer.ts';
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
  /** After how long out of use a task's connections may be cut; undefined: never. */
  cutsAfterMs: number | undefined;
}

/** From one look of the tool to the next. */
const LONGEST_GAP_MS = 1_100;

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
  /** Removed tasks that became alive only after the look that it was decided on. */
  readonly #late = new Set<string>();
  readonly #hopeless: [untilMs: number, count: number][] = [];
  /** Since when a balancer sends requests to a task, and until when one did, for longer than from look to look. */
  readonly #sendsSinceMs = new Map<string, number>();
  readonly #sentMs = new Map<string, number>();

  constructor(world: Judged) {
    this.#world = world;
  }

  /** Just before the tool's write has its effect. @param seenMs when the look began that it was decided on */
  removes(what: Removal['what'], victims: readonly WorldTask[], seenMs: number): void {
    const { balancers, marathon } = this.#world;
    for (const task of victims.filter((each) => !isDead(each))) {
      this.#removed.push(task);
      if (serves(task) && (task.aliveMs ?? 0) >= seenMs) this.#late.add(task.id);
      this.tally.kills += 1;
      for (const balancer of balancers) {
        const sends = balancer.sends(task);
        if (!sends && (!balancer.workers.hold(task) || this.#mayCut(task))) continue;
        const isRace =
          this.#late.has(task.id) ||
          marathon.lives.wounds.some(({ openedMs }) => openedMs >= seenMs) ||
          balancer.loadedMs >= seenMs;
        if (isRace) this.tally.overtaken += 1;
        else
          this.#blame(
            `${what} of ${task.id}, ${sends ? 'which is sent requests by' : 'with open sessions on'} ${balancer.id}`,
          );
      }
    }
  }

  #mayCut({ id }: WorldTask): boolean {
    const { cutsAfterMs, time } = this.#world;
    return cutsAfterMs !== undefined && time.nowMs - (this.#sentMs.get(id) ?? 0) >= cutsAfterMs;
  }

  /** After the scaling that follows a kill: all of the killed but one are to stay out from now on. */
  grew(victims: readonly WorldTask[]): void {
    const { servers } = this.#world.marathon.generate();
    for (const { id, removal } of victims)
      if (removal !== undefined)
        Object.assign(removal, { grownAtMs: this.#world.time.nowMs, isCovered: servers.get(id) !== true });
    const isOpen = ({ removal }: WorldTask) => removal?.what === 'kill and grow' && !removal.isCovered;
    if (victims.filter(isOpen).length > 1)
      this.#blame('more than one task is killed that marathon-lb would send requests to');
  }

  /** After any change of anything. */
  check(): void {
    if (this.#world.allowsHopeless) this.#countHopeless();
    for (const balancer of this.#world.balancers) this.#count(balancer);
  }

  get need(): number {
    return this.#world.need.healthy;
  }

  loaded(balancer: WorldBalancer): void {
    this.#follow(balancer);
    for (const task of this.#removed) this.#exposure(balancer, task);
    this.#count(balancer);
  }

  opened(balancer: WorldBalancer, task: WorldTask): void {
    if (task.removal?.by === 'tool') this.tally.sessions[this.#why(balancer, task, task.removal)] += 1;
  }

  #follow({ id, config }: WorldBalancer): void {
    const { nowMs } = this.#world.time;
    for (const [task, isIn] of config.servers) {
      const key = `${id} ${task}`;
      const sinceMs = this.#sendsSinceMs.get(key);
      if (isIn && sinceMs === undefined) this.#sendsSinceMs.set(key, nowMs);
      if (isIn || sinceMs === undefined) continue;
      this.#sendsSinceMs.delete(key);
      if (nowMs - sinceMs > LONGEST_GAP_MS) this.#sentMs.set(task, nowMs);
    }
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
    const known = this.#hopeless.filter(([untilMs]) => untilMs >= balancer.fetchedMs);
    const hopeless = [this.#hopeless.at(-1), ...known].map((each) => each?.[1] ?? 0);
    const allowed =
      (allowsDying ? dying : 0) + (allowsHopeless ? Math.max(0, ...hopeless) : 0) + this.#late.size;
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
        removal?.what.endsWith('and grow') === true &&
        (removal.grownAtMs === undefined || removal.grownAtMs >= recalledMs) &&
        removal.atMs <= balancer.fetchedMs,
    );
    if (isBetween) this.tally.alone += 1;
    else this.#blame(`${id} has nobody to send requests to`);
  }

  /** How many of the colour that was not scaled last are asked for and do not serve, and until when. */
  #countHopeless(): void {
    const [first, second] = this.#world.marathon.apps;
    const older =
      second !== undefined && first !== undefined && first.scaledAtMs > second.scaledAtMs ? second : first;
    const count = older === undefined ? 0 : Math.max(0, older.instances - older.tasks.filter(serves).length);
    const last = this.#hopeless.at(-1);
    if (last !== undefined) last[0] = this.#world.time.nowMs;
    if (last?.[1] !== count) this.#hopeless.push([this.#world.time.nowMs, count]);
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
    if (fetchedMs < removal.atMs) return 'stale';
    if (removal.what === 'kill' || removal.what === 'cancel and grow') return 'window';
    const { grownAtMs, isCovered, what } = removal;
    if (what === 'kill and grow' && (grownAtMs === undefined || !isCovered || fetchedMs <= grownAtMs))
      return 'window';
    const { wounds } = this.#world.marathon.lives;
    const isHurt = wounds.some((wound) => wound.openedMs <= fetchedMs && isOpenFor(wound, fetchedMs));
    if (!isHurt && !this.#late.has(task.id))
      this.#blame(`${balancer.id} sends requests to ${task.id}, which is dying of ${what}`);
    return 'accident';
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
