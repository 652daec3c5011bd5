// pure

/** What is needed of an app whose tasks stand behind balancers. */
export interface ServedApp {
  labels: Readonly<Record<string, string>>;
  network: 'host' | 'bridge' | 'container';
  portDefinitions: readonly { port: number }[];
  portMappings: readonly { containerPort: number; servicePort: number | undefined }[];
  /** `ipAddress.discovery.ports` of Marathon 1.4 and older. */
  discoveryPorts: readonly number[];
}

export interface ServedTask {
  host: string;
  /** Ports of the agent. */
  ports: readonly number[];
  /** Of its own, where it has some. */
  ipAddresses: readonly string[];
}

export interface NamingRules {
  /** The id that marathon-lb names the app by: its own, or the label HAPROXY_DEPLOYMENT_GROUP in either spelling. */
  group: string;
  /** IPv4 addresses of agents by host name; an address stands for itself. */
  addresses: ReadonlyMap<string, string>;
  /** The app whose labels and ports marathon-lb uses for both colours of a group: the one that it takes for the older.
   * Default: the app itself. */
  owner?: ServedApp | undefined;
}

/** Stands for numbers that are not known here; `isNamed()` knows how. No name of HAProxy may have it. */
export const UNKNOWN = '*';

/** The names of a task's server lines in HAProxy's statistics, `BACKEND/SERVER`: one for each port that has a service
 * port of the same index. Pure.
 *   /nginx on 10.0.6.25 with the port 31184, service port 10000 → nginx_10000/10_0_6_25_31184
 * An address that is not known here, and a service port that marathon-lb chooses itself, become `*`: the line is to be
 * found all the same, since a task without lines passes for one that nobody ever sent anything to.
 * @returns [] for a task without host or ports, or whose ports are switched off by HAPROXY_{n}_ENABLED
 * @source marathon-lb marathon_lb.py (get_apps, config), utils.py (get_task_ip_and_ports) */
export function listenersOf(app: ServedApp, task: ServedTask, rules: NamingRules): string[] {
  const owner = rules.owner ?? app;
  const address = taskAddressOf(owner, task, rules.addresses);
  if (task.host === '' || address === undefined) return [];
  const taskPorts = taskPortsOf(owner, task);
  const known = servicePortsOf(owner);
  const isAssigned = known.length === 0 && owner.network === 'container';
  const listeners = taskPorts.flatMap((port, at) => {
    // Of several ports with one number marathon-lb keeps the labels of the last.
    const index = isAssigned ? at : known.lastIndexOf(known[at] ?? Number.NaN);
    if (index < 0 || !isEnabled(label(owner, index, 'ENABLED'))) return [];
    const service = integer(label(owner, index, 'PORT')) ?? known[index] ?? UNKNOWN;
    return `${backendName(rules.group, service)}/${serverName(task.host, address, port)}`;
  });
  return [...new Set(listeners)];
}

/** The id of a deployment group as marathon-lb uses it in place of the app's. Pure.
 *   'nginx' → '/nginx'   '/nginx' → '/nginx'   'prod/web' → '/prod/web' */
export function groupAppId(group: string): string {
  return group.startsWith('/') ? group : `/${group}`;
}

/** The backend of an app's service port, CSV `pxname`. Pure.
 *   ('/prod/web', 10000) → 'prod_web_10000' */
export function backendName(appId: string, servicePort: number | typeof UNKNOWN): string {
  return `${groupAppId(appId).slice(1).replaceAll('/', '_')}_${servicePort}`;
}

/** The server line of a task's port, CSV `svname`. Pure.
 *   ('10.0.6.25', '10.0.6.25', 31184) → '10_0_6_25_31184'
 *   ('agent-1.example', '10.0.0.5', 31184) → 'agent-1_example_10_0_0_5_31184' */
export function serverName(host: string, ip: string, port: number): string {
  const cleaned = (text: string) => text.replaceAll(/[^a-zA-Z0-9-]/g, '_');
  const address = ip === UNKNOWN ? UNKNOWN : cleaned(ip);
  return host === ip ? `${address}_${port}` : `${cleaned(host)}_${address}_${port}`;
}

/** Whether a line of the statistics is the one that a name of `listenersOf()` means. Pure. */
export function isNamed(listener: string, row: string): boolean {
  if (!listener.includes(UNKNOWN)) return listener === row;
  const parts = listener.split(UNKNOWN).map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
  return new RegExp(`^${parts.join('\\d{1,5}(?:_\\d{1,3}){0,3}')}$`).test(row);
}

/** Service ports by the index that labels carry; what marathon-lb chooses itself is not among them. Pure.
 * @source marathon-lb utils.py, ServicePortAssigner.get_service_ports */
export function servicePortsOf(app: ServedApp): number[] {
  const mapped =
    app.network === 'host' ? [] : app.portMappings.flatMap(({ servicePort }) => servicePort ?? []);
  return mapped.length > 0 ? mapped : app.portDefinitions.map(({ port }) => port);
}

/** Ports that are dialled for a task, by index: of the agent, or inside where it has an address of its own. Pure.
 * @source marathon-lb utils.py, get_app_task_ports */
export function taskPortsOf(app: ServedApp, task: ServedTask): number[] {
  const inside = app.portMappings.map(({ containerPort }) => containerPort);
  if (app.network === 'container') return app.discoveryPorts.length > 0 ? [...app.discoveryPorts] : inside;
  if (task.ports.length > 0) return [...task.ports];
  const defined = app.portDefinitions.map(({ port }) => port);
  return defined.length > 0 || app.network === 'host' ? defined : inside;
}

/** The address that is dialled for a task. Pure.
 * @returns undefined while it has none of its own and needs one; `*` when that of its agent is not known here */
export function taskAddressOf(
  app: Pick<ServedApp, 'network'>,
  task: ServedTask,
  addresses: ReadonlyMap<string, string>,
): string | undefined {
  if (app.network === 'container') return task.ipAddresses[0];
  return addresses.get(task.host) ?? (/^\d+(\.\d+){3}$/.test(task.host) ? task.host : UNKNOWN);
}

/** Labels are other people's: a name may also stand for what every object has. */
function label({ labels }: ServedApp, index: number, name: string): string | undefined {
  const key = `HAPROXY_${index}_${name}`;
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** As marathon-lb reads it: anything but these words switches the port off. */
function isEnabled(value: string | undefined): boolean {
  return value === undefined || /^(true|t|yes|y)$/i.test(value);
}

/** Another text stops marathon-lb from following Marathon at all; then the name is the one from before the label. */
function integer(value: string | undefined): number | undefined {
  return value !== undefined && /^\s*[+-]?\d{1,9}\s*$/.test(value) ? Number(value) : undefined;
}
