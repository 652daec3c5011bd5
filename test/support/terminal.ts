import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { bareEnv, printed } from './certathon.ts';
import { until } from './until.ts';

/** The program on a terminal of its own, where a person types. */
export interface OnTerminal {
  /** Waits until the screen has shown this since what was typed last, then types. */
  answer(shown: string, keys: string): Promise<void>;
  /** Exit status, and everything that was on the screen. */
  ended: Promise<{ exit: number | null; screen: string }>;
}

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
export const CTRL_C = '\x03';

export function onTerminal(words: readonly string[], env: Record<string, string>): OnTerminal {
  const line = [process.execPath, MAIN, ...words].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-q', '-e', '-c', line, '/dev/null'], {
    env: { ...bareEnv(), TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let [screen, readTo] = ['', 0];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    screen += chunk;
  });
  const ended = once(child, 'close').then(([exit]: (number | null)[]) => {
    printed.push(screen);
    return { exit: exit ?? null, screen };
  });
  return {
    ended,
    answer: async (shown, keys) => {
      await until(`the terminal shows ${shown}`, () => {
        if (child.exitCode !== null) throw new Error(screen);
        return screen.slice(readTo).includes(shown);
      });
      readTo = screen.length;
      child.stdin.write(keys);
    },
  };
}
