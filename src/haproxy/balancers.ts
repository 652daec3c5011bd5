// pure

/** What is needed of a marathon-lb app and its tasks. */
export interface BalancerApp {
  network: 'host' | 'bridge' | 'container';
  portDefinitions: readonly { port: number; name: string | undefined }[];
  portMappings: readonly { containerPort: number; name: string | undefined }[];
  tasks: readonly {
    id: string;
    host: string;
    ports: readonly number[];
    ipAddresses: readonly string[];
    state: string;
    version: string | undefined;
    healthCheckResults: readonly { alive: boolean }[];
  }[];
}

/** One running marathon-lb instance. */
export interface Balancer {
  /** The identity: the task's id, since hosts and ports are taken over by the next task; `HOST:PORT` of one
   * that was not found through Marathon. */
  id: string;
  host: string;
  /** Where it serves HTTPS. */
  tlsPort: number;
  /** Where its admin endpoints answer (9090). */
  adminPort: number;
  /** The app's version when it was launched. */
  version: string | undefined;
  /** Marathon's checks; undefined while there is no result yet, or no check. */
  isAlive: boolean | undefined;
}

/** A task that serves nobody, or that can not be reached from outside. */
export interface IdleTask {
  taskId: string;
  host: string;
  state: string;
  reason: 'not-running' | 'no-host' | 'no-tls-port';
}

export interface BalancerPorts {
  tls: number;
  admin: number;
}

/** The balancers among the tasks of a marathon-lb app.
 *
 * Which port of a task stands for port P of HAProxy (443 or 9090):
 *   network    | found                                   | host         | port
 *   host       | a definition of P, or none that fits    | task's host  | P: HAProxy binds it itself, whatever
 *              |                                         |              | Marathon assigned
 *   host       | a definition named `https` or `admin`   | task's host  | assigned to it; the configuration of
 *              | with another port                       |              | that balancer was changed to follow
 *   bridge     | a mapping from P, or so named           | task's host  | assigned to it
 *   container  | –                                       | task's own   | P
 * @param ports as HAProxy binds them
 * @source marathon-lb config.py (bind lines), utils.py (get_task_ip, get_app_task_ports) */
export function balancersOf(
  app: BalancerApp,
  ports: BalancerPorts = { tls: 443, admin: 9090 },
): { balancers: Balancer[]; idle: IdleTask[] } {
  const balancers: Balancer[] = [];
  const idle: IdleTask[] = [];
  for (const task of app.tasks) {
    const host = app.network === 'container' ? (task.ipAddresses[0] ?? '') : task.host;
    const tlsPort = portOf(app, task.ports, ports.tls, 'https');
    const leaveOut = (reason: IdleTask['reason']) =>
      idle.push({ taskId: task.id, host, state: task.state, reason });
    if (task.state !== 'TASK_RUNNING') leaveOut('not-running');
    else if (host === '') leaveOut('no-host');
    else if (tlsPort === undefined) leaveOut('no-tls-port');
    else {
      balancers.push({
        id: task.id,
        host,
        tlsPort,
        // Nothing is served there when it is not mapped; only calls to the admin endpoints will fail.
        adminPort: portOf(app, task.ports, ports.admin, 'admin') ?? ports.admin,
        version: task.version,
        isAlive: isAlive(task.healthCheckResults),
      });
    }
  }
  return { balancers, idle };
}

function portOf(
  app: BalancerApp,
  assigned: readonly number[],
  port: number,
  name: string,
): number | undefined {
  if (app.network === 'container') return port;
  if (app.network === 'bridge') {
    const byPort = app.portMappings.findIndex((mapping) => mapping.containerPort === port);
    return assigned[byPort >= 0 ? byPort : app.portMappings.findIndex((mapping) => mapping.name === name)];
  }
  if (app.portDefinitions.some((definition) => definition.port === port)) return port;
  const byName = app.portDefinitions.findIndex((definition) => definition.name === name);
  return byName < 0 ? port : (assigned[byName] ?? port);
}

function isAlive(results: readonly { alive: boolean }[]): boolean | undefined {
  return results.length === 0 ? undefined : results.every(({ alive }) => alive);
}
