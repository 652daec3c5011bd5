// pure
import { type App, portWishes } from './app.ts';

const LONGEST_LABEL_NAME = 493;
const LONGEST_LABEL_VALUE = 512;

export interface TaskFacts {
  taskId: string;
  host: string;
  ports: number[];
  sandbox: string;
}

/** The variables of one task, the user's own last. Secrets are looked up by their source.
 * @source src/main/scala/mesosphere/mesos/EnvironmentHelper.scala */
export function taskEnv(
  app: App,
  task: TaskFacts,
  secrets: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const own: Record<string, string> = {};
  for (const [key, value] of Object.entries(app.env)) {
    if (typeof value === 'string') own[key] = value;
    else {
      const source = app.secrets[value.secret]?.source;
      const secret = source === undefined ? undefined : secrets[source];
      if (secret !== undefined) own[key] = secret;
    }
  }
  return { ...contextEnv(app, task), ...labelEnv(app), ...portEnv(app, task), HOST: task.host, ...own };
}

function contextEnv(app: App, task: TaskFacts): Record<string, string> {
  return {
    MARATHON_APP_ID: app.id,
    MARATHON_APP_VERSION: app.version,
    ...(app.container?.docker ? { MARATHON_APP_DOCKER_IMAGE: app.container.docker.image } : {}),
    MARATHON_APP_RESOURCE_CPUS: double(app.cpus),
    MARATHON_APP_RESOURCE_MEM: double(app.mem),
    MARATHON_APP_RESOURCE_DISK: double(app.disk),
    MARATHON_APP_RESOURCE_GPUS: String(app.gpus),
    MESOS_TASK_ID: task.taskId,
    MESOS_SANDBOX: task.sandbox,
  };
}

function labelEnv(app: App): Record<string, string> {
  const labels = Object.entries(app.labels)
    .filter(([name, value]) => name.length < LONGEST_LABEL_NAME && value.length < LONGEST_LABEL_VALUE)
    .map(([name, value]) => [name.replaceAll(/[^A-Za-z0-9_]+/g, '_').toUpperCase(), value] as const);
  return {
    MARATHON_APP_LABELS: labels.map(([name]) => name).join(' '),
    ...Object.fromEntries(labels.map(([name, value]) => [`MARATHON_APP_LABEL_${name}`, value])),
  };
}

function portEnv(app: App, task: TaskFacts): Record<string, string> {
  if (task.ports.length === 0) return {};
  const env: Record<string, string> = {};
  const wishes = portWishes(app);
  task.ports.forEach((port, index) => {
    const wish = wishes[index];
    env[`PORT${index}`] = String(port);
    env[`PORT_${wish?.declared || port}`] = String(port);
    if (wish?.name) env[`PORT_${wish.name.toUpperCase()}`] = String(port);
  });
  return { ...env, PORT: String(task.ports[0]), PORTS: task.ports.join(',') };
}

/** A number as Scala prints a Double: `128` is `128.0`. */
const double = (value: number) => (Number.isInteger(value) ? value.toFixed(1) : String(value));
