// pure
import { z } from 'zod';
import { count, list, maybe, or, port, text } from './fields.ts';

/** A value of `env`: text, or the name of a secret (feature `secrets`), never its content. */
export type EnvValue = string | { secret: string };
export type Env = Record<string, EnvValue>;

/** The very object that was read: it is sent back whole, so nothing in it may be left out or reordered. */
const env = or(
  z.custom<Env>().superRefine((value, context) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      return context.addIssue({ code: 'custom', message: 'expected an object' });
    }
    for (const [key, entry] of Object.entries(value)) {
      if (typeof entry === 'string' || typeof (entry as { secret?: unknown })?.secret === 'string') continue;
      context.addIssue({ code: 'custom', path: [key], message: 'expected text or a secret reference' });
    }
  }),
  {},
);

const labels = or(z.record(z.string(), z.string()), {});

const taskSchema = z
  .object({
    id: text,
    appId: maybe(text),
    host: or(text, ''),
    /** Host ports in the order of the port definitions; of the port mappings when there are some. */
    ports: list(port),
    ipAddresses: list(z.object({ ipAddress: or(text, '') })),
    slaveId: maybe(text),
    state: maybe(text),
    stagedAt: maybe(text),
    startedAt: maybe(text),
    /** The app's version when the task was launched; missing on dead tasks, which stay listed from 1.8 on. */
    version: maybe(text),
    healthCheckResults: list(
      z.object({
        alive: or(z.boolean(), false),
        consecutiveFailures: or(count, 0),
        lastFailureCause: maybe(z.string()),
      }),
    ),
  })
  .transform((task) => ({
    ...task,
    state: task.state ?? (task.startedAt === undefined ? 'TASK_STAGING' : 'TASK_RUNNING'),
    ipAddresses: task.ipAddresses.map(({ ipAddress }) => ipAddress).filter((address) => address !== ''),
  }));
export type Task = z.output<typeof taskSchema>;

const portDefinition = z.object({ port: or(port, 0), name: maybe(text), protocol: or(text, 'tcp') });
const portMapping = z.object({
  containerPort: or(port, 0),
  hostPort: maybe(port),
  servicePort: maybe(port),
  name: maybe(text),
});
export type PortDefinition = z.output<typeof portDefinition>;
export type PortMapping = z.output<typeof portMapping>;

const failureSchema = z.object({
  host: maybe(text),
  message: or(z.string(), ''),
  state: or(text, ''),
  taskId: maybe(text),
  timestamp: maybe(text),
  version: maybe(text),
});
/** Why a task of the app last died. Exit status 0 does not count as a failure for Marathon. */
export type TaskFailure = z.output<typeof failureSchema>;

const healthCheckSchema = z.object({
  protocol: or(text, 'HTTP'),
  path: maybe(text),
  port: maybe(port),
  portIndex: maybe(count),
  gracePeriodSeconds: or(z.number(), 300),
  intervalSeconds: or(z.number(), 60),
  timeoutSeconds: or(z.number(), 20),
  maxConsecutiveFailures: or(count, 3),
});
export type HealthCheck = z.output<typeof healthCheckSchema>;

const readinessCheckSchema = z.object({
  name: or(text, 'readinessCheck'),
  protocol: or(text, 'HTTP'),
  path: or(text, '/'),
  portName: or(text, 'http-api'),
  intervalSeconds: or(z.number(), 30),
  timeoutSeconds: or(z.number(), 10),
  httpStatusCodesForReady: or(z.array(z.number()), [200]),
  preserveLastResponse: or(z.boolean(), false),
});
/** Tells when a new task may be relied on: the next old one is stopped only then. */
export type ReadinessCheck = z.output<typeof readinessCheckSchema>;

const readinessResultSchema = z.object({
  name: or(text, 'readinessCheck'),
  taskId: text,
  ready: or(z.boolean(), false),
  lastResponse: maybe(z.object({ status: maybe(count) })),
});
/** What the readiness check of one task said last; known to Marathon only while a deployment waits for it.
 * Source: S/core/readiness/ReadinessCheckResult.scala */
