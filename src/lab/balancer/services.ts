// pure
import { readLabels, type ServiceLabels } from './labels.ts';
import type { MarathonApp, MarathonHealthCheck, MarathonTask } from './marathon-app.ts';
import { servicePorts, taskAddress, taskPorts } from './networking.ts';
import { PortAssigner } from './port-assigner.ts';

/** One service port of one app with the servers behind it: what becomes a frontend and a backend. */
export interface Service extends ServiceLabels {
  appId: string;
  appGroups: string[];
  healthCheck: MarathonHealthCheck | undefined;
  servers: Server[];
}

export interface Server {
  host: string;
  ip: string;
  port: number;
  /** Taken out of use by the deployment-group rules: `disabled` on its line. */
  isDraining: boolean;
}

export interface ServiceRules {
  /** `--health-check`: only tasks that Marathon has seen alive. */
  needsHealth: boolean;
  /** `--strict-mode`: only ports with HAPROXY_{n}_ENABLED=true. */
  strict: boolean;
  /** FRAMEWORK_NAME: the app `/NAME` is skipped. */
  ownName: string | undefined;
  /** Addresses of hosts; a host without one is skipped. */
  addresses: ReadonlyMap<string, string>;
  /** Last known health of tasks that carry no results; filled here, kept by the caller between generations. */
  lastHealth: Map<string, boolean>;
  /** Service ports to assign where Marathon gives none, both inclusive; undefined: such ports are left out. */
  assignablePorts: { min: number; max: number } | undefined;
}

const UNUSABLE_STATES = new Set(
  'STAGING STARTING KILLING FINISHED FAILED KILLED ERROR DROPPED GONE GONE_BY_OPERATOR UNKNOWN'
    .split(' ')
    .map((state) => `TASK_${state}`),
);

/** Every service port that has at least one server, in the order of the list.
 * @throws Error on a label that marathon-lb cannot read: no app is generated then */
export function readServices(apps: readonly MarathonApp[], rules: ServiceRules): Service[] {
  const assigner = rules.assignablePorts === undefined ? undefined : new PortAssigner(rules.assignablePorts);
  return apps
    .filter((app) => rules.ownName === undefined || app.id !== `/${rules.ownName}`)
    .flatMap((app) => servicesOf(app, servicePorts(app, assigner), rules));
}

function servicesOf(app: MarathonApp, ports: (number | undefined)[], rules: ServiceRules): Service[] {
  const labels = app.labels ?? {};
  const byPort = new Map<number, Service>();
  for (const [index, servicePort] of ports.entries()) {
    if (servicePort === undefined) continue;
    const healthCheck = healthCheckOf(app, index);
    const service: Service = {
      ...readLabels(labels, index, { servicePort, healthCheck, strict: rules.strict }),
      appId: app.id,
      appGroups: labels.HAPROXY_GROUP?.split(',') ?? [],
      healthCheck,
      servers: [],
    };
    borrowHealthCheck(app, service);
    byPort.set(servicePort, service);
  }
  for (const task of app.tasks ?? []) addServers(app, task, ports, byPort, rules);
  return [...byPort.values()].filter(({ servers }) => servers.length > 0);
}

function addServers(
  app: MarathonApp,
  task: MarathonTask,
  ports: (number | undefined)[],
  byPort: Map<number, Service>,
  rules: ServiceRules,
): void {
  if (!task.host || (task.state !== undefined && UNUSABLE_STATES.has(task.state))) return;
  if (rules.needsHealth && (app.healthChecks?.length ?? 0) > 0 && !isAlive(task, rules.lastHealth)) return;
  const ip = taskAddress(app, task, rules.addresses);
  if (ip === undefined) return;
  // Versions of an app may differ in their number of ports: as many as match, by index.
  for (const [index, port] of taskPorts(app, task).entries()) {
    const servicePort = ports[index];
    const service = servicePort === undefined ? undefined : byPort.get(servicePort);
    service?.servers.push({ host: task.host, ip, port, isDraining: task.isDraining === true });
  }
}

/** Any alive result suffices; an empty list is no; no list at all means what was known last. */
function isAlive(task: MarathonTask, lastHealth: Map<string, boolean>): boolean {
  if (task.healthCheckResults === undefined) return lastHealth.get(task.id) ?? false;
  const alive = task.healthCheckResults.some((result) => result.alive);
  lastHealth.set(task.id, alive);
  return alive;
}

function healthCheckOf(app: MarathonApp, portIndex: number): MarathonHealthCheck | undefined {
  return (app.healthChecks ?? []).find((check) => check.port || check.portIndex === portIndex);
}

function borrowHealthCheck(app: MarathonApp, service: Service): void {
  if (service.healthCheck !== undefined || service.healthCheckPortIndex === undefined) return;
  service.healthCheck = healthCheckOf(app, service.healthCheckPortIndex);
  if (['HTTP', 'HTTPS', 'MESOS_HTTP', 'MESOS_HTTPS'].includes(service.healthCheck?.protocol ?? '')) {
    service.mode = 'http';
  }
}
