// pure
import type { MarathonApp, MarathonPortMapping, MarathonTask } from './marathon-app.ts';
import type { PortAssigner } from './port-assigner.ts';

/** Service ports of an app, by index of HAPROXY_{n}: of the port mappings behind a container network, else of the port
 * definitions, else `ports`; with none of these and an address per task, assigned ones.
 * @returns undefined for a port that could not be assigned */
export function servicePorts(app: MarathonApp, assigner: PortAssigner | undefined): (number | undefined)[] {
  const mode = networkMode(app);
  if (mode === 'container' || mode === 'container/bridge') {
    const mapped = portMappings(app).flatMap(({ servicePort }) => servicePort ?? []);
    if (mapped.length > 0) return mapped;
  }
  const ports = app.portDefinitions
    ? app.portDefinitions.flatMap(({ port }) => port ?? [])
    : (app.ports ?? []);
  const task = app.tasks?.[0];
  if (ports.length > 0 || mode !== 'container' || assigner === undefined || task === undefined) return ports;
  return taskPorts(app, task).map((port) => assigner.portFor(app.id, port));
}

/** Ports that are dialled for one task: host ports, or those inside its container when it has an address of its own. */
export function taskPorts(app: MarathonApp, task: MarathonTask): number[] {
  const mode = networkMode(app);
  if (mode !== 'host' && mode !== 'container/bridge') {
    const discovered = (app.ipAddress?.discovery?.ports ?? []).flatMap(({ number }) => number ?? []);
    return discovered.length > 0 ? discovered : containerPorts(app);
  }
  if (task.ports && task.ports.length > 0) return task.ports;
  const defined = (app.portDefinitions ?? []).flatMap(({ port }) => port ?? []);
  return defined.length > 0 || mode === 'host' ? defined : containerPorts(app);
}

/** Address that is dialled for one task. @param addresses of hosts  @returns undefined when there is none (yet) */
export function taskAddress(
  app: MarathonApp,
  task: MarathonTask,
  addresses: ReadonlyMap<string, string>,
): string | undefined {
  if (networkMode(app) === 'container') return task.ipAddresses?.[0]?.ipAddress || undefined;
  return addresses.get(task.host ?? '');
}

/** The last of the app's networks decides, whatever else is set. */
function networkMode(app: MarathonApp): string {
  const last = app.networks?.at(-1);
  if (last !== undefined) return last.mode ?? 'container';
  const network = app.container?.docker?.network;
  if (network === 'USER') return 'container';
  if (network === 'BRIDGE') return 'container/bridge';
  return Object.keys(app.ipAddress ?? {}).length > 0 ? 'container' : 'host';
}

function containerPorts(app: MarathonApp): number[] {
  return portMappings(app).flatMap(({ containerPort }) => containerPort ?? []);
}

function portMappings(app: MarathonApp): MarathonPortMapping[] {
  const ofDocker = app.container?.docker?.portMappings ?? [];
  return ofDocker.length > 0 ? ofDocker : (app.container?.portMappings ?? []);
}
