// pure
import type { App } from './app.ts';
import { servicePorts } from './normalize.ts';
import type { HealthCheck } from './schema.ts';

type Json = Record<string, unknown>;

/** A definition as Marathon up to 1.4 writes it: every field, null where nothing is set, and the network in
 * `ports`, `ipAddress` and the docker container.
 * @source releases/1.4, S/api/v2/json/Formats.scala, AppDefWrites */
export function viewOldDefinition(app: App): Json {
  const {
    networks: _newer,
    portDefinitions: _ports,
    requirePorts,
    acceptedResourceRoles,
    ipAddress,
    ...known
  } = app;
  return {
    ...known,
    cmd: app.cmd ?? null,
    args: app.args && app.args.length > 0 ? app.args : null,
    user: app.user ?? null,
    uris: app.fetch.map(({ uri }) => uri),
    fetch: app.fetch.map((one) => ({ extract: true, executable: false, cache: false, ...one })),
    storeUrls: [],
    container: containerOf(app),
    healthChecks: app.healthChecks.map(healthCheckOf),
    ipAddress: ipAddress ? { groups: [], labels: {}, discovery: { ports: [] }, ...ipAddress } : null,
    residency: app.residency ?? null,
    taskKillGracePeriodSeconds: app.taskKillGracePeriodSeconds ?? null,
    ...(acceptedResourceRoles && acceptedResourceRoles.length > 0 ? { acceptedResourceRoles } : {}),
    ...(ipAddress ? {} : { ...portsOf(app), requirePorts }),
  };
}

/** The service ports, whatever the network: in bridge mode those of the mappings. */
function portsOf(app: App): Json {
  const ports = servicePorts(app);
  return {
    ports,
    portDefinitions: ports.map((port, index) => ({
      protocol: 'tcp',
      labels: {},
      ...app.portDefinitions?.[index],
      port,
    })),
  };
}

function containerOf({ container }: App): Json | null {
  if (!container) return null;
  const { type, volumes, docker, portMappings } = container;
  if (!docker) return { type, volumes };
  const { image, forcePullImage, parameters, privileged, network, credential } = docker;
  if (type === 'MESOS')
    return { type, volumes, docker: { image, credential: credential ?? null, forcePullImage } };
  const mapped = {
    image,
    network: network ?? null,
    portMappings: portMappings ?? [],
    privileged,
    parameters,
    forcePullImage,
  };
  return { type, volumes, docker: mapped };
}

/** A check has only the fields that its kind knows. */
function healthCheckOf(check: HealthCheck): Json {
  const { ipProtocol: _newer, delaySeconds, ignoreHttp1xx, ...common } = check;
  const isOfAgent = check.protocol.startsWith('MESOS_') || check.protocol === 'COMMAND';
  const isHttp = check.protocol === 'HTTP' || check.protocol === 'HTTPS';
  return { ...common, ...(isOfAgent ? { delaySeconds } : {}), ...(isHttp ? { ignoreHttp1xx } : {}) };
}
