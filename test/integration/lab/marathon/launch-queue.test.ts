import { expect, test } from 'vitest';
import { Agents, type Slot } from '../../../../src/lab/marathon/agents.ts';
import type { App } from '../../../../src/lab/marathon/app.ts';
import { dialectOf } from '../../../../src/lab/marathon/dialect.ts';
import { LaunchQueue } from '../../../../src/lab/marathon/launch-queue.ts';
import { newInstance } from '../../../../src/lab/marathon/new-task.ts';
import { completeApp } from '../../../../src/lab/marathon/normalize.ts';
import { type Instance, Tracker } from '../../../../src/lab/marathon/tracker.ts';
import { until } from './lab-harness.ts';

const DIALECT = dialectOf('1.8.222');

test('a back-off that ends while other apps are placed is noticed', async () => {
  const agents = new Agents([{ host: '127.0.31.11' }]);
  const failed = completeApp('/failed', { cmd: 'x', backoffSeconds: 0.001, portDefinitions: [] }, DIALECT);
  // Placing takes a while: each port is tried on the agent.
  const ports = Array.from({ length: 60 }, () => ({ port: 0, protocol: 'tcp', labels: {} }));
  const busy = completeApp('/busy', { cmd: 'x', portDefinitions: ports }, DIALECT);
  const apps = new Map<string, App>([failed, busy].map((app) => [app.id, app]));
  const launched: string[] = [];
  const tracker = new Tracker();
  const launch = (instance: Instance, _app: App, slot: Slot) => {
    launched.push(instance.appId);
    agents.release(slot);
  };
  const queue = new LaunchQueue(agents, tracker, (id) => apps.get(id), launch);

  for (let round = 0; round < 20; round++) {
    launched.length = 0;
    queue.delay(failed);
    queue.add(newInstance(failed, 'u-1', DIALECT));
    queue.add(newInstance(busy, 'u-2', DIALECT));
    await until('both are launched', () => launched.length === 2, 3000);
  }

  expect(launched.sort()).toEqual(['/busy', '/failed']);
  queue.stop();
});
