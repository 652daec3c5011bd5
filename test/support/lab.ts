import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { Lab } from '../../src/lab/cluster.ts';
import { type AppDefinition, balancerApp } from '../../src/lab/definitions.ts';
import type { SeenRequest } from '../../src/lab/marathon/history.ts';
import { until } from './until.ts';

/** What a server shows in a TLS handshake. */
export interface Shown {
  /** As the program writes it: SHA-256, lower-case hex without colons. */
  fingerprint: string;
  /** Chain, dates and name hold against the CA given. */
  isValid: boolean;
  issuer: string;
}

/** A handshake with SNI; certificates are verified only when a CA is given. */
export function shownAt(host: string, port: number, servername: string, ca?: string): Promise<Shown> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host, port, servername, rejectUnauthorized: false, ...(ca ? { ca } : {}) },
      () => {
        const { fingerprint256, issuer } = socket.getPeerCertificate();
        const isValid = ca !== undefined && socket.authorized;
        socket.end();
        resolve({
          fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
          isValid,
          issuer: String(issuer.CN ?? issuer.O),
        });
      },
    );
    socket.setTimeout(10_000, () => socket.destroy(new Error('No handshake within 10 s')));
    socket.once('error', reject);
  });
}

/** What each running task of a balancer app shows for a name. */
export async function shownByAll(lab: Lab, appId: string, servername: string): Promise<Shown[]> {
  const root = await lab.authority.root();
  const tasks = lab.marathon.tasks(appId).filter(({ state }) => state === 'TASK_RUNNING');
  return Promise.all(tasks.map(({ host }) => shownAt(host, lab.ports.https, servername, root)));
}

/** A marathon-lb app of its own on one public agent, so that tests in one lab do not meet. One instance that is
 * stopped before its successor starts is the quickest restart there is. */
export function singleBalancer(lab: Lab, id: string, host: string, change: Partial<AppDefinition> = {}) {
  const base = balancerApp(lab.marathon, lab.ports, 1);
  return {
    ...base,
    id,
    constraints: [['hostname', 'LIKE', host]],
    upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
    ...change,
    env: { ...base.env, ...change.env },
  };
}

interface AppView {
  version: string;
  env: Record<string, unknown>;
  labels: Record<string, string>;
  instances: number;
  tasksRunning: number;
  tasksHealthy: number;
  deployments: { id: string }[];
}

export async function appOf(lab: Lab, id: string): Promise<AppView> {
  const { status, body } = await lab.api('GET', `/v2/apps${id}`);
  if (status !== 200) throw new Error(`${id}: ${status}`);
  return (body as { app: AppView }).app;
}

/** A partial update by somebody else. @returns its deployment */
export async function change(
  lab: Lab,
  id: string,
  part: Partial<AppDefinition>,
  query = '',
): Promise<string> {
  const { status, body } = await lab.api('PUT', `/v2/apps${id}${query}`, part);
  if (status !== 200) throw new Error(`${id}: ${status} ${JSON.stringify(body)}`);
  return (body as { deploymentId: string }).deploymentId;
}

/** Waits until no deployment holds the app and it has its tasks. */
export async function settled(lab: Lab, id: string): Promise<AppView> {
  return until(`${id} is settled`, async () => {
    const app = await appOf(lab, id);
    return app.deployments.length === 0 && app.tasksHealthy >= app.instances && app;
  });
}

export type Mark = string;
/** A moment, to look at what was asked of Marathon from then on. */
export const mark = (): Mark => new Date().toISOString();

/** Writes to Marathon's API since a moment. */
export function writesSince(lab: Lab, since: Mark): SeenRequest[] {
  return lab.marathon.requests().filter(({ method, at }) => method !== 'GET' && at >= since);
}

/** Orders that were asked of the CA so far, by its own log. */
export function ordersAtCa(lab: Lab): number {
  const log = readFileSync(join(lab.directory, 'ca', 'pebble.log'), 'utf8');
  return log.split('\n').filter((line) => line.includes('There are now') && line.includes('orders')).length;
}

/** Certificates that the CA issued so far, by its own log. */
export function certificatesAtCa(lab: Lab): number {
  const log = readFileSync(join(lab.directory, 'ca', 'pebble.log'), 'utf8');
  return log.split('\n').filter((line) => line.includes('Issued certificate serial')).length;
}

/** Requests that reached the CA so far, by its own log. */
export function requestsAtCa(lab: Lab): number {
  const log = readFileSync(join(lab.directory, 'ca', 'pebble.log'), 'utf8');
  return log.split('\n').filter((line) => / -> calling handler/.test(line)).length;
}

/** Slower than the checks of the retrying front, as on a real cluster: Marathon goes on when it sees a new balancer
 * healthy, and by then that front has to see it too. */
export const UNHURRIED_CHECKS = [
  {
    protocol: 'HTTP',
    path: '/_haproxy_health_check',
    portIndex: 2,
    gracePeriodSeconds: 30,
    intervalSeconds: 2.5,
    timeoutSeconds: 2,
    maxConsecutiveFailures: 3,
  },
];
