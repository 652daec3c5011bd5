// pure
import { z } from 'zod';
import { ApiError, type Violation, wrongTypes } from './api-error.ts';
import type { Dialect } from './dialect.ts';

const names = z.record(z.string(), z.string());
const anything = z.looseObject({});

const portDefinition = z.object({
  port: z.int().min(0).max(65535).default(0),
  protocol: z.string().default('tcp'),
  name: z.string().optional(),
  labels: names.default({}),
});
const portMapping = z.object({
  containerPort: z.int().min(0).max(65535).default(0),
  hostPort: z.int().min(0).max(65535).optional(),
  servicePort: z.int().min(0).max(65535).default(0),
  protocol: z.string().default('tcp'),
  name: z.string().optional(),
  labels: names.default({}),
});
const container = z.object({
  type: z.enum(['DOCKER', 'MESOS']).default('MESOS'),
  docker: z
    .looseObject({
      image: z.string(),
      forcePullImage: z.boolean().default(false),
      parameters: z.array(z.object({ key: z.string(), value: z.string() })).default([]),
      privileged: z.boolean().default(false),
    })
    .optional(),
  portMappings: z.array(portMapping).optional(),
  volumes: z.array(anything).default([]),
});

/** Times may be fractions here, although Marathon wants whole seconds: a test that waits for three failed
 * probes should take a fraction of a second, and nothing else in the model depends on the unit. */
const seconds = z.number().min(0);
const healthCheck = z.object({
  protocol: z
    .enum(['HTTP', 'HTTPS', 'TCP', 'COMMAND', 'MESOS_HTTP', 'MESOS_HTTPS', 'MESOS_TCP'])
    .default('HTTP'),
  path: z.string().optional(),
  portIndex: z.int().min(0).optional(),
  port: z.int().min(1).max(65535).optional(),
  command: z.object({ value: z.string() }).optional(),
  gracePeriodSeconds: seconds.default(300),
  intervalSeconds: seconds.default(60),
  timeoutSeconds: seconds.default(20),
  maxConsecutiveFailures: z.int().min(0).default(3),
  delaySeconds: seconds.default(15),
  ipProtocol: z.string().default('IPv4'),
  ignoreHttp1xx: z.boolean().default(false),
});
const readinessCheck = z.object({
  name: z.string().default('readinessCheck'),
  protocol: z.enum(['HTTP', 'HTTPS']).default('HTTP'),
  path: z.string().default('/'),
  portName: z.string().default('http-api'),
  intervalSeconds: seconds.default(30),
  timeoutSeconds: seconds.default(10),
  httpStatusCodesForReady: z.array(z.int()).default([200]),
  preserveLastResponse: z.boolean().default(false),
});

/** The fields of an app that a write may carry. Names that are not here are ignored, as Marathon does. */
const appUpdate = z.object({
  id: z.string().optional(),
  cmd: z.string().optional(),
  args: z.array(z.string()).optional(),
  user: z.string().optional(),
  env: z.record(z.string(), z.union([z.string(), z.object({ secret: z.string() })])).optional(),
  instances: z.int().optional(),
  cpus: z.number().optional(),
  mem: z.number().optional(),
  disk: z.number().optional(),
  gpus: z.int().optional(),
  executor: z.string().optional(),
  constraints: z.array(z.array(z.string()).min(2).max(3)).optional(),
  fetch: z.array(z.looseObject({ uri: z.string() })).optional(),
  requirePorts: z.boolean().optional(),
  backoffSeconds: seconds.optional(),
  backoffFactor: z.number().optional(),
  maxLaunchDelaySeconds: seconds.optional(),
  container: container.optional(),
  healthChecks: z.array(healthCheck).optional(),
  check: anything.optional(),
  readinessChecks: z.array(readinessCheck).optional(),
  taskKillGracePeriodSeconds: seconds.optional(),
  dependencies: z.array(z.string()).optional(),
  upgradeStrategy: z
    .object({
      maximumOverCapacity: z.number().default(1),
      minimumHealthCapacity: z.number().default(1),
    })
    .optional(),
  labels: names.optional(),
  acceptedResourceRoles: z.array(z.string()).optional(),
  networks: z
    .array(
      z.object({
        mode: z.enum(['host', 'container', 'container/bridge']).default('container'),
        name: z.string().optional(),
      }),
    )
    .optional(),
  portDefinitions: z.array(portDefinition).optional(),
  secrets: z.record(z.string(), z.object({ source: z.string() })).optional(),
  unreachableStrategy: z
    .union([
      z.object({ inactiveAfterSeconds: z.number().default(0), expungeAfterSeconds: z.number().default(0) }),
      z.literal('disabled'),
    ])
    .optional(),
  killSelection: z.enum(['YOUNGEST_FIRST', 'OLDEST_FIRST']).optional(),
  tty: z.boolean().optional(),
  residency: anything.optional(),
  executorResources: anything.optional(),
  resourceLimits: anything.optional(),
  role: z.string().optional(),
  /** Up to 1.4: an address of its own for each task. Room is left for it; tasks get ports of their agent. */
  ipAddress: z.looseObject({ networkName: z.string().optional() }).optional(),
  version: z.string().optional(),
});

export type AppUpdate = z.infer<typeof appUpdate>;
export type HealthCheck = z.infer<typeof healthCheck>;

/** The body of a write as text into a value. @throws ApiError 400, in Marathon's two forms */
export function parseJson(text: string): unknown {
  if (text.trim() === '')
    throw new ApiError(400, {
      message: 'Please specify data in JSON format',
      details: 'No content to map due to end-of-input',
    });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ApiError(400, {
      message: 'Invalid JSON',
      details: cause instanceof Error ? cause.message : '',
    });
  }
}

/** An app or part of one from a body. `null` means "not given", at every level but inside `env` and `labels`.
 * @throws ApiError 422 (400 up to 1.4) with a path and Play's error words for each wrong type */
export function parseApp(body: unknown, dialect: Dialect): AppUpdate {
  const checked = appUpdate.safeParse(withoutNulls(body));
  if (checked.success) return checked.data;
  throw wrongTypes(checked.error.issues.map(toViolation), dialect);
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(
    kept.map(([key, inner]) => [key, key === 'env' || key === 'labels' ? inner : withoutNulls(inner)]),
  );
}

const PLAY_TYPES: Record<string, string> = {
  number: 'jsnumber',
  int: 'jsnumber',
  string: 'jsstring',
  boolean: 'jsboolean',
  array: 'jsarray',
  object: 'jsobject',
  record: 'jsobject',
};

function toViolation(issue: z.core.$ZodIssue): Violation {
  const path = issue.path
    .map((part) => (typeof part === 'number' ? `(${part})` : `/${String(part)}`))
    .join('');
  if (issue.code === 'invalid_type')
    return { path, errors: [`error.expected.${PLAY_TYPES[issue.expected] ?? issue.expected}`] };
  if (issue.code === 'invalid_union') return { path, errors: ['error.expected.jsobject'] };
  return { path, errors: [issue.message] };
}
