// pure
import { type Violation, wrongTypes } from './api-error.ts';
import { areSamePorts } from './old-fields.ts';
import { discoveryPorts, isObject } from './old-networks.ts';

type Json = Record<string, unknown>;

const STATUS = { typeErrorStatus: 400 } as const;
const OPERATORS = ['UNIQUE', 'CLUSTER', 'GROUP_BY', 'LIKE', 'UNLIKE', 'MAX_PER'];
const DOCKER_NETWORKS = new Set<unknown>(['HOST', 'BRIDGE', 'USER', 'NONE']);

/** A body as Marathon up to 1.4 reads it, with `uris`, `ports` and the port mappings where later versions have
 * them. `docker.network` and `ipAddress` stay, because a partial update keeps the one that it does not name.
 * @param isWhole a new app or a full replacement, whose rules are softer: empty lists do not contradict others
 * @throws ApiError 400
 * @source releases/1.4, S/api/v2/json/Formats.scala, AppDefinitionReads and AppUpdateReads */
export function fromOldBody(body: unknown, isWhole: boolean): unknown {
  if (!isObject(body)) return body;
  refuseContradictions(body, isWhole);
  refuseOperators(body.constraints);
  const { uris, ports, container, ...rest } = body;
  const app: Json = { ...rest };
  if (Array.isArray(uris) && (uris.length > 0 || !isWhole)) app.fetch = uris.map((uri) => ({ uri }));
  if (Array.isArray(ports)) app.portDefinitions ??= ports.map((port) => ({ port }));
  const address = isObject(rest.ipAddress) ? rest.ipAddress : undefined;
  if (isObject(container)) app.container = containerOf(container, address);
  else if (address) app.container = containerOf({ type: 'MESOS' }, address);
  return app;
}

function containerOf(container: Json, ipAddress: Json | undefined): Json {
  const { portMappings: _unknown, ...whole } = container;
  const type = container.type ?? 'DOCKER';
  if (!isObject(container.docker)) {
    if (type === 'DOCKER') refuse('/container', 'docker must not be empty');
    return { ...whole, type, portMappings: discoveryPorts(ipAddress) };
  }
  const { portMappings, ...docker } = container.docker;
  const { network } = docker;
  if (network !== undefined && network !== null && !DOCKER_NETWORKS.has(network))
    refuse('/container/docker/network', `${String(network)} is not a valid network type`);
  if (type === 'MESOS') {
    for (const [field, value] of Object.entries({ portMappings, network, parameters: docker.parameters }))
      if (Array.isArray(value) ? value.length > 0 : value)
        refuse(`/container/${field}`, `Mesos Containerizer does not support ${field}`);
    return { ...whole, type, docker, portMappings: discoveryPorts(ipAddress) };
  }
  const isMapped = network === 'BRIDGE' || network === 'USER';
  return { ...whole, type, docker, ...(isMapped && Array.isArray(portMappings) ? { portMappings } : {}) };
}

function refuseContradictions(body: Json, isWhole: boolean): void {
  const { uris, fetch, ports, portDefinitions, ipAddress } = body;
  const isGiven = (value: unknown) => Array.isArray(value) && (value.length > 0 || !isWhole);
  if (uris !== undefined && uris !== null && !Array.isArray(uris)) refuse('/uris', 'error.expected.jsarray');
  if (isGiven(uris) && isGiven(fetch)) refuse('', 'You cannot specify both uris and fetch fields');
  if (isWhole && isObject(ipAddress) && (isGiven(ports) || isGiven(portDefinitions)))
    refuse('', 'You cannot specify both an IP address and ports');
  if (Array.isArray(ports) && Array.isArray(portDefinitions) && !areSamePorts(ports, portDefinitions))
    refuse('', 'You cannot specify both ports and port definitions');
}

/** Here an operator is a matter of types; later it is a rule for apps. */
function refuseOperators(constraints: unknown): void {
  if (!Array.isArray(constraints)) return;
  for (const [index, constraint] of constraints.entries())
    if (Array.isArray(constraint) && !OPERATORS.includes(constraint[1]))
      refuse(
        `/constraints(${index})`,
        `Constraint operator must be one of the following: [${OPERATORS.join(', ')}]`,
      );
}

function refuse(path: string, error: string): never {
  const violation: Violation = { path, errors: [error] };
  throw wrongTypes([violation], STATUS);
}
