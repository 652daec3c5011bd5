import { expect } from 'vitest';
import { requestReload } from '../../src/haproxy/reload.ts';
import type { Lab } from '../../src/lab/cluster.ts';
import { type Certathon, events, start } from './certathon.ts';
import { shown } from './directory.ts';
import { until } from './until.ts';

/** A running `serve` that looks every second. */
export interface Watcher {
  program: Certathon;
  /** Does something that the program can not see before it is done. */
  behindItsBack(work: () => Promise<void>): Promise<void>;
  status(): Promise<Status>;
  /** Lines of the log since a moment. */
  logged(event: string, from: number): Record<string, unknown>[];
  stop(): Promise<void>;
}
export interface Status {
  state: string;
  certificates: { id: string; names: string[]; fingerprint?: string; notAfter?: string }[];
  balancers: {
    id: string;
    address: string;
    current: boolean;
    serves: { name: string; fingerprint: string; issuer: string; serial: string; notAfter: string }[];
  }[];
  postponed: { target: string; reason: string; until: string }[];
  problems: { code: string; message: string }[];
  lastPass?: { startedAt: string };
}

/** A program outside Marathon that keeps one name; it answers challenges at an address of its own. */
export async function startWatcher(
  lab: Lab,
  name: string,
  last: number,
  store: string,
  env: Record<string, string>,
): Promise<Watcher> {
  const address = lab.subnet.address(last);
  await lab.authority.dns.setA(name, [address]);
  const program = start(['serve'], {
    ...lab.settings,
    CERTATHON_DOMAINS: name,
    CERTATHON_STORE: store,
    CERTATHON_BIND: address,
    CERTATHON_CHALLENGE_PORT: String(lab.ports.http),
    CERTATHON_POLL_INTERVAL: '200ms',
    CERTATHON_PROBE_INTERVAL: '1s',
    ...env,
  });
  const status = async () => (await (await fetch(`http://${address}:8081/status.json`)).json()) as Status;
  await until(`${name} is served`, async () => (await status()).state === 'ok');
  return {
    program,
    status,
    behindItsBack: async (work) => {
      program.kill('SIGSTOP');
      try {
        await work();
      } finally {
        program.kill('SIGCONT');
      }
    },
    logged: (event, from) => events({ lines: program.lines.slice(from) }, event),
    stop: async () => {
      program.kill('SIGTERM');
      expect((await program.ended).exit).toBe(0);
    },
  };
}
/** Has a balancer reload, as a person would. */
export async function signalled(lab: Lab, host: string): Promise<void> {
  const { signal } = new AbortController();
  expect(await requestReload({ host, adminPort: lab.ports.admin }, signal)).toEqual({ kind: 'sent' });
}

/** Until a balancer shows a certificate. */
export const shows = (lab: Lab, host: string, name: string, fingerprint: string) =>
  until(
    `${host} shows ${fingerprint.slice(0, 8)}`,
    async () => (await shown(lab, [host], name))[0] === fingerprint,
  );
/** The running tasks of an app, by the addresses of their agents. */
export const tasksOf = (lab: Lab, app: string) =>
  lab.marathon
    .tasks(app)
    .filter(({ state }) => state === 'TASK_RUNNING')
    .toSorted((a, b) => (a.host < b.host ? -1 : 1));
