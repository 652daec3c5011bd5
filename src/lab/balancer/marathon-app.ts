// pure

/** What the balancer reads of `GET /v2/apps?embed=apps.tasks`; everything may be missing or null, by version. */
export interface MarathonApp {
  id: string;
  labels?: Record<string, string> | null;
  instances?: number;
  healthChecks?: MarathonHealthCheck[] | null;
  ports?: number[] | null;
  portDefinitions?: { port?: number | null }[] | null;
  networks?: { mode?: string }[] | null;
  container?: {
    portMappings?: MarathonPortMapping[] | null;
    docker?: { network?: string | null; portMappings?: MarathonPortMapping[] | null } | null;
  } | null;
  tasks?: MarathonTask[] | null;
}

export interface MarathonPortMapping {
  containerPort?: number;
  hostPort?: number;
  servicePort?: number | null;
}

export interface MarathonHealthCheck {
  protocol: string;
  path?: string | null;
  port?: number | null;
  portIndex?: number | null;
  intervalSeconds: number;
  timeoutSeconds: number;
  gracePeriodSeconds: number;
  maxConsecutiveFailures: number;
}

export interface MarathonTask {
  id: string;
  host?: string | null;
  state?: string;
  ports?: number[] | null;
  healthCheckResults?: { alive: boolean }[];
}

/** Service ports of an app, by index of HAPROXY_{n}: of the port mappings behind a container network, else of the port
 * definitions, else `ports`. */
export function servicePorts(app: MarathonApp): number[] {
  if (hasContainerNetwork(app)) {
    const mapped = portMappings(app).flatMap(({ servicePort }) => servicePort ?? []);
    if (mapped.length > 0) return mapped;
  }
  if (app.portDefinitions) return app.portDefinitions.flatMap(({ port }) => port ?? []);
  return app.ports ?? [];
}

/** Ports that are dialled for one task: its host ports, else the ports of the definitions. */
export function taskPorts(app: MarathonApp, task: MarathonTask): number[] {
  if (task.ports && task.ports.length > 0) return task.ports;
  return (app.portDefinitions ?? []).flatMap(({ port }) => port ?? []);
}

function hasContainerNetwork(app: MarathonApp): boolean {
  const last = app.networks?.at(-1);
  if (last !== undefined) return (last.mode ?? 'container') !== 'host';
  const network = app.container?.docker?.network;
  return network === 'BRIDGE' || network === 'USER';
}

function portMappings(app: MarathonApp): MarathonPortMapping[] {
  return app.container?.docker?.portMappings ?? app.container?.portMappings ?? [];
}
