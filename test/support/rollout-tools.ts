import type { ListenerRow } from '../../src/haproxy/look.ts';
import { silentLog } from '../../src/lib/log.ts';
import { type App, appSchema } from '../../src/marathon/app-schema.ts';
import type { MarathonClient } from '../../src/marathon/client.ts';
import type { RolloutTools } from '../../src/rollout/tools.ts';
import { type ManualClock, manualClock } from './clock.ts';

/** Tools of a rollout over a group that stands still: it changes only where a test says so. Waiting moves the clock. */
export function stillTools(
  given: {
    apps?: () => Promise<App[]>;
    /** Of listeners that are not `UP`, by name. */
    statuses?: Readonly<Record<string, string>>;
    marathon?: Partial<
      Record<'scaleApp' | 'killAndScale' | 'deleteApp', (...args: never[]) => Promise<unknown>>
    >;
  } & Partial<Omit<RolloutTools, 'marathon' | 'clock'>>,
): RolloutTools & { clock: ManualClock } {
  const clock = manualClock();
  const { apps = async () => [], statuses = {}, marathon = {}, ...rest } = given;
  const never = async () => {
    throw new Error('nobody asked for this write');
  };
  const client = {
    apps: async () => ({ apps: await apps(), unreadable: [] }),
    queue: async () => [],
    deployments: async () => [],
    ...{ scaleApp: never, killAndScale: never, deleteApp: never, ...marathon },
  };
  return {
    ...{ clock, log: silentLog, signal: new AbortController().signal },
    // Only these calls are made.
    marathon: client as unknown as MarathonClient,
    wait: (ms) => clock.advance(Math.max(1, ms)),
    findPlaces: async () => ({ places: [{ id: 'lb', host: '10.0.0.1', adminPort: 9090 }], problems: [] }),
    look: async (place) => ({
      ...{ balancer: place.id, pids: [1, 2], servingPid: 2, atMs: clock.monotonicMs() },
      rows: rowsOf(await apps().catch(() => []), statuses),
    }),
    addressOf: async (host) => host,
    ask: async () => undefined,
    ...rest,
  };
}

/** A colour of the group `web` whose tasks are healthy, on ports 31000 (blue) and 32000 (green) upwards. */
export function standing(
  colour: 'blue' | 'green',
  count: number,
  changes: Record<string, unknown> = {},
): App {
  const isBlue = colour === 'blue';
  const at = isBlue ? '2026-01-01T10:00:00.000' : '2026-01-02T10:00:00.000';
  return appSchema.parse({
    id: `/web-${colour}`,
    instances: count,
    portDefinitions: [{ port: 10_000 }],
    healthChecks: [{ protocol: 'HTTP' }],
    labels: {
      ...{ HAPROXY_GROUP: 'external', HAPROXY_DEPLOYMENT_GROUP: 'web', HAPROXY_DEPLOYMENT_COLOUR: colour },
      ...{ HAPROXY_DEPLOYMENT_STARTED_AT: `${at}000`, HAPROXY_DEPLOYMENT_TARGET_INSTANCES: '2' },
      HAPROXY_DEPLOYMENT_NEW_INSTANCES: '0',
    },
    versionInfo: { lastScalingAt: `${at}Z`, lastConfigChangeAt: `${at}Z` },
    tasks: Array.from({ length: count }, (_, index) => ({
      ...{ id: `${colour}.${index + 1}`, host: '10.0.0.5', state: 'TASK_RUNNING' },
      ports: [(isBlue ? 31_000 : 32_000) + index],
      healthCheckResults: [{ alive: true }],
    })),
    ...changes,
  });
}

function rowsOf(apps: readonly App[], statuses: Readonly<Record<string, string>>): ListenerRow[] {
  return apps.flatMap(({ tasks }) =>
    tasks.map(({ ports }) => {
      const listener = `web_10000/10_0_0_5_${ports[0]}`;
      return { listener, status: statuses[listener] ?? 'UP', sessions: 0, queued: 0 };
    }),
  );
}
