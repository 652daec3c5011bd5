import { type App, appSchema } from '../../src/marathon/app-schema.ts';

/** An nginx as zdd.py's own tests have it, in the JSON of Marathon 1.5 and newer, with 3 instances. */
export function definitionJson(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 'nginx',
    container: {
      type: 'DOCKER',
      docker: { image: 'nginx:stable', forcePullImage: true },
      portMappings: [{ hostPort: 0, containerPort: 8080, servicePort: 10000 }],
    },
    networks: [{ mode: 'container/bridge' }],
    instances: 3,
    cpus: 0.1,
    mem: 65,
    healthChecks: [{ protocol: 'MESOS_HTTP', path: '/', portIndex: 0, intervalSeconds: 3 }],
    labels: labels(),
    acceptedResourceRoles: ['*', 'slave_public'],
    ...changes,
  };
}

/** The same in the JSON of Marathon 1.4 and older. */
export function oldDefinitionJson(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const { networks: _, ...rest } = definitionJson();
  return {
    ...rest,
    container: {
      type: 'DOCKER',
      docker: {
        image: 'nginx:stable',
        network: 'BRIDGE',
        portMappings: [{ hostPort: 0, containerPort: 8080, servicePort: 10000 }],
        forcePullImage: true,
      },
    },
    healthChecks: [{ protocol: 'HTTP', path: '/', portIndex: 0, intervalSeconds: 3 }],
    ...changes,
  };
}

export function labels(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    HAPROXY_DEPLOYMENT_GROUP: 'nginx',
    HAPROXY_DEPLOYMENT_ALT_PORT: '10001',
    HAPROXY_GROUP: 'external',
    ...changes,
  };
}

/** That app as Marathon shows it while green serves: port 10000, 3 instances. Labels that are undefined are left out. */
export function greenApp(
  changes: Record<string, unknown> = {},
  labelChanges: Record<string, string | undefined> = {},
): App {
  const all = {
    ...labels(),
    HAPROXY_DEPLOYMENT_COLOUR: 'green',
    HAPROXY_DEPLOYMENT_TARGET_INSTANCES: '3',
    HAPROXY_DEPLOYMENT_NEW_INSTANCES: '0',
    HAPROXY_DEPLOYMENT_STARTED_AT: '2016-02-01T14:13:42.499089',
    HAPROXY_0_PORT: '10000',
    HAPROXY_APP_ID: 'nginx',
    ...labelChanges,
  };
  return appSchema.parse({
    ...definitionJson(),
    id: '/nginx-green',
    version: '2016-02-01T22:57:48.784Z',
    versionInfo: {
      lastScalingAt: '2016-02-01T22:57:48.784Z',
      lastConfigChangeAt: '2016-02-01T22:13:42.538Z',
    },
    ...changes,
    labels: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)),
  });
}
