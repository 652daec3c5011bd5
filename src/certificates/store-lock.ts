import lockfile from 'proper-lockfile';
import type { Clock } from '../lib/clock.ts';
import { CertathonError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';

/** How long a lock without a heartbeat counts: its holder was killed or its machine is gone. */
const STALE_MS = 10_000;
const HEARTBEAT_MS = 3_000;
const POLL_MS = 500;

/** One writer for the store: a lock with a heartbeat (proper-lockfile: a directory beside the store, made by
 * the atomic mkdir, which also holds on network file systems). After taking it the caller looks again whether
 * work is left, since the holder before may have done it.
 * @param waitMs how long to wait for another writer before STORE_LOCKED
 * @returns the work's result; `lost` is aborted when the lock was taken from us (a suspended machine) */
export async function withStoreLock<T>(
  directory: string,
  options: { waitMs: number; clock: Clock; log: Log; signal: AbortSignal },
  work: (lost: AbortSignal) => Promise<T>,
): Promise<T> {
  surviveFileLimit();
  const lost = new AbortController();
  const release = await takeLock(directory, options, lost);
  try {
    return await work(lost.signal);
  } finally {
    // A lock that was lost meanwhile is somebody else's now: nothing to release.
    await release().catch(() => undefined);
  }
}

/** proper-lockfile brings a handler that ends the program by SIGXFSZ when a write meets the file-size limit, unless
 * somebody else handles that too. The write itself fails with EFBIG, which is reported like a full disk. */
function surviveFileLimit(): void {
  if (!process.listeners('SIGXFSZ').includes(goOn)) process.on('SIGXFSZ', goOn);
}

function goOn(): void {}

async function takeLock(
  directory: string,
  { waitMs, clock, log, signal }: { waitMs: number; clock: Clock; log: Log; signal: AbortSignal },
  lost: AbortController,
): Promise<() => Promise<void>> {
  const deadlineMs = clock.monotonicMs() + waitMs;
  for (let told = false; ; told = true) {
    try {
      return await lockfile.lock(directory, {
        stale: STALE_MS,
        update: HEARTBEAT_MS,
        lockfilePath: `${directory}/.lock`,
        onCompromised: (cause) =>
          lost.abort(
            new CertathonError(
              'STORE_LOCKED',
              `The lock of the store ${directory} was lost to another writer`,
              { cause },
            ),
          ),
      });
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code;
      if (code !== 'ELOCKED') {
        throw new CertathonError(
          'STORE_UNUSABLE',
          `The store ${directory} can not be locked: ${code ?? String(cause)}`,
          { cause },
        );
      }
      if (clock.monotonicMs() >= deadlineMs) {
        throw new CertathonError(
          'STORE_LOCKED',
          `Another pass works on the store ${directory}; waited ${Math.round(waitMs / 1000)} s`,
          { cause },
        );
      }
      if (!told) log.info('store.locked', { directory, waitMs });
      await clock.sleep(POLL_MS, signal);
    }
  }
}
