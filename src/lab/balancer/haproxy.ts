import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { untilMasterTakesSignals } from '../haproxy-master.ts';
import { requireProgram, type StartedProcess, startProcess } from '../process.ts';
import type { Counters } from './switches.ts';

const RESTART_MS = 1000;
const LOOK_MS = 50;
const STATE_ANSWER_MS = 2000;

export interface HaproxyFiles {
  directory: string;
  configFile: string;
  statsSocket: string;
  /** Server states that the next worker starts from. */
  stateFile: string;
  logFile: string;
}

/** The one real HAProxy of a balancer, in master-worker mode: one master that stays, a new worker at each reload, old
 * workers until their last connection ends. A master that dies is started again, as runit does. */
export class Haproxy {
  readonly #files: HaproxyFiles;
  readonly #counters: Counters;
  readonly #program = requireProgram('haproxy', 'haproxy');
  #master: StartedProcess | undefined;
  #servedConfig = '';
  #isStopping = false;
  /** Processes with other parents at the last look: none of them becomes ours while it lives. */
  #strangers: ReadonlySet<string> = new Set();

  constructor(files: HaproxyFiles, counters: Counters) {
    this.#files = files;
    this.#counters = counters;
  }

  get masterPid(): number | undefined {
    return this.#master?.hasEnded() === false ? this.#master.pid : undefined;
  }

  /** The configuration as the serving worker read it when it started. */
  get servedConfig(): string {
    return this.#servedConfig;
  }

  /** Pids of this balancer's HAProxy processes, newest first, like `pidof haproxy` in its container: master, workers,
   * and a check of a configuration that runs at this moment. */
  pids(): number[] {
    const parents = new Set([this.#master?.pid, process.pid]);
    const all = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
    const strangers = new Set<string>();
    const own = all.flatMap((entry) => {
      const seen = this.#strangers.has(entry) ? undefined : readStat(entry);
      const isOurs = seen !== undefined && parents.has(seen.parent);
      if (!isOurs) strangers.add(entry);
      return isOurs && seen.name === 'haproxy' && seen.state !== 'Z' ? [Number(entry)] : [];
    });
    this.#strangers = strangers;
    return own.sort((a, b) => b - a);
  }

  /** `haproxy -c` on a file. */
  async accepts(configFile: string): Promise<boolean> {
    const check = await startProcess(this.#program, ['-c', '-f', configFile], {
      cwd: this.#files.directory,
      logFile: this.#files.logFile,
    });
    return (await check.ended).code === 0;
  }

  /** Lets the configuration file be read: by a first start, else by a SIGHUP to the master. Waits until a process is
   * seen that was not there before, and asks again as often as marathon-lb would.
   * @param retries 0: wait without asking again, -1: for ever   @returns whether a new worker came up */
  async reload(retries: number, intervalMs: number): Promise<boolean> {
    const before = new Set(this.pids());
    const isFirst = this.masterPid === undefined;
    let left = retries;
    let askedAtMs = Date.now();
    await this.#ask();
    while (!this.#isStopping) {
      if (this.#hasNewWorker(before)) {
        this.#servedConfig = readFileSync(this.#files.configFile, 'utf8');
        if (!isFirst) this.#counters.reloads += 1;
        return true;
      }
      if (Date.now() - askedAtMs >= intervalMs) {
        askedAtMs = Date.now();
        if (retries !== 0) {
          left -= 1;
          if (left === 0) return false;
          await this.#ask();
        }
      }
      await delay(LOOK_MS);
    }
    return false;
  }

  /** Ends everything at once: all connections are cut, nothing drains. */
  kill(): void {
    this.#isStopping = true;
    for (const pid of this.pids()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself between the look and the kill.
      }
    }
  }

  #hasNewWorker(before: ReadonlySet<number>): boolean {
    return this.pids().some((pid) => pid !== this.masterPid && !before.has(pid));
  }

  async #ask(): Promise<void> {
    const { masterPid } = this;
    if (masterPid === undefined) return await this.#start();
    await this.#saveServerStates();
    await untilMasterTakesSignals(masterPid);
    this.#counters.reloadAttempts += 1;
    this.#master?.signal('SIGHUP');
  }

  async #start(): Promise<void> {
    const { configFile, statsSocket, directory, logFile } = this.#files;
    const master = await startProcess(this.#program, ['-W', '-f', configFile, '-x', statsSocket], {
      cwd: directory,
      logFile,
    });
    this.#master = master;
    this.#strangers = new Set();
    void master.ended.then(async () => {
      await delay(RESTART_MS);
      if (this.#isStopping || this.#master !== master) return;
      await this.#start();
      this.#servedConfig = readFileSync(configFile, 'utf8');
    });
  }

  /** What reload_haproxy.sh does first, so that servers keep their state over the reload. */
  async #saveServerStates(): Promise<void> {
    try {
      writeFileSync(
        this.#files.stateFile,
        await askStatsSocket(this.#files.statsSocket, 'show servers state'),
      );
    } catch {
      // Without the states the new worker starts with every server up, as HAProxy does by itself.
    }
  }
}

function askStatsSocket(path: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(`${command}\n`));
    let answer = '';
    socket.setTimeout(STATE_ANSWER_MS, () => socket.destroy(new Error('The stats socket does not answer')));
    socket.on('data', (chunk) => {
      answer += chunk.toString();
    });
    socket.once('end', () => resolve(answer));
    socket.once('error', reject);
  });
}

function readStat(pid: string): { name: string; state: string; parent: number } | undefined {
  try {
    // "4711 (haproxy) S 4700 …": the name may hold anything, so it ends at the last bracket.
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const end = text.lastIndexOf(')');
    const [state = '', parent = ''] = text.slice(end + 2).split(' ');
    return { name: text.slice(text.indexOf('(') + 1, end), state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
