import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface LogLine {
  event: string;
  level: string;
  time: string;
  [field: string]: unknown;
}

/** Follows what a task writes to standard error, over its restarts: one JSON line an event. */
export interface SidecarLog {
  lines(): LogLine[];
  /** The next line, after `from` lines were seen, that the condition accepts.
   * @throws Error with the last lines when none comes in time */
  next(accept: (line: LogLine) => boolean, withinMs: number, from?: number): Promise<LogLine>;
  stop(): void;
}

const LOOK_MS = 50;

/** @param directory where tasks have their sandboxes  @param prefix of the task's id, `certathon.`
 * @param onLine called once for each line, in order */
export function followSidecar(
  directory: string,
  prefix: string,
  onLine: (line: LogLine) => void = () => undefined,
): SidecarLog {
  const seen: LogLine[] = [];
  const offsets = new Map<string, { at: number; rest: string }>();
  let isStopped = false;
  const run = async (): Promise<void> => {
    while (!isStopped) {
      const tasks = (await readdir(directory).catch(() => [])).filter((name) => name.startsWith(prefix));
      for (const task of tasks) {
        for (const line of await newLines(join(directory, task, 'stderr'), offsets)) {
          seen.push(line);
          onLine(line);
        }
      }
      await delay(LOOK_MS);
    }
  };
  void run();
  return {
    lines: () => [...seen],
    async next(accept, withinMs, from = 0) {
      const deadline = Date.now() + withinMs;
      for (;;) {
        const found = seen.slice(from).find(accept);
        if (found !== undefined) return found;
        if (Date.now() > deadline) {
          const last = seen
            .slice(-8)
            .map((line) => JSON.stringify(line))
            .join('\n');
          throw new Error(
            `The sidecar did not say what was waited for within ${withinMs / 1000} s. Its last lines:\n${last}`,
          );
        }
        await delay(LOOK_MS);
      }
    },
    stop: () => {
      isStopped = true;
    },
  };
}

async function newLines(
  path: string,
  offsets: Map<string, { at: number; rest: string }>,
): Promise<LogLine[]> {
  const state = offsets.get(path) ?? { at: 0, rest: '' };
  offsets.set(path, state);
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return [];
  try {
    const { size } = await file.stat();
    if (size <= state.at) return [];
    const chunk = Buffer.alloc(size - state.at);
    const { bytesRead } = await file.read(chunk, 0, chunk.length, state.at);
    state.at += bytesRead;
    const parts = (state.rest + chunk.subarray(0, bytesRead).toString('utf8')).split('\n');
    state.rest = parts.pop() ?? '';
    return parts.flatMap((part) => parsed(part));
  } finally {
    await file.close();
  }
}

/** A line that is no JSON (a crash of Node itself) is kept too: it is what one looks for then. */
function parsed(part: string): LogLine[] {
  if (part === '') return [];
  try {
    return [JSON.parse(part) as LogLine];
  } catch {
    return [{ event: 'text', level: 'error', time: '', text: part }];
  }
}
