import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_MS = 10;
/** SIGUSR2 is caught by the master's own loop alone, never while it starts or loads. */
const SIGUSR2_BIT = 1n << 11n;

/** Waits until a HAProxy master is back in its loop. It forks its worker before that, and a SIGHUP in between is lost
 * without a trace: whoever asks for a reload as soon as the worker serves would wait for it in vain.
 * @returns also when the process has ended or `deadlineMs` have passed: the caller sees that by itself */
export async function untilMasterTakesSignals(pid: number, deadlineMs = 5000): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (Date.now() < end) {
    const mask = caughtSignals(pid);
    if (mask === undefined || (mask & SIGUSR2_BIT) !== 0n) return;
    await delay(LOOK_MS);
  }
}

function caughtSignals(pid: number): bigint | undefined {
  try {
    const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return mask === undefined ? undefined : BigInt(`0x${mask}`);
  } catch {
    return undefined;
  }
}
