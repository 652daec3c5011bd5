// pure
import type { App } from './app-schema.ts';

/** The port in the container of an app that one of its service ports leads to: the first, unless told otherwise, is the
 * one that HAPROXY_0_… labels are about. Pure.
 * @returns undefined where Marathon chooses it and tells the task by PORT0: on the host's network, and for a
 * container port of 0; also when the app has no ports at all
 * @source Marathon docs, networking: portMappings, portDefinitions, ipAddress.discovery */
export function exposedPort(
  { network, portMappings, discoveryPorts }: Readonly<ExposingApp>,
  index = 0,
): number | undefined {
  if (network === 'host') return undefined;
  const port = portMappings[index]?.containerPort ?? discoveryPorts[index] ?? 0;
  return port === 0 ? undefined : port;
}

export type ExposingApp = Pick<App, 'network' | 'portMappings' | 'discoveryPorts'>;
