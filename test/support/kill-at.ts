import fsp from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';

/** Loaded before a program (`node --import`), it kills the process at one exact moment, however busy the machine is. */
export type KillAt =
  /** When a line of the log that contains all of these has been written for so many times. */
  | { line: string[]; times?: number }
  /** Around a file's coming into certs/ by a rename. */
  | { rename: 'before' | 'after' };

/** The environment under which a program started by `start()` is killed. */
export function killAt(moment: KillAt): Record<string, string> {
  return {
    NODE_OPTIONS: `--import=${fileURLToPath(import.meta.url)}`,
    KILL_AT: JSON.stringify(moment),
  };
}

const end = (): void => void process.kill(process.pid, 'SIGKILL');

function watchLines({ line, times = 1 }: Extract<KillAt, { line: string[] }>): void {
  const { stderr } = process;
  const write = stderr.write.bind(stderr) as (text: string) => boolean;
  let seen = 0;
  stderr.write = ((text: string) => {
    const isWritten = write(text);
    if (line.every((part) => text.includes(part))) seen += 1;
    if (seen === times) end();
    return isWritten;
  }) as typeof stderr.write;
}

function watchRenames({ rename: when }: Extract<KillAt, { rename: string }>): void {
  const real = fsp.rename;
  fsp.rename = async (from, to) => {
    const isInto = /\/certs\/[^/]+$/.test(String(to));
    if (isInto && when === 'before') end();
    await real(from, to);
    if (isInto) end();
  };
  syncBuiltinESMExports();
}

const moment = process.env.KILL_AT === undefined ? undefined : (JSON.parse(process.env.KILL_AT) as KillAt);
if (moment !== undefined) {
  if ('line' in moment) watchLines(moment);
  else watchRenames(moment);
}
