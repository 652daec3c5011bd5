import type { BalancerLook, ListenerRow } from '../../src/haproxy/look.ts';

/** How a listener stands in a configuration. */
export type Standing = 'in' | 'down' | 'out' | 'absent';

export interface Worker {
  pid: number;
  config: Readonly<Record<string, Standing>>;
  sessions: Record<string, number>;
  accepts: boolean;
}

/** The processes of one balancer as HAProxy runs them: a master that stays, a worker that serves, old workers until
 * their last connection ends; while a new worker begins, the old one still accepts. */
export class HaproxyProcesses {
  master: number | undefined;
  /** The oldest first. */
  workers: Worker[] = [];
  checks: number[] = [];
  #nextPid: number;

  constructor(config: Worker['config'], { firstPid = 10, hasMaster = true } = {}) {
    this.#nextPid = firstPid;
    this.master = hasMaster ? this.#pid() : undefined;
    this.reload(config);
  }

  get newest(): Worker {
    return this.workers.at(-1) as Worker;
  }

  /** @param isSettled whether those before it have stopped to accept */
  reload(config: Worker['config'], isSettled = true): void {
    this.workers.push({ pid: this.#pid(), config, sessions: {}, accepts: true });
    if (isSettled) this.settle();
  }

  settle(): void {
    for (const worker of this.workers) worker.accepts = worker === this.newest;
    this.#reap();
  }

  /** The container is replaced: everything is cut. */
  restart(config: Worker['config']): void {
    if (this.master !== undefined) this.master = this.#pid();
    this.workers = [];
    this.reload(config);
  }

  /** A new session, of a worker that sends to the listener. */
  open(listener: string, which = 0): void {
    const able = this.workers.filter(({ accepts, config }) => accepts && config[listener] === 'in');
    const worker = able[which % Math.max(1, able.length)];
    if (worker !== undefined) worker.sessions[listener] = (worker.sessions[listener] ?? 0) + 1;
  }

  /** One session ends. */
  close(which: number): void {
    const all = this.workers.flatMap((worker) =>
      Object.entries(worker.sessions).flatMap(([listener, count]) =>
        count > 0 ? [{ worker, listener }] : [],
      ),
    );
    const one = all[which % Math.max(1, all.length)];
    if (one !== undefined) one.worker.sessions[one.listener] = (one.worker.sessions[one.listener] ?? 0) - 1;
    this.#reap();
  }

  closeAll(): void {
    for (const worker of this.workers) worker.sessions = {};
    this.#reap();
  }

  /** `haproxy -c` begins, or those that run end. */
  check(isBeginning: boolean): void {
    this.checks = isBeginning ? [...this.checks, this.#pid()] : [];
  }

  pids(): number[] {
    const master = this.master === undefined ? [] : [this.master];
    return [...master, ...this.workers.map(({ pid }) => pid), ...this.checks].sort((a, b) => a - b);
  }

  /** Who answers a new connection. */
  answering(which = 0): Worker {
    const able = this.workers.filter(({ accepts }) => accepts);
    return able[which % able.length] as Worker;
  }

  /** A look at this moment. */
  look(atMs: number, { which = 0, tellsWho = true, balancer = 'lb' } = {}): BalancerLook {
    const worker = this.answering(which);
    return {
      ...{ balancer, pids: this.pids(), servingPid: tellsWho ? worker.pid : undefined },
      ...{ rows: rowsOf(worker), atMs },
    };
  }

  #pid(): number {
    this.#nextPid += 1;
    return this.#nextPid - 1;
  }

  #reap(): void {
    const isBusy = ({ sessions }: Worker) => Object.values(sessions).some((count) => count > 0);
    this.workers = this.workers.filter((worker) => worker.accepts || isBusy(worker));
  }
}

const STATUS = { in: 'UP', down: 'DOWN', out: 'MAINT' } as const;

export function rowsOf({ config, sessions }: Worker): ListenerRow[] {
  return Object.entries(config).flatMap(([listener, standing]) =>
    standing === 'absent'
      ? []
      : [{ listener, status: STATUS[standing], sessions: sessions[listener] ?? 0, queued: 0 }],
  );
}
