// pure
import { ApiError } from './api-error.ts';
import { type App, isHostMode } from './app.ts';
import type { Dialect } from './dialect.ts';
import { networksOfOldFields } from './old-networks.ts';
import type { AppUpdate } from './schema.ts';

const FIRST_SERVICE_PORT = 10_000;
const LAST_SERVICE_PORT = 20_000;

/** A new app, or a full replacement of one: fields that are left out get their defaults. */
export function completeApp(id: string, update: AppUpdate, dialect: Dialect): App {
  const { version: _version, ...given } = update;
  const resident = (update.container?.volumes ?? []).some((volume) => 'persistent' in volume);
  const defaults: App = {
    id,
    instances: 1,
    cpus: 1,
    mem: 128,
    disk: 0,
    gpus: 0,
    executor: '',
    env: {},
    labels: {},
    constraints: [],
    fetch: [],
    requirePorts: false,
    backoffSeconds: 1,
    backoffFactor: 1.15,
    maxLaunchDelaySeconds: dialect.defaultMaxLaunchDelaySeconds,
    healthChecks: [],
    readinessChecks: [],
    dependencies: [],
    upgradeStrategy:
      resident || update.labels?.MARATHON_SINGLE_INSTANCE_APP === 'true'
        ? { maximumOverCapacity: 0, minimumHealthCapacity: resident ? 0.5 : 0 }
        : { maximumOverCapacity: 1, minimumHealthCapacity: 1 },
    networks: [{ mode: 'host' }],
    secrets: {},
    unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
    killSelection: 'YOUNGEST_FIRST',
    version: '',
    versionInfo: { lastScalingAt: '', lastConfigChangeAt: '' },
  };
  return withPorts(withNetworks({ ...defaults, ...(given as Partial<App>), id }, dialect));
}

/** A partial update: a field that is present replaces the old value as a whole, an absent one keeps it. A few
 * are taken from the update alone. */
export function mergeApp(current: App, update: AppUpdate, dialect: Dialect): App {
  const { version: _version, ...given } = update;
  const kept = { ...current };
  for (const field of dialect.dropsUnlessRepeated) delete kept[field];
  return withPorts(withNetworks({ ...kept, ...(given as Partial<App>), id: current.id }, dialect));
}

/** Up to 1.4 the networks follow from the docker network and the IP address, whichever of them was updated. */
function withNetworks(app: App, dialect: Dialect): App {
  if (!dialect.hasOldAppJson) return app;
  const networks = networksOfOldFields(app.container?.docker?.network, app.ipAddress);
  return { ...app, networks: networks ?? [{ mode: 'host' }] };
}

/** Host mode has port definitions, other modes have port mappings; absent ones mean one dynamic port. */
function withPorts(app: App): App {
  const { portDefinitions, ...rest } = app;
  const healthChecks = app.healthChecks.map((check) =>
    check.protocol === 'COMMAND' || check.port !== undefined || check.portIndex !== undefined
      ? check
      : { ...check, portIndex: 0 },
  );
  if (isHostMode(app))
    return {
      ...rest,
      healthChecks,
      portDefinitions: portDefinitions ?? [{ port: 0, protocol: 'tcp', name: 'default', labels: {} }],
    };
  const container = app.container ?? { type: 'MESOS' as const, volumes: [] };
  const portMappings = (
    container.portMappings ?? [
      { containerPort: 0, servicePort: 0, protocol: 'tcp', name: 'default', labels: {} },
    ]
  ).map((mapping) => ({ ...mapping, hostPort: mapping.hostPort ?? 0 }));
  return { ...rest, healthChecks, requirePorts: false, container: { ...container, portMappings } };
}

/** Gives every service port 0 a number: first the ones this app had before, in their order, then the lowest
 * that is free in the cluster.
 * @source S/core/group/impl/AssignDynamicServiceLogic.scala */
export function assignServicePorts(app: App, previous: App | undefined, taken: ReadonlySet<number>): App {
  const wanted = new Set(servicePorts(app));
  const earlier = previous ? servicePorts(previous).filter((port) => port !== 0 && !wanted.has(port)) : [];
  const used = new Set([...taken, ...wanted]);
  const assign = (port: number): number => {
    if (port !== 0) return port;
    const again = earlier.shift();
    if (again !== undefined) return again;
    for (let free = FIRST_SERVICE_PORT; free <= LAST_SERVICE_PORT; free++)
      if (!used.has(free)) {
        used.add(free);
        return free;
      }
    throw new ApiError(422, { message: 'No more dynamic service ports are available' });
  };
  if (isHostMode(app))
    return {
      ...app,
      portDefinitions: (app.portDefinitions ?? []).map((port) => ({ ...port, port: assign(port.port) })),
    };
  if (!app.container) return app;
  const portMappings = (app.container.portMappings ?? []).map((mapping) => ({
    ...mapping,
    servicePort: assign(mapping.servicePort),
  }));
  return { ...app, container: { ...app.container, portMappings } };
}

export function servicePorts(app: App): number[] {
  return isHostMode(app)
    ? (app.portDefinitions ?? []).map((port) => port.port)
    : (app.container?.portMappings ?? []).map((mapping) => mapping.servicePort);
}
