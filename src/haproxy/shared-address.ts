import type { AdminPlace } from './admin.ts';
import { readPids } from './reload.ts';

const LOOKS = 6;

/** Whether several balancers answer at one address in turns (a virtual address, a balancer of balancers), so that none
 * of them can be watched. Asks six times, each on a connection of its own. One that always leads to the same balancer,
 * because it goes by the address of the client, is not found out so.
 * @returns also false while it does not answer   @throws the reason of an aborted signal */
export async function isSharedAddress(place: AdminPlace, signal: AbortSignal): Promise<boolean> {
  const samples: number[][] = [];
  for (let look = 0; look < LOOKS; look += 1) {
    const pids = await readPids(place, signal);
    if (Array.isArray(pids)) samples.push(pids);
    if (isSeveral(samples)) return true;
  }
  return false;
}

/** Whether samples of pids, the oldest first, come from several balancers: of two samples each has a process that the
 * other has not, and then those of the former are back. Processes that ended do not come back, so reloads and a restart
 * look otherwise; and `pidof` may overlook one that waits for its disk.
 *   [1 7] [2 8] [1 7]      → true       [1 7] [1 7 9] [1 9]  → false, a reload
 *   [1 7] [1 8] [1 7]      → true       [1 7] [2 8] [2 8]    → false, a restart
 *                                       [1 7] [1] [1 7]      → false, overlooked */
export function isSeveral(samples: readonly (readonly number[])[]): boolean {
  return samples.some((former, at) =>
    samples.slice(at + 1).some((other, next) => {
      const gone = former.filter((pid) => !other.includes(pid));
      const strange = other.filter((pid) => !former.includes(pid));
      return samples
        .slice(at + next + 2)
        .some(
          (later) => gone.some((pid) => later.includes(pid)) && strange.some((pid) => !later.includes(pid)),
        );
    }),
  );
}
