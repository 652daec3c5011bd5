import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';

/** What balancers show in handshakes of our own, at their own addresses: what the program says is not asked. */
export interface ServedWatch {
  stop(): Promise<Served>;
}

export interface Served {
  /** Epoch milliseconds: when the last of the balancers showed it first; undefined when one never did. */
  byAllAtMs(fingerprint: string): number | undefined;
  /** The longest time in which no balancer took a connection. */
  byNobodyMs: number;
}

interface Moment {
  atMs: number;
  shown: (string | undefined)[];
}

const EVERY_MS = 20;
const PATIENCE_MS = 2_000;

/** Looks at all of them again and again until it is stopped. */
export function watchServed(hosts: readonly string[], port: number, servername: string): ServedWatch {
  const moments: Moment[] = [];
  let isStopped = false;
  const look = async (): Promise<void> => {
    while (!isStopped) {
      const shown = await Promise.all(hosts.map((host) => shownAt(host, port, servername)));
      moments.push({ atMs: Date.now(), shown });
      await delay(EVERY_MS);
    }
  };
  const done = look();
  return {
    stop: async () => {
      isStopped = true;
      await done;
      return {
        byAllAtMs: (fingerprint) => {
          const firsts = hosts.map(
            (_, at) =>
              moments.find(({ shown }) => shown[at] === fingerprint)?.atMs ?? Number.POSITIVE_INFINITY,
          );
          const lastMs = Math.max(...firsts);
          return Number.isFinite(lastMs) ? lastMs : undefined;
        },
        byNobodyMs: longestWithout(moments),
      };
    },
  };
}

/** Between two moments with an answer; one moment without is shorter than what can be seen. */
function longestWithout(moments: readonly Moment[]): number {
  let longestMs = 0;
  let fromMs: number | undefined;
  for (const { atMs, shown } of moments) {
    if (shown.some((each) => each !== undefined)) {
      if (fromMs !== undefined) longestMs = Math.max(longestMs, atMs - fromMs);
      fromMs = undefined;
    } else fromMs ??= atMs;
  }
  return longestMs;
}

/** @returns SHA-256 of the leaf as the program writes it, or undefined when there is no handshake */
function shownAt(host: string, port: number, servername: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, servername, rejectUnauthorized: false }, () => {
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      resolve(fingerprint256.replaceAll(':', '').toLowerCase());
    });
    const end = (): void => {
      socket.destroy();
      resolve(undefined);
    };
    socket.setTimeout(PATIENCE_MS, end);
    socket.once('error', end);
  });
}
