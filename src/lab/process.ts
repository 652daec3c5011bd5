import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, createWriteStream } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface StartedProcess {
  pid: number;
  /** Resolves when it has ended, however that came. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  hasEnded(): boolean;
  /** Resolves when all it wrote has been taken and logged: after the end of everything that shares its outputs. */
  outputEnded: Promise<void>;
  /** The last lines that it wrote, for error messages. */
  lastOutput(): string;
  /** Asks by SIGTERM, insists by SIGKILL after `graceMs`; resolves when it has ended. */
  stop(graceMs?: number): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

export interface ProcessOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Everything it writes is appended here. */
  logFile?: string;
  /** false: it may outlive a starter that was killed hard. Default true. */
  diesWithStarter?: boolean;
}

const KEPT_OUTPUT = 4000;
const DIES_WITH_STARTER = ['--pdeathsig', 'KILL', '--'];

/** Starts a child process in the starter's own process group, so that a kill of the group takes it along; by the
 * kernel's parent-death signal it also ends when only the starter is killed.
 * @throws Error when it cannot be started at all */
export async function startProcess(
  command: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<StartedProcess> {
  const wrapper = options.diesWithStarter === false ? undefined : findOnPath('setpriv');
  const [file, fileArgs] =
    wrapper === undefined ? [command, args] : [wrapper, [...DIES_WITH_STARTER, command, ...args]];
  const child = spawn(file, fileArgs, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => reject(new Error(`Cannot start ${command}`, { cause })));
  });
  return { ...handle(child), ...collectOutput(child, options.logFile) };
}

function collectOutput(
  child: ChildProcess,
  logFile: string | undefined,
): Pick<StartedProcess, 'lastOutput' | 'outputEnded'> {
  let kept = '';
  const log = logFile === undefined ? undefined : createWriteStream(logFile, { flags: 'a', mode: 0o600 });
  log?.on('error', () => log.destroy());
  const take = (chunk: Buffer): void => {
    kept = (kept + chunk.toString()).slice(-KEPT_OUTPUT);
    log?.write(chunk);
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  const outputEnded = new Promise<void>((resolve) => {
    child.once('close', () => (log === undefined || log.destroyed ? resolve() : log.end(() => resolve())));
  });
  return { lastOutput: () => kept.trim(), outputEnded };
}

function handle(child: ChildProcess): Omit<StartedProcess, 'lastOutput' | 'outputEnded'> {
  const pid = child.pid;
  if (pid === undefined) throw new Error('A started process has a pid');
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const signal = (name: NodeJS.Signals): void => {
    if (!hasEnded()) child.kill(name);
  };
  return {
    pid,
    ended,
    hasEnded,
    signal,
    stop: async (graceMs = 3000) => {
      signal('SIGTERM');
      const insist = setTimeout(() => signal('SIGKILL'), graceMs);
      await ended;
      clearTimeout(insist);
    },
  };
}

/** Runs a program to its end. @returns exit status (128 + n when a signal ended it) and both outputs together */
export async function runToEnd(
  command: string,
  args: readonly string[],
  options: { timeoutMs?: number } = {},
): Promise<{ status: number; output: string }> {
  const started = await startProcess(command, args);
  const tooLong = setTimeout(() => started.signal('SIGKILL'), options.timeoutMs ?? 60_000);
  const { code } = await started.ended;
  clearTimeout(tooLong);
  await started.outputEnded;
  return { status: code ?? 137, output: started.lastOutput() };
}

/** Path of a program that the lab needs.
 * @param debianPackage what to install when it is missing
 * @throws Error that names the package */
export function requireProgram(name: string, debianPackage: string): string {
  const found = findOnPath(name);
  if (found === undefined) {
    throw new Error(
      `The lab needs ${name}: install the Debian package ${debianPackage} (apt install ${debianPackage})`,
    );
  }
  return found;
}

/** First executable of that name on PATH, or where Debian keeps daemons. */
export function findOnPath(name: string): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin'];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
