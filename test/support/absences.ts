import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '../../src/lab/cluster.ts';
import { shownAt } from './lab.ts';

/** A time in which a balancer took no TLS connection; epoch milliseconds. */
export interface Absence {
  host: string;
  fromMs: number;
  toMs: number;
}

const EVERY_MS = 50;

/** Notes when a balancer can not be reached, by handshakes at its own address, until it is stopped. */
export function watchAbsences(
  lab: Lab,
  hosts: readonly string[],
  servername: string,
): { stop(): Promise<Absence[]> } {
  let isStopped = false;
  const watch = async (host: string): Promise<Absence[]> => {
    const seen: Absence[] = [];
    let present = true;
    while (!isStopped) {
      const askedMs = Date.now();
      const answers = await shownAt(host, lab.ports.https, servername).then(
        () => true,
        () => false,
      );
      if (!answers && present) seen.push({ host, fromMs: askedMs, toMs: Date.now() });
      const last = seen.at(-1);
      if (last !== undefined && !(present && answers)) last.toMs = Date.now();
      present = answers;
      await delay(EVERY_MS);
    }
    return seen;
  };
  const done = Promise.all(hosts.map(watch));
  return {
    stop: async () => {
      isStopped = true;
      return (await done).flat();
    },
  };
}
