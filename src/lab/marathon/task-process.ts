import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Forward, openForwards } from './forward.ts';
import { type ProcessGroups, signalGroup } from './process-groups.ts';

export interface Command {
  command: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
  sandbox: string;
  /** Ports of the agent that lead into its container. */
  forwards?: Forward[];
}

/** How a task ended: its exit status, or why it could not be started. */
export interface Ending {
  isSuccess: boolean;
  message: string;
}

export interface RunningProcess {
  readonly pid: number;
  /** SIGTERM to the whole group, SIGKILL when it is not dead after the grace period.
   * @param delayMs a fault: how long the signal is held back; a later call without it does not wait */
  stop(graceMs: number, delayMs?: number): void;
}

const LEFTOVER_POLLS = 40;
const LEFTOVER_POLL_MS = 5;

/** Starts a task as the leader of its own process group, with its output in files of the sandbox.
 * Nothing of the group lives when `onEnd` is called.
 * @returns the process, or nothing when it could not be started (`onEnd` tells why, a moment later) */
export function startProcess(
  command: Command,
  groups: ProcessGroups,
  onEnd: (ending: Ending) => void,
): RunningProcess | undefined {
  const files: number[] = [];
  try {
    mkdirSync(command.sandbox, { recursive: true, mode: 0o700 });
    files.push(openSync(join(command.sandbox, 'stdout'), 'a', 0o600));
    files.push(openSync(join(command.sandbox, 'stderr'), 'a', 0o600));
    const child = spawn(command.command, command.args, {
      cwd: command.cwd,
      env: command.env,
      detached: true,
      stdio: ['ignore', ...files],
    });
    child.once('error', (error) => {
      if (child.pid === undefined) onEnd({ isSuccess: false, message: `Failed to launch: ${error.message}` });
    });
    const { pid } = child;
    if (pid === undefined) return undefined;
    groups.add(pid);
    const closeForwards = openForwards(command.forwards ?? []);
    let killTimer: NodeJS.Timeout | undefined;
    let heldBack: NodeJS.Timeout | undefined;
    const terminate = (graceMs: number) => {
      signalGroup(pid, 'SIGTERM');
      killTimer = setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMs);
    };
    child.once('exit', async (code, signal) => {
      clearTimeout(heldBack);
      clearTimeout(killTimer);
      closeForwards();
      await killLeftover(pid);
      groups.remove(pid);
      const message = signal
        ? `Command terminated with signal ${signal}`
        : `Command exited with status ${code}`;
      onEnd({ isSuccess: code === 0, message });
    });
    return {
      pid,
      stop(graceMs, delayMs = 0) {
        if (killTimer) return;
        clearTimeout(heldBack);
        if (delayMs <= 0) terminate(graceMs);
        else heldBack = setTimeout(() => terminate(graceMs), delayMs);
      },
    };
  } catch (error) {
    // E2BIG is thrown, not emitted: one variable above 128 KiB cannot be handed to a program on Linux.
    const message = error instanceof Error ? error.message : String(error);
    setImmediate(() => onEnd({ isSuccess: false, message: `Failed to launch: ${message}` }));
    return undefined;
  } finally {
    for (const file of files) closeSync(file);
  }
}

/** Ends what the main process left behind, as Mesos does with a container. Bounded: a dead process that nobody
 * collects still counts as a member of its group. */
async function killLeftover(group: number): Promise<void> {
  for (let poll = 0; poll < LEFTOVER_POLLS && signalGroup(group, 'SIGKILL'); poll++)
    await pause(LEFTOVER_POLL_MS);
}
