import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const GRACE_MS = 3_000;

/** Ends a program of a test, by force when it does not go by itself. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const overdue = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  await exit;
  clearTimeout(overdue);
}
