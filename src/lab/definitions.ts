import { readFileSync } from 'node:fs';

/** A Marathon app as JSON; Marathon's own schema is the judge of it. */
export type AppDefinition = Record<string, unknown> & {
  id: string;
  env?: Record<string, unknown>;
  labels?: Record<string, string>;
};

export interface BalancerPorts {
  http: number;
  https: number;
  admin: number;
  appId: number;
}

export const BALANCER_IMAGE = 'mesosphere/marathon-lb:v1.15.0';
export const WEB_IMAGE = 'nginx:stable';

/** marathon-lb as its README defines it: fixed ports on public agents, one at a time. The intervals are shorter
 * than a real cluster's, so that a rolling restart takes seconds.
 * @param sharedDirectory holds certs/ and default.pem; given as the first words, where `run` looks for it too */
export function balancerApp(
  marathon: { url: string; user: string; password: string },
  ports: BalancerPorts,
  instances: number,
  sharedDirectory?: string,
): AppDefinition {
  const listed =
    sharedDirectory === undefined
      ? []
      : ['--ssl-certs', `${sharedDirectory}/certs,${sharedDirectory}/default.pem`];
  return {
    id: '/marathon-lb',
    instances,
    cpus: 1,
    mem: 256,
    args: [...listed, 'sse', '-m', marathon.url, '--health-check', '--group', 'external'],
    container: { type: 'DOCKER', docker: { image: BALANCER_IMAGE, privileged: true } },
    networks: [{ mode: 'host' }],
    portDefinitions: [
      { port: ports.http, protocol: 'tcp', name: 'http' },
      { port: ports.https, protocol: 'tcp', name: 'https' },
      { port: ports.admin, protocol: 'tcp', name: 'admin' },
      { port: ports.appId, protocol: 'tcp', name: 'appid' },
    ],
    requirePorts: true,
    constraints: [
      ['hostname', 'UNIQUE'],
      ['public', 'CLUSTER', 'true'],
    ],
    env: marathon.user === '' ? {} : { MARATHON_USER: marathon.user, MARATHON_PASSWORD: marathon.password },
    healthChecks: [
      {
        protocol: 'HTTP',
        path: '/_haproxy_health_check',
        portIndex: 2,
        gracePeriodSeconds: 30,
        intervalSeconds: 0.5,
        timeoutSeconds: 2,
        maxConsecutiveFailures: 3,
      },
    ],
    upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0.2 },
    taskKillGracePeriodSeconds: 5,
  };
}

/** A web app behind marathon-lb that redirects to HTTPS. */
export function webApp(
  id: string,
  vhost: string,
  instances: number,
  labels: Record<string, string> = {},
): AppDefinition {
  return {
    id,
    instances,
    cpus: 0.1,
    mem: 64,
    container: { type: 'DOCKER', docker: { image: WEB_IMAGE } },
    networks: [{ mode: 'host' }],
    portDefinitions: [{ port: 0, protocol: 'tcp', name: 'web' }],
    labels: {
      HAPROXY_GROUP: 'external',
      HAPROXY_0_VHOST: vhost,
      HAPROXY_0_REDIRECT_TO_HTTPS: 'true',
      ...labels,
    },
    healthChecks: [
      {
        protocol: 'HTTP',
        path: '/health',
        portIndex: 0,
        gracePeriodSeconds: 30,
        intervalSeconds: 0.5,
        timeoutSeconds: 2,
        maxConsecutiveFailures: 3,
      },
    ],
    taskKillGracePeriodSeconds: 5,
  };
}

/** Our own app, from the very file that is shipped; only what every operator has to fill in is changed. */
export function sidecarApp(env: Record<string, string>, change: Partial<AppDefinition> = {}): AppDefinition {
  const shipped = JSON.parse(
    readFileSync(new URL('../../deploy/marathon/certathon.json', import.meta.url), 'utf8'),
  ) as AppDefinition;
  const { labels, env: changedEnv, ...rest } = change;
  return {
    ...shipped,
    ...rest,
    env: { ...shipped.env, ...env, ...changedEnv },
    labels: { ...shipped.labels, ...labels },
    // A real cluster looks every 10 s; here nobody wants to wait for the first look.
    healthChecks: (shipped.healthChecks as Record<string, unknown>[]).map((check) => ({
      ...check,
      intervalSeconds: 0.5,
    })),
  };
}

/** The image that the shipped definition names. */
export function sidecarImage(): string {
  // Our own file, which a test reads too.
  const container = sidecarApp({}).container as { docker: { image: string } };
  return container.docker.image;
}
