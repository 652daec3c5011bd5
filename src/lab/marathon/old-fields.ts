// pure
import { notValid, type Violation } from './api-error.ts';
import { discoveryPorts, isObject, networksOfOldFields } from './old-networks.ts';

type Json = Record<string, unknown>;

/** Rewrites the network and artifact fields of Marathon up to 1.4, which 1.5 and later still accept, into their
 * own, which reads show alone.
 * @throws ApiError 422 when old and new fields contradict each other
 * @source S/api/v2/AppNormalization.scala; S/api/v2/validation/AppValidation.scala, validateOldAppAPI */
export function withoutOldFields(body: unknown): unknown {
  if (!isObject(body)) return body;
  refuseContradictions(body);
  const { uris, ports, ipAddress, container, ...rest } = body;
  const app: Json = { ...rest };
  if (container !== undefined) app.container = container;
  if (Array.isArray(uris) && uris.length > 0) app.fetch = uris.map((uri) => ({ uri }));
  if (Array.isArray(ports)) app.portDefinitions ??= ports.map((port) => ({ port }));

  const address = isObject(ipAddress) ? ipAddress : undefined;
  const docker = dockerOf(body);
  const networks = networksOfOldFields(docker?.network, address);
  if (networks) app.networks = networks;
  const discovered = discoveryPorts(address);
  const whole = isObject(container) ? container : address ? { type: 'MESOS' } : undefined;
  if (!whole) return app;

  const { network: _network, portMappings, ...program } = docker ?? {};
  app.container = {
    ...whole,
    ...(docker ? { docker: program } : {}),
    ...(Array.isArray(portMappings) ? { portMappings } : {}),
    ...(discovered.length > 0 ? { portMappings: discovered } : {}),
  };
  return app;
}

function refuseContradictions(body: Json): void {
  const found: Violation[] = [];
  const broken = (path: string, error: string) => found.push({ path, errors: [error] });
  const { uris, fetch, ports, portDefinitions, networks, ipAddress } = body;
  const docker = dockerOf(body);
  if (hasEntries(uris) && hasEntries(fetch)) broken('/uris', 'may not be set in conjunction with fetch');
  if (Array.isArray(ports) && Array.isArray(portDefinitions) && !areSamePorts(ports, portDefinitions))
    broken('/', 'cannot specify both ports and port definitions');
  if ((docker?.network || docker?.portMappings) && hasEntries(networks))
    broken('/', 'must not specify both container.docker.network and networks');
  if (isObject(ipAddress) && hasEntries(networks))
    broken('/', 'must not specify both networks and ipAddress');
  if (found.length > 0) throw notValid(found);
}

/** Are these `ports` those of the `portDefinitions`, in the same order? */
export const areSamePorts = (ports: unknown[], portDefinitions: unknown[]): boolean =>
  ports.length === portDefinitions.length &&
  portDefinitions.every(
    (definition, index) => isObject(definition) && (definition.port ?? 0) === ports[index],
  );

const hasEntries = (value: unknown) => Array.isArray(value) && value.length > 0;

function dockerOf({ container }: Json): Json | undefined {
  return isObject(container) && isObject(container.docker) ? container.docker : undefined;
}
