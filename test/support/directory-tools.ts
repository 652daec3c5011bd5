import type { DirectoryTools } from '../../src/delivery/directory.ts';
import type { Balancer } from '../../src/haproxy/balancers.ts';
import { servedCertificate } from '../../src/haproxy/handshake.ts';
import { pidsOf, requestReload } from '../../src/haproxy/reload.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';

export type Line = Record<string, unknown> & { event: string };
export type ToolChanges = Partial<Omit<DirectoryTools, 'limits'>> & {
  limits?: Partial<DirectoryTools['limits']>;
};

/** Tools that work on real balancers, and what was logged with them. */
export function toolsFor(
  balancers: () => Balancer[],
  { limits, ...change }: ToolChanges = {},
): { tools: DirectoryTools; lines: Line[] } {
  const lines: Line[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Line) };
  let lastReloadAt: Date | undefined;
  const tools: DirectoryTools = {
    balancers: async () => balancers(),
    handshake: async ({ host, tlsPort }, servername, signal) => {
      const seen = await servedCertificate({ host, port: tlsPort, servername, timeoutMs: 5_000, signal });
      if ('unreachable' in seen) return seen;
      const fingerprint = seen.fingerprint256.replaceAll(':', '').toLowerCase();
      return { fingerprint, issuer: seen.issuer, serial: seen.serial, notAfter: seen.validTo };
    },
    requestReload,
    pidsOf,
    clock: systemClock,
    log: createLog({ level: 'debug', format: 'json', destination }),
    signal: new AbortController().signal,
    memory: {
      lastReloadAt: async () => lastReloadAt,
      saveReloadAt: async (at) => {
        lastReloadAt = at;
      },
    },
    ...change,
    limits: { reloadIntervalMs: 0, reloadWaitMs: 10_000, verifyMs: 40_000, pollMs: 50, ...limits },
  };
  return { tools, lines };
}

/** The time of the system, until `jump()` makes it ten hours or so much later: so a test decides when a time is up,
 * and not the speed of the machine. */
export function jumpingClock(): { clock: Clock; jump: (ms?: number) => void } {
  let aheadMs = 0;
  return {
    clock: {
      nowMs: () => systemClock.nowMs() + aheadMs,
      monotonicMs: () => systemClock.monotonicMs() + aheadMs,
      sleep: systemClock.sleep,
    },
    jump: (ms = 36_000_000) => {
      aheadMs += ms;
    },
  };
}
