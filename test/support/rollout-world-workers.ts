import type { WorldTask } from './rollout-world-tasks.ts';
import type { Dice, Range, Timeline } from './rollout-world-time.ts';

export interface SessionHabits {
  sessionEveryMs: Range;
  longShare: number;
  longMs: Range;
}

interface Worker {
  pid: number;
  sessions: Map<WorldTask, number>;
  total: number;
}

/** The processes of one HAProxy: the serving one last. An old one lives until its last session has ended. */
export class Workers {
  masterPid: number;
  all: Worker[] = [];
  readonly #time: Timeline;
  readonly #dice: Dice;
  readonly #habits: SessionHabits;
  #nextPid: number;

  constructor(firstPid: number, parts: { time: Timeline; dice: Dice; habits: SessionHabits }) {
    this.masterPid = firstPid;
    this.#nextPid = firstPid + 1;
    ({ time: this.#time, dice: this.#dice, habits: this.#habits } = parts);
  }

  get pids(): number[] {
    return [this.masterPid, ...this.all.map(({ pid }) => pid)];
  }

  get serving(): Worker | undefined {
    return this.all.at(-1);
  }

  restart(): void {
    this.all = [];
    this.masterPid = this.#nextPid++;
  }

  reload(): void {
    const old = this.serving;
    this.all.push({ pid: this.#nextPid++, sessions: new Map(), total: 0 });
    if (old !== undefined) this.#endIfDone(old);
  }

  hold(task: WorldTask): boolean {
    return this.all.some(({ sessions }) => (sessions.get(task) ?? 0) > 0);
  }

  /** A client's request to one of these. @returns which one got it */
  open(up: readonly WorldTask[]): WorldTask | undefined {
    const worker = this.serving;
    const task = this.#dice.pick(up);
    if (worker === undefined || task === undefined) return undefined;
    worker.sessions.set(task, (worker.sessions.get(task) ?? 0) + 1);
    worker.total += 1;
    const { longShare, longMs } = this.#habits;
    this.#time.after(this.#dice.between(this.#dice.isLucky(longShare) ? longMs : [20, 600]), () => {
      const left = worker.sessions.get(task) ?? 0;
      if (left === 0) return;
      worker.sessions.set(task, left - 1);
      worker.total -= 1;
      this.#endIfDone(worker);
    });
    return task;
  }

  /** Its sessions end with it. */
  died(task: WorldTask): void {
    for (const worker of [...this.all]) {
      worker.total -= worker.sessions.get(task) ?? 0;
      worker.sessions.delete(task);
      this.#endIfDone(worker);
    }
  }

  #endIfDone(worker: Worker): void {
    if (worker.total === 0 && worker !== this.serving) this.all = this.all.filter((each) => each !== worker);
  }
}
