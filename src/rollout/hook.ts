import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { CertathonError, describeError } from '../lib/errors.ts';
import { printable, quoted } from '../lib/printable.ts';

export interface HookCall {
  /** Of the program, from the directory that this process is in. */
  path: string;
  /** JSON texts, as zdd.py gave them: the old app, the ids of the tasks, the new app. */
  args: readonly [oldApp: string, taskIds: string, newApp: string];
  timeoutMs: number;
  signal: AbortSignal;
}

/** What a hook wrote, fit to be printed; of more than 64 KiB only the end. */
export interface HookOutput {
  stdout: string;
  stderr: string;
}

/** Linux takes no longer argument: 32 pages, with the zero at its end (MAX_ARG_STRLEN). */
const LARGEST_ARGUMENT_BYTES = 128 * 1024 - 1;
const MOST_OUTPUT_BYTES = 64 * 1024;
/** Between SIGTERM and SIGKILL, and how long a pipe may stay open that a child of the hook holds. */
const GRACE_MS = 2_000;

/** Whether the hook can be run at all, before anything begins.
 * @returns what is wrong with it, in a sentence */
export function checkHook(path: string): string | undefined {
  const place = `The pre-kill hook ${quoted(path)}`;
  try {
    if (!statSync(resolve(path)).isFile()) return `${place} is not a file`;
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return isMissing ? `${place} is not there` : `${place} can not be looked at: ${describeError(error)}`;
  }
  try {
    accessSync(resolve(path), constants.X_OK);
    return undefined;
  } catch {
    return `${place} is not executable for this user`;
  }
}

/** Asks the hook, without a shell: the three texts are its arguments, and once more its standard input, as one JSON
 * object with `old`, `taskIds` and `new`. Status 0 means yes. When the time is over, or we are stopped, it is ended
 * with everything that it started.
 * @throws ROLLOUT_HOOK_FAILED with its status and last words; the reason of an aborted signal */
export async function runHook({ path, args, timeoutMs, signal }: HookCall): Promise<HookOutput> {
  signal.throwIfAborted();
  requireSizes(args);
  const hook = started(path, args);
  const [stdout, stderr] = [new Tail(), new Tail()];
  hook.stdout?.on('data', (chunk: Buffer) => stdout.add(chunk));
  hook.stderr?.on('data', (chunk: Buffer) => stderr.add(chunk));
  // A hook that does not read, or ends early, is no failure.
  hook.stdin?.on('error', () => undefined);
  const [old, taskIds, fresh] = args;
  hook.stdin?.end(`{"old":${old},"taskIds":${taskIds},"new":${fresh}}\n`);

  let isOverdue = false;
  const overdue = setTimeout(() => {
    isOverdue = isRunning(hook);
    endGroup(hook);
  }, timeoutMs);
  const stop = () => endGroup(hook);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const ended = await untilEnded(hook);
    signal.throwIfAborted();
    const output = { stdout: stdout.text(), stderr: stderr.text() };
    const failure = isOverdue ? `took longer than ${timeoutMs / 1000} s and was ended` : failureOf(ended);
    if (failure === undefined) return output;
    throw new CertathonError(
      'ROLLOUT_HOOK_FAILED',
      `The pre-kill hook ${quoted(path)} ${failure}${lastWords(output)}`,
      {
        facts: { hook: path, ...output },
      },
    );
  } finally {
    clearTimeout(overdue);
    signal.removeEventListener('abort', stop);
  }
}

function requireSizes([old, taskIds, fresh]: HookCall['args']): void {
  const named = {
    'The definition of the old app': old,
    'The list of tasks': taskIds,
    'The definition of the new app': fresh,
  };
  for (const [what, text] of Object.entries(named)) {
    const bytes = Buffer.byteLength(text);
    if (bytes <= LARGEST_ARGUMENT_BYTES) continue;
    throw new CertathonError(
      'ROLLOUT_HOOK_FAILED',
      `${what} is too large for an argument of the pre-kill hook: ${bytes} bytes, and Linux takes ${LARGEST_ARGUMENT_BYTES}`,
    );
  }
}

/** The hook leads a process group of its own, so that whatever it starts can be ended with it. */
function started(path: string, args: HookCall['args']): ChildProcess {
  try {
    return spawn(resolve(path), args, { detached: true, stdio: 'pipe' });
  } catch (cause) {
    throw new CertathonError('ROLLOUT_HOOK_FAILED', `The pre-kill hook ${quoted(path)} could not be run`, {
      cause,
    });
  }
}

type Ended = { status: number } | { signal: string } | { failed: unknown };

/** When it has ended and its output is read; a pipe that a child of it keeps open is not waited for. */
function untilEnded(hook: ChildProcess): Promise<Ended> {
  return new Promise((settle) => {
    let leaving: NodeJS.Timeout | undefined;
    hook.on('error', (failed) => settle({ failed }));
    hook.on('exit', () => {
      leaving = setTimeout(() => {
        hook.stdout?.destroy();
        hook.stderr?.destroy();
      }, GRACE_MS);
    });
    hook.on('close', (status, signal) => {
      clearTimeout(leaving);
      settle(signal === null ? { status: status ?? 0 } : { signal });
    });
  });
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

function endGroup(hook: ChildProcess): void {
  if (!isRunning(hook)) return;
  signalGroup(hook, 'SIGTERM');
  const killing = setTimeout(() => signalGroup(hook, 'SIGKILL'), GRACE_MS);
  // Those that outlive their leader have had their time too.
  hook.once('exit', () => {
    clearTimeout(killing);
    signalGroup(hook, 'SIGKILL');
  });
}

function signalGroup({ pid }: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch {
    // Nobody of it is left, or what is left runs as another user.
  }
}

function failureOf(ended: Ended): string | undefined {
  if ('failed' in ended)
    return `could not be run (is the interpreter of its first line there?): ${describeError(ended.failed)}`;
  if ('signal' in ended) return `was ended by ${ended.signal}`;
  return ended.status === 0 ? undefined : `says no, with status ${ended.status}`;
}

const LONGEST_WORDS = 500;

function lastWords({ stdout, stderr }: HookOutput): string {
  const line = [stderr, stdout]
    .map((text) => text.trimEnd().split('\n').at(-1) ?? '')
    .find((text) => text !== '');
  return line === undefined ? '' : `: ${printable(line, LONGEST_WORDS)}`;
}

/** The end of what was written, so that a hook may write as much as it likes. */
class Tail {
  #chunks: Buffer[] = [];
  #bytes = 0;

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes <= 2 * MOST_OUTPUT_BYTES) return;
    this.#chunks = [Buffer.concat(this.#chunks).subarray(-MOST_OUTPUT_BYTES)];
    this.#bytes = MOST_OUTPUT_BYTES;
  }

  /** Lines stay lines; everything else in it that does not belong on a terminal is shown as what it is. */
  text(): string {
    const text = Buffer.concat(this.#chunks).subarray(-MOST_OUTPUT_BYTES).toString('utf8');
    return text
      .split(/\r?\n/)
      .map((line) => printable(line, MOST_OUTPUT_BYTES))
      .join('\n');
  }
}
