// pure
import type { App, ReadinessCheck } from '../marathon/app-schema.ts';

/** marathon-lb's own page: HAProxy answers it as soon as it listens. */
const PATH = '/_haproxy_health_check';

export type ReadinessVerdict =
  | { kind: 'not-needed' }
  /** The app pauses long enough already. */
  | { kind: 'paused'; intervalMs: number }
  | { kind: 'propose'; readinessChecks: ReadinessCheck[] }
  /** Marathon finds the port of a readiness check by its name only. */
  | { kind: 'port-unnamed' };

/** A pause between the balancers of a restart, so that the one that is back takes part again before the next one
 * stops. Pure. "Healthy" for Marathon may come before the balancer in front sees it; Marathon stops the next one when
 * a task is *ready*, and asks for that at once, when HAProxy does not listen yet, and then at the interval. In the lab,
 * with two balancers that take 12 s to start and a front that needs 10 s, the longest time without an answer went from
 * 5 to 9 s down to a quarter of a second. With quick starts it gains nothing, and every deployment takes longer.
 * @param detectionMs how long the balancer in front takes to use one again
 * @source Marathon S/core/readiness/impl/ReadinessCheckExecutorImpl.scala; marathon.md 2.5 ("ready") */
export function readinessVerdict(
  app: Pick<App, 'instances' | 'portDefinitions' | 'portMappings' | 'readinessChecks'>,
  { detectionMs, adminPort }: { detectionMs: number; adminPort: number },
): ReadinessVerdict {
  if (app.instances < 2) return { kind: 'not-needed' };
  const [present] = app.readinessChecks;
  if (present !== undefined && present.intervalSeconds * 1000 >= detectionMs)
    return { kind: 'paused', intervalMs: present.intervalSeconds * 1000 };
  const port = [
    ...app.portDefinitions.map(({ port: number, name }) => ({ number, name })),
    ...app.portMappings.map(({ containerPort: number, name }) => ({ number, name })),
  ].find(({ number, name }) => number === adminPort || name === 'admin');
  const portName = present?.portName ?? port?.name;
  if (portName === undefined) return { kind: 'port-unnamed' };
  const intervalSeconds = Math.ceil(detectionMs / 1000);
  return {
    kind: 'propose',
    readinessChecks: [
      present === undefined
        ? {
            name: 'front',
            protocol: 'HTTP',
            path: PATH,
            portName,
            intervalSeconds,
            // Marathon refuses one that is not below the interval.
            timeoutSeconds: Math.max(1, Math.min(10, intervalSeconds - 1)),
            httpStatusCodesForReady: [200],
            preserveLastResponse: false,
          }
        : { ...present, intervalSeconds },
    ],
  };
}