export type ReadinessCheckResult = z.output<typeof readinessResultSchema>;

const network = z.object({ mode: or(text, 'container'), name: maybe(text) });
/** Marathon 1.4 and older: an address for each task, and the ports that are found by it. */
const ipAddress = z.looseObject({
  discovery: maybe(z.object({ ports: list(z.object({ number: maybe(port) })) })),
});
const container = z.object({
  portMappings: list(portMapping),
  docker: maybe(z.object({ network: maybe(text), portMappings: list(portMapping), image: maybe(text) })),
});

export const appSchema = z
  .object({
    id: text,
    instances: or(count, 1),
    env,
    labels,
    cmd: maybe(z.string()),
    /** Arguments of the image; marathon-lb is told its mode and its certificates there. */
    args: list(z.string()),
    /** Of the last change of any kind. A task launched before a mere scaling carries an older one. */
    version: or(text, ''),
    versionInfo: or(z.object({ lastScalingAt: maybe(text), lastConfigChangeAt: maybe(text) }), {
      lastScalingAt: undefined,
      lastConfigChangeAt: undefined,
    }),
    deployments: list(z.object({ id: text })),
    /** Which tasks of too many end first; the youngest unless it says OLDEST_FIRST. 1.4 and newer. */
    killSelection: maybe(text),
    tasks: list(taskSchema),
    tasksStaged: or(count, 0),
    tasksRunning: or(count, 0),
    tasksHealthy: or(count, 0),
    tasksUnhealthy: or(count, 0),
    lastTaskFailure: maybe(failureSchema),
    networks: list(network),
    ipAddress: maybe(ipAddress),
    container: maybe(container),
    portDefinitions: list(portDefinition),
    ports: list(port),
    requirePorts: or(z.boolean(), false),
    healthChecks: list(healthCheckSchema),
    readinessChecks: list(readinessCheckSchema),
    readinessCheckResults: list(readinessResultSchema),
    upgradeStrategy: or(
      z.object({ minimumHealthCapacity: or(z.number(), 1), maximumOverCapacity: or(z.number(), 1) }),
      { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
    ),
    constraints: list(z.array(text)),
    taskKillGracePeriodSeconds: maybe(z.number()),
    /** A partial update drops these two unless it repeats them: kept as they were read. */
    executorResources: maybe(z.unknown()),
    resourceLimits: maybe(z.unknown()),
  })
  .transform(({ container, networks, ipAddress, ports, portDefinitions, deployments, ...app }) => ({
    ...app,
    /** Ids of the deployments that hold the app now. */
    deployments: deployments.map(({ id }) => id),
    network: networkOf(networks.at(-1)?.mode, container?.docker?.network, ipAddress),
    discoveryPorts: (ipAddress?.discovery?.ports ?? []).flatMap(({ number }) => number ?? []),
    image: container?.docker?.image,
    portDefinitions:
      portDefinitions.length > 0
        ? portDefinitions
        : ports.map((number): PortDefinition => ({ port: number, name: undefined, protocol: 'tcp' })),
    portMappings: container?.portMappings.length
      ? container.portMappings
      : (container?.docker?.portMappings ?? []),
  }));
/** An app as Certathon sees it. */
export type App = z.output<typeof appSchema>;

/** `host`: the agent's ports. `bridge`: mapped from the agent. `container`: an address of its own. */
export type NetworkMode = 'host' | 'bridge' | 'container';

function networkOf(mode?: string, dockerNetwork?: string, ipAddress?: object): NetworkMode {
  if (mode !== undefined) {
    if (mode === 'host') return 'host';
    return mode === 'container/bridge' ? 'bridge' : 'container';
  }
  if (dockerNetwork === 'BRIDGE') return 'bridge';
  return dockerNetwork === 'USER' || Object.keys(ipAddress ?? {}).length > 0 ? 'container' : 'host';
}
