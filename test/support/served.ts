import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '../../src/lab/cluster.ts';
import { shownAt } from './lab.ts';

/** What several balancers showed at one moment: a fingerprint, or nothing where no handshake was possible. */
export type Moment = (string | undefined)[];

export interface Watch {
  stop(): Promise<Moment[]>;
}

const EVERY_MS = 50;

/** Asks balancers again and again which certificate they serve, until it is stopped. */
export function watchServed(lab: Lab, hosts: readonly string[], servername: string): Watch {
  const moments: Moment[] = [];
  let isStopped = false;
  const look = async (): Promise<void> => {
    while (!isStopped) {
      const shown = hosts.map((host) =>
        shownAt(host, lab.ports.https, servername).then(
          ({ fingerprint }) => fingerprint,
          () => undefined,
        ),
      );
      moments.push(await Promise.all(shown));
      await delay(EVERY_MS);
    }
  };
  const done = look();
  return {
    async stop() {
      isStopped = true;
      await done;
      return moments;
    },
  };
}
