import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../src/lab/cluster.ts';
import type { AppDefinition } from '../../src/lab/definitions.ts';
import { type MixedLoad, type MixedReport, startMixedLoad } from '../../src/lab/load-mixed.ts';
import { ask } from './ask.ts';
import { type Certathon, type Ended, newDirectory, start } from './certathon.ts';

/** The port of the example's frontend. */
export const SERVICE_PORT = 10_000;

/** The example that we ship, checked more often, so that a ladder takes seconds. */
export function exampleApp(change: Partial<AppDefinition> = {}): AppDefinition {
  const shipped = JSON.parse(
    readFileSync(new URL('../../deploy/rollout/nginx.json', import.meta.url), 'utf8'),
  ) as AppDefinition & { healthChecks: object[] };
  const { labels, ...rest } = change;
  return {
    ...shipped,
    healthChecks: shipped.healthChecks.map((check) => ({ ...check, intervalSeconds: 0.5 })),
    ...rest,
    labels: { ...shipped.labels, ...labels },
  };
}

/** A file with the JSON of an app. */
export function appFile(app: object): string {
  const path = join(newDirectory(), 'app.json');
  writeFileSync(path, JSON.stringify(app));
  return path;
}

/** What every command needs to reach the lab, as zdd.py's flags. */
export function zddFlags(lab: Lab): string[] {
  const balancers = lab.publicAgents.map((host) => `http://${host}:${lab.ports.admin}`);
  return ['-m', lab.marathon.url, '-l', balancers.join(','), '--syslog-socket', '/dev/null'];
}

/** Settings by the environment, which hold for every command. */
export function labEnv(lab: Lab): Record<string, string> {
  const { CERTATHON_MARATHON_URL: url = '', CERTATHON_BALANCER_ADMIN_PORT: port = '' } = lab.settings;
  return {
    ...{ CERTATHON_MARATHON_URL: url, CERTATHON_BALANCER_ADMIN_PORT: port, CERTATHON_LOG_LEVEL: 'info' },
    CERTATHON_MARATHON_USER: lab.marathon.user,
    CERTATHON_MARATHON_PASSWORD: lab.marathon.password,
  };
}

/** `certathon zdd` with the manual's flags. */
export function zdd(lab: Lab, app: object, ...more: string[]): Promise<Ended> {
  return startZdd(lab, app, ...more).ended;
}

export function startZdd(lab: Lab, app: object, ...more: string[]): Certathon {
  return start(['zdd', '-j', appFile(app), '-f', ...zddFlags(lab), ...more], labEnv(lab));
}

/** `certathon rollout …`, without questions. */
export function rollout(lab: Lab, ...words: string[]): Promise<Ended> {
  return start(['rollout', ...words], labEnv(lab)).ended;
}

/** The apps of the group with their numbers of instances, by id. */
export async function instancesOf(lab: Lab, group = 'nginx'): Promise<Record<string, number>> {
  const { body } = await lab.api('GET', '/v2/apps');
  const { apps } = body as { apps: { id: string; instances: number; labels: Record<string, string> }[] };
  const own = apps.filter(({ labels }) => labels.HAPROXY_DEPLOYMENT_GROUP?.replace(/^\//, '') === group);
  return Object.fromEntries(own.map(({ id, instances }) => [id, instances]));
}

/** Which app answers how many of so many requests, each on a connection of its own, at one balancer. */
export async function answersBy(lab: Lab, requests: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let sent = 0; sent < requests; sent += 1) {
    const reply = await ask(
      { address: lab.publicAgents[0] ?? '', port: SERVICE_PORT, path: '/' },
      { host: 'web' },
    );
    const { app = `status ${reply.status}` } = JSON.parse(reply.body) as { app?: string };
    counts[app] = (counts[app] ?? 0) + 1;
  }
  return counts;
}

/** Users of the app at every balancer: new and kept connections, slow answers, uploads, downloads. */
export function startUsers(lab: Lab, ratePerSecond = 30, maxSeconds = 170): MixedLoad[] {
  return lab.publicAgents.map((address) =>
    startMixedLoad({
      ...{ address, port: SERVICE_PORT, plain: true, ratePerSecond, maxSeconds },
      ...{ maxRequests: ratePerSecond * maxSeconds, timeoutMs: 10_000, lastingSeconds: 1 },
    }),
  );
}

/** Sends them home. @returns what each balancer's users met */
export async function usersGone(users: readonly MixedLoad[]): Promise<MixedReport[]> {
  return Promise.all(users.map((each) => each.stop()));
}
