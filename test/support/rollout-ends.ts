import { expect } from 'vitest';
import type { Ended } from './certathon.ts';

/** A command ended with this status, and these were the last words of its output; else all that it wrote is shown. */
export function expectEnd(ended: Ended, exit: number, lastWords: string): void {
  expect(ended, ended.stdout + ended.stderr).toMatchObject({
    exit,
    stdout: expect.stringMatching(new RegExp(`${lastWords}\\n$`)),
  });
}
