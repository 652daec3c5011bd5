import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '../../src/lab/cluster.ts';

/** Something that no balancer serves is scaled up and down all the time: its events make every balancer look. */
export async function startBusyApp(lab: Lab, everyMs = 300): Promise<{ stop(): Promise<void> }> {
  await lab.run({ id: '/busy', instances: 1, cpus: 0.01, mem: 16, cmd: 'exec sleep 3600' });
  let isStopped = false;
  const scaling = (async () => {
    for (let instances = 2; !isStopped; instances = 3 - instances) {
      // Refused while the last one is still under way, which is as good.
      await lab.api('PUT', '/v2/apps/busy', { instances });
      await delay(everyMs);
    }
  })();
  return {
    stop: async () => {
      isStopped = true;
      await scaling;
    },
  };
}
