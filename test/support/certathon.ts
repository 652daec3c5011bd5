import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LogLine } from '../../src/lab/sidecar-log.ts';
import { until } from './until.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** How a run of the program ended, and all that it said. */
export interface Ended {
  exit: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  lines: LogLine[];
}

/** A running program. */
export interface Certathon {
  pid: number;
  lines: LogLine[];
  /** The next line of the log with this event, after `from` lines. */
  logged(event: string, from?: number): Promise<LogLine>;
  kill(signal: NodeJS.Signals): void;
  ended: Promise<Ended>;
}

/** Everything that programs started here have printed, for the search for secrets. */
export const printed: string[] = [];

/** What a program gets of this process's environment: the path, and where compiled code is kept. */
export function bareEnv(): Record<string, string> {
  const { PATH = '', NODE_COMPILE_CACHE: cache } = process.env;
  return { PATH, HOME: tmpdir(), ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }) };
}

/** Starts `certathon …` as a process of its own with a bare environment.
 * @param onLine called for each line of the log as it arrives   @param cwd its working directory; default ours */
export function start(
  words: readonly string[],
  env: Record<string, string>,
  onLine: (line: LogLine, child: ChildProcess) => void = () => undefined,
  cwd?: string,
): Certathon {
  const child = spawn(process.execPath, [MAIN, ...words], {
    env: { ...bareEnv(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  const lines: LogLine[] = [];
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    out.stdout += chunk;
  });
  const reader = createInterface({ input: child.stderr });
  reader.on('line', (text) => {
    out.stderr += `${text}\n`;
    const line = parsed(text);
    if (line === undefined) return;
    lines.push(line);
    onLine(line, child);
  });
  let isOver = false;
  const ended = (async (): Promise<Ended> => {
    const [[exit, signal]] = await Promise.all([
      once(child, 'exit'),
      once(child, 'close'),
      once(reader, 'close'),
    ]);
    isOver = true;
    printed.push(out.stdout, out.stderr);
    return { exit, signal, ...out, lines };
  })();
  return {
    pid: child.pid ?? 0,
    lines,
    logged: (event, from = 0) =>
      until(`the program says ${event}`, () => {
        const line = lines.slice(from).find((each) => each.event === event);
        if (line === undefined && isOver) throw new Error(out.stderr);
        return line;
      }),
    kill: (signal) => void child.kill(signal),
    ended,
  };
}

/** Runs a command to its end. */
export function run(words: readonly string[], env: Record<string, string>): Promise<Ended> {
  return start(words, env).ended;
}

function parsed(text: string): LogLine | undefined {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return undefined;
  }
}

export const events = (ended: { lines: LogLine[] }, event: string): LogLine[] =>
  ended.lines.filter((line) => line.event === event);

const made: string[] = [];

/** A directory of its own that `removeDirectories` removes. */
export function newDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'certathon-test-'));
  made.push(path);
  return path;
}

export function removeDirectories(): void {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
}

/** Every file below a directory: path → mode, size and time of its last change. */
export function listing(directory: string): Record<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        const { mode, size, mtimeMs } = statSync(path);
        return [path.slice(directory.length), `${(mode & 0o777).toString(8)} ${size} ${mtimeMs}`];
      })
      .sort(),
  );
}

/** The bodies of all private keys below a directory, line by line: what must be found nowhere else. */
export function keyLines(directory: string): string[] {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const texts = files.map((entry) =>
    readFileSync(join(entry.parentPath, entry.name), 'utf8').replaceAll('\\n', '\n'),
  );
  const keys = texts.flatMap(
    (text) => text.match(/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END/g) ?? [],
  );
  return keys.flatMap((key) => key.split('\n').filter((line) => /^[A-Za-z0-9+/=]{16,}$/.test(line)));
}
