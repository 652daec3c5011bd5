import { join } from 'node:path';
import { request } from 'undici';
import { type Bundle, parseBundle } from '../../src/delivery/bundle.ts';
import {
  type DirectoryDelivery,
  type DirectoryTools,
  deliverByDirectory,
} from '../../src/delivery/directory.ts';
import { prepareDirectory } from '../../src/delivery/directory-files.ts';
import type { Balancer } from '../../src/haproxy/balancers.ts';
import type { Lab } from '../../src/lab/cluster.ts';
import { CertathonError } from '../../src/lib/errors.ts';
import { jumpingClock, type Line, type ToolChanges, toolsFor } from './directory-tools.ts';
import { installed } from './installed.ts';
import { shownAt } from './lab.ts';
import { until } from './until.ts';

/** Tools that work on the balancers of a lab, and what was logged with them. */
export function directoryTools(lab: Lab, change: ToolChanges = {}) {
  return toolsFor(() => balancersIn(lab), change);
}

/** The balancers of a lab that run now. */
export function balancersIn(lab: Lab): Balancer[] {
  return lab.marathon
    .tasks('/marathon-lb')
    .filter(({ state }) => state === 'TASK_RUNNING')
    .map(({ id, host }) => ({
      id,
      host,
      tlsPort: lab.ports.https,
      adminPort: lab.ports.admin,
      version: undefined,
      isAlive: undefined,
    }));
}

/** The path of the lab's shared directory, with what a delivery needs in it. */
export async function preparedDirectory(lab: Lab): Promise<string> {
  const path = lab.sharedDirectory ?? 'none';
  await prepareDirectory(path, installed('default.example.com').pem, { mode: 0o600, now: new Date() });
  return path;
}

/** A bundle as one file, expected for its own names. */
export function deliveryOf(
  path: string,
  put: readonly { file: string; bundle: Bundle }[],
  change: Partial<DirectoryDelivery> = {},
): DirectoryDelivery {
  const expected = put.map(({ bundle: { facts } }) => ({
    names: facts.names,
    fingerprint: facts.fingerprint,
  }));
  return { path, fileMode: 0o600, put, remove: [], expected, ...change };
}

/** Delivers, and throws what it throws. */
export async function deliver(
  lab: Lab,
  delivery: DirectoryDelivery,
  limits: Partial<DirectoryTools['limits']> = {},
): Promise<Line[]> {
  const { tools, lines } = directoryTools(lab, { limits });
  await deliverByDirectory(delivery, tools);
  return lines;
}

export const certsFile = (path: string, file: string): string => join(path, 'certs', file);

export interface LabState {
  pids: number[];
  isResting: boolean;
  counters: Record<string, number>;
}

/** What a balancer of the lab has done so far. */
export async function stateOf(lab: Lab, host: string): Promise<LabState> {
  return (await atAdminPort(lab, host, '/_lab/state')) as LabState;
}

export async function setSwitches(lab: Lab, host: string, switches: Record<string, unknown>): Promise<void> {
  await atAdminPort(lab, host, '/_lab/switches', JSON.stringify(switches));
}

/** On a connection of its own: a reload closes those that are kept. */
async function atAdminPort(lab: Lab, host: string, path: string, body?: string): Promise<unknown> {
  const url = `http://${host}:${lab.ports.admin}${path}`;
  const method = body === undefined ? 'GET' : 'POST';
  const answer = await request(url, { method, body: body ?? null, reset: true });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`${url}: ${answer.statusCode} ${text}`);
  return JSON.parse(text);
}

/** Waits until no balancer has anything left to do, then says how often each has reloaded. */
export async function reloadsOf(lab: Lab, hosts: readonly string[]): Promise<number[]> {
  return Promise.all(
    hosts.map((host) =>
      until(`${host} rests`, async () => {
        const { isResting, counters } = await stateOf(lab, host);
        return isResting ? [counters.reloads ?? 0] : undefined;
      }),
    ),
  ).then((each) => each.flat());
}

/** The fingerprint that each host shows for a name. */
export async function shown(lab: Lab, hosts: readonly string[], name: string): Promise<string[]> {
  const each = await Promise.all(hosts.map((host) => shownAt(host, lab.ports.https, name)));
  return each.map(({ fingerprint }) => fingerprint);
}

/** A bundle for these names that nobody else has. */
export function freshBundle(...names: string[]): Bundle {
  const parsed = parseBundle(installed(...names).pem);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.bundle;
}

/** What a promise is rejected with. */
export async function failureOf(work: Promise<unknown>): Promise<CertathonError> {
  const end = await work.then(
    () => 'It did not fail',
    (error: unknown) => error,
  );
  if (end instanceof CertathonError) return end;
  throw end;
}

/** The failure of a delivery whose time is up as soon as something has been seen. */
export async function failureAfter(
  lab: Lab,
  delivery: DirectoryDelivery,
  what: string,
  isSeen: (lines: readonly Line[]) => boolean | Promise<boolean>,
  limits: Partial<DirectoryTools['limits']> = {},
): Promise<{ error: CertathonError; lines: Line[] }> {
  const { clock, jump } = jumpingClock();
  const { tools, lines } = directoryTools(lab, {
    clock,
    limits: { verifyMs: 600_000, reloadWaitMs: 60_000, ...limits },
  });
  const failure = failureOf(deliverByDirectory(delivery, tools));
  await Promise.race([until(what, () => isSeen(lines)), failure]);
  jump();
  return { error: await failure, lines };
}
