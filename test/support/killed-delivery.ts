import fsp from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import type { DirectoryDelivery } from '../../src/delivery/directory.ts';
import type { Balancer } from '../../src/haproxy/balancers.ts';

/** A delivery in a process of its own that is killed at a chosen moment: `node killed-delivery.ts JSON`. */
export interface KilledDelivery {
  delivery: DirectoryDelivery;
  /** None: only the files are changed. */
  balancers: Balancer[];
  /** Before so many calls of functions that change the file system. */
  beforeCall?: number;
  /** When it has come so far for so many times. */
  at?: { point: 'look' | 'ask' | 'asked' | 'reloaded'; times: number };
}

const WATCHED = ['open', 'link', 'rename', 'rm'] as const;

async function main({ delivery, balancers, beforeCall, at }: KilledDelivery): Promise<void> {
  const end = (): void => void process.kill(process.pid, 'SIGKILL');
  let calls = 0;
  for (const name of WATCHED) {
    const real = fsp[name] as (...args: unknown[]) => unknown;
    (fsp as unknown as Record<string, unknown>)[name] = (...args: unknown[]) => {
      calls += 1;
      if (calls === beforeCall) end();
      return real(...args);
    };
  }
  syncBuiltinESMExports();
  let times = 0;
  const pass = (point: string): void => {
    if (point !== at?.point) return;
    times += 1;
    if (times === at.times) end();
  };

  if (balancers.length === 0) {
    const { changeFiles } = await import('../../src/delivery/directory-change.ts');
    await changeFiles(delivery.path, delivery, { mode: delivery.fileMode, now: new Date() });
    return;
  }
  const { deliverByDirectory } = await import('../../src/delivery/directory.ts');
  const { toolsFor } = await import('./directory-tools.ts');
  const { tools } = toolsFor(() => balancers);
  const { log, requestReload } = tools;
  await deliverByDirectory(delivery, {
    ...tools,
    balancers: async () => {
      pass('look');
      return balancers;
    },
    requestReload: async (balancer, signal) => {
      pass('ask');
      const answer = await requestReload(balancer, signal);
      pass('asked');
      return answer;
    },
    log: {
      ...log,
      info: (event, fields) => {
        if (event === 'balancer.reloaded') pass('reloaded');
        log.info(event, fields);
      },
    },
  });
}

await main(JSON.parse(process.argv[2] ?? '{}'));
