import { type ChildProcess, spawn } from 'node:child_process';

/** Reads "+ 123" and "- 123"; at the end of its input it kills the groups that are left. */
const GUARD = `
left=""
while read -r sign group; do
  case $sign in
    +) left="$left $group" ;;
    -) kept=""; for one in $left; do [ "$one" = "$group" ] || kept="$kept $one"; done; left=$kept ;;
  esac
done
for one in $left; do kill -s KILL -- "-$one" 2>/dev/null; done
`;

/** The process groups of a lab's tasks. None outlives the lab: a guard process notices, by the end of its
 * input, that the lab is gone, even when it was killed without a chance to clean up. */
export class ProcessGroups {
  readonly #groups = new Set<number>();
  readonly #guard: ChildProcess;
  readonly #onExit = () => this.killAll();

  constructor() {
    this.#guard = spawn('/bin/sh', ['-c', GUARD], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    this.#guard.unref();
    // The guard may be gone first when somebody ends every process; then there is nothing left to guard.
    this.#guard.on('error', () => undefined);
    this.#guard.stdin?.on('error', () => undefined);
    process.on('exit', this.#onExit);
  }

  add(group: number): void {
    this.#groups.add(group);
    this.#guard.stdin?.write(`+ ${group}\n`);
  }

  remove(group: number): void {
    this.#groups.delete(group);
    this.#guard.stdin?.write(`- ${group}\n`);
  }

  killAll(): void {
    for (const group of this.#groups) signalGroup(group, 'SIGKILL');
  }

  close(): void {
    this.killAll();
    process.off('exit', this.#onExit);
    this.#guard.stdin?.end();
  }
}

/** @returns false when nobody of that group is alive */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}
