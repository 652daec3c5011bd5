import { type Judgement, judgeProbe } from './health-record.ts';
import { fetchStatus, type ProbeTarget, probe } from './probe.ts';
import type { Task } from './tracker.ts';

const LONGEST_FIRST_WAIT_SECONDS = 5;
const SHORTEST_INTERVAL_MS = 10;

interface Round {
  tasks: Set<Task>;
  timer: NodeJS.Timeout;
}

/** Probes running tasks. As in Marathon there is one clock for each check of each app version, not one for
 * each task: the first round comes after min(interval, 5 s), the next ones every interval. */
export class HealthMonitor {
  readonly #rounds = new Map<string, Round>();
  readonly #readiness = new Set<NodeJS.Timeout>();
  readonly #onJudged: (task: Task, checkIndex: number, judgement: Judgement) => void;

  constructor(onJudged: (task: Task, checkIndex: number, judgement: Judgement) => void) {
    this.#onJudged = onJudged;
  }

  /** Begins to probe a task that has just become TASK_RUNNING. */
  watch(task: Task): void {
    task.app.healthChecks.forEach((check, index) => {
      const key = `${task.app.id} ${task.app.version} ${index}`;
      const round = this.#rounds.get(key);
      if (round) {
        round.tasks.add(task);
        return;
      }
      const firstMs = Math.min(check.intervalSeconds, LONGEST_FIRST_WAIT_SECONDS) * 1000;
      const timer = setTimeout(() => this.#probeAll(key, index), firstMs);
      this.#rounds.set(key, { tasks: new Set([task]), timer });
    });
  }

  /** Polls the readiness check of a task until it passes once. @param onReady called with every new result */
  watchReadiness(task: Task, onResult: () => void): void {
    const check = task.app.readinessChecks[0];
    if (!check || task.readiness?.ready) return;
    const portIndex = [
      ...(task.app.portDefinitions ?? []),
      ...(task.app.container?.portMappings ?? []),
    ].findIndex((port) => port.name === check.portName);
    const poll = async () => {
      const port = task.slot.ports[portIndex] ?? 0;
      const reply = await fetchStatus(
        check.protocol === 'HTTPS',
        task.slot.agent.host,
        port,
        check.path,
        check.timeoutSeconds * 1000,
      ).catch(() => undefined);
      if (task.isEnded || !this.#readiness.has(timer)) return;
      const ready = reply !== undefined && check.httpStatusCodesForReady.includes(reply.status);
      task.readiness = {
        name: check.name,
        ready,
        ...(reply && check.preserveLastResponse ? { lastResponse: reply } : {}),
      };
      if (ready) this.#stopTimer(timer);
      onResult();
    };
    const timer = setInterval(
      () => (task.isEnded ? this.#stopTimer(timer) : void poll()),
      Math.max(SHORTEST_INTERVAL_MS, check.intervalSeconds * 1000),
    );
    this.#readiness.add(timer);
    void poll();
  }

  stop(): void {
    for (const round of this.#rounds.values()) clearTimeout(round.timer);
    this.#rounds.clear();
    for (const timer of [...this.#readiness]) this.#stopTimer(timer);
  }

  #stopTimer(timer: NodeJS.Timeout): void {
    clearInterval(timer);
    this.#readiness.delete(timer);
  }

  #probeAll(key: string, index: number): void {
    const round = this.#rounds.get(key);
    if (!round) return;
    for (const task of round.tasks)
      if (task.isEnded) round.tasks.delete(task);
      else void this.#probeOne(task, index);
    const intervalSeconds = [...round.tasks][0]?.app.healthChecks[index]?.intervalSeconds;
    if (intervalSeconds === undefined) {
      this.#rounds.delete(key);
      return;
    }
    const waitMs = Math.max(SHORTEST_INTERVAL_MS, intervalSeconds * 1000);
    round.timer = setTimeout(() => this.#probeAll(key, index), waitMs);
  }

  async #probeOne(task: Task, index: number): Promise<void> {
    const check = task.app.healthChecks[index];
    if (!check || task.startedAtMs === undefined) return;
    const outcome = task.isNeverHealthy
      ? ({ ok: false, cause: 'Fault neverHealthy' } as const)
      : await probe(check, targetOf(task));
    if (task.isEnded || task.killReason !== undefined) return;
    this.#onJudged(task, index, judgeProbe(task.health[index], outcome, check, task.startedAtMs, Date.now()));
  }
}

function targetOf({ slot, command, sandbox }: Task): ProbeTarget {
  return { host: slot.agent.host, ports: slot.ports, env: command?.env ?? {}, cwd: command?.cwd ?? sandbox };
}
