// pure
import { isDeepStrictEqual } from 'node:util';
import type { AppUpdate } from './schema.ts';

/** An app with every default filled in, as it is stored and launched. Times inside are seconds, as on the wire. */
export interface App extends Omit<AppUpdate, 'version'> {
  id: string;
  env: NonNullable<AppUpdate['env']>;
  labels: Record<string, string>;
  instances: number;
  cpus: number;
  mem: number;
  disk: number;
  gpus: number;
  executor: string;
  constraints: string[][];
  fetch: NonNullable<AppUpdate['fetch']>;
  requirePorts: boolean;
  backoffSeconds: number;
  backoffFactor: number;
  maxLaunchDelaySeconds: number;
  healthChecks: NonNullable<AppUpdate['healthChecks']>;
  readinessChecks: NonNullable<AppUpdate['readinessChecks']>;
  dependencies: string[];
  upgradeStrategy: { maximumOverCapacity: number; minimumHealthCapacity: number };
  networks: NonNullable<AppUpdate['networks']>;
  secrets: NonNullable<AppUpdate['secrets']>;
  unreachableStrategy: NonNullable<AppUpdate['unreachableStrategy']>;
  killSelection: 'YOUNGEST_FIRST' | 'OLDEST_FIRST';
  version: string;
  versionInfo: { lastScalingAt: string; lastConfigChangeAt: string };
}

/** The ports an app asks for, in the order of PORT0, PORT1, …, whatever the network mode.
 * `declared` names the variable PORT_<declared>; `hostPort` 0 means any. */
export interface PortWish {
  servicePort: number;
  hostPort: number;
  declared: number;
  name: string | undefined;
}

export function portWishes(app: App): PortWish[] {
  if (isHostMode(app))
    return (app.portDefinitions ?? []).map((port) => ({
      servicePort: port.port,
      hostPort: app.requirePorts ? port.port : 0,
      declared: port.port,
      name: port.name,
    }));
  return (app.container?.portMappings ?? []).map((mapping) => ({
    servicePort: mapping.servicePort,
    hostPort: mapping.hostPort ?? 0,
    declared: mapping.containerPort,
    name: mapping.name,
  }));
}

export const isHostMode = (app: { networks: App['networks'] }) =>
  app.networks.every((network) => network.mode === 'host');

/** Is the difference one that restarts tasks? Everything counts but instances, versions and executorResources.
 * @source S/state/AppDefinition.scala, isUpgrade */
export function isConfigChange(before: App, after: App): boolean {
  return !isDeepStrictEqual(configOf(before), configOf(after));
}

function configOf(app: App): Record<string, unknown> {
  const { instances, version, versionInfo, executorResources, ...config } = app;
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}
