import type { Holder, ListenerState } from '../../src/rollout/drain.ts';
import { newMemory } from '../../src/rollout/memory.ts';
import type {
  ColourApp,
  ColourTask,
  ObservedBalancer,
  RolloutMemory,
  RolloutObservation,
  RolloutPolicy,
} from '../../src/rollout/model.ts';

/** How a task stands: alive or not for Marathon, and what the balancers do with it. */
export type Standing = 'in' | 'unlisted' | 'out' | 'drained' | 'sick' | 'staging' | 'dead';

export interface ColourOptions {
  instances?: number;
  target?: string | undefined;
  newInstances?: string | undefined;
  startedAt?: string | undefined;
  scaledAt?: string | undefined;
  deployments?: string[];
  lastFailure?: ColourApp['lastFailure'];
  hasHealthChecks?: boolean;
}

/** A colour of the group `web` with tasks `blue.1`, `blue.2` …; target 4, blue older and scaled before green. */
export function colourApp(
  colour: 'blue' | 'green',
  standings: readonly Standing[],
  options: ColourOptions = {},
): ColourApp {
  const isBlue = colour === 'blue';
  const labels = {
    HAPROXY_DEPLOYMENT_GROUP: 'web',
    HAPROXY_DEPLOYMENT_COLOUR: colour,
    HAPROXY_DEPLOYMENT_TARGET_INSTANCES: 'target' in options ? options.target : '4',
    HAPROXY_DEPLOYMENT_NEW_INSTANCES: 'newInstances' in options ? options.newInstances : '0',
    HAPROXY_DEPLOYMENT_STARTED_AT:
      'startedAt' in options
        ? options.startedAt
        : isBlue
          ? '2026-01-01T10:00:00.000000'
          : '2026-01-02T10:00:00.000000',
  };
  return {
    id: `/web-${colour}`,
    colour,
    instances: options.instances ?? standings.filter((each) => each !== 'dead').length,
    labels: Object.fromEntries(
      Object.entries(labels).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
    hasHealthChecks: options.hasHealthChecks ?? true,
    version: '2026-01-02T10:00:00.000Z',
    lastScalingAt:
      'scaledAt' in options
        ? options.scaledAt
        : isBlue
          ? '2026-01-01T10:00:00.000Z'
          : '2026-01-02T10:00:00.000Z',
    deployments: options.deployments ?? [],
    tasks: standings.map((standing, index) => colourTask(colour, index + 1, standing)),
    lastFailure: options.lastFailure,
  };
}

export function colourTask(colour: string, number: number, standing: Standing): ColourTask {
  const isAlive = !['sick', 'staging', 'dead'].includes(standing);
  return {
    id: `${colour}.${number}`,
    state: standing === 'dead' ? 'TASK_FAILED' : standing === 'staging' ? 'TASK_STAGING' : 'TASK_RUNNING',
    isAlive,
    isHealthy: isAlive,
    listeners: standing === 'dead' ? [] : [`web_10000/${colour}_${number}`],
  };
}

/** The group at rest, as one balancer or more see it by the standings of the tasks. */
export function groupSeen(
  apps: readonly { app: ColourApp; standings: readonly Standing[] }[],
  changes: Partial<RolloutObservation> & { balancerIds?: string[] } = {},
): RolloutObservation {
  const { balancerIds = ['lb.1', 'lb.2'], ...rest } = changes;
  const listeners = Object.fromEntries(
    apps.flatMap(({ app, standings }) =>
      app.tasks.flatMap((task, at) =>
        task.listeners.map((name) => [name, stateOf(standings[at] as Standing)]),
      ),
    ),
  );
  const balancers = balancerIds.map((id): ObservedBalancer => ({ id, kind: 'seen', listeners }));
  return { group: 'web', apps: apps.map(({ app }) => app), balancers, waiting: {}, ending: [], ...rest };
}

export const HOLDER: Holder = { pid: 41, sessions: 3, seenAtMs: 0 };

function stateOf(standing: Standing): ListenerState {
  if (standing === 'in') return { kind: 'in', status: 'UP', sessions: 1 };
  if (standing === 'out') return { kind: 'out', isListed: true, holders: [HOLDER] };
  return { kind: 'out', isListed: standing === 'drained', holders: [] };
}

/** Both colours with their tasks as they stand; blue first. */
export function pairSeen(
  blue: readonly Standing[],
  green: readonly Standing[],
  changes: { blue?: ColourOptions; green?: ColourOptions } & Partial<RolloutObservation> = {},
): RolloutObservation {
  const { blue: ofBlue, green: ofGreen, ...rest } = changes;
  return groupSeen(
    [
      { app: colourApp('blue', blue, ofBlue), standings: blue },
      { app: colourApp('green', green, ofGreen), standings: green },
    ],
    rest,
  );
}

export function rolloutPolicy(changes: Partial<RolloutPolicy> = {}): RolloutPolicy {
  return {
    ...{ direction: 'forward', split: 0, initialInstances: 1, linearIncrease: 0, old: 'shrink' },
    ...{ maxWaitMs: 300_000, drainTimeoutMs: 300_000, onDrainTimeout: 'stop', onFailure: 'rollback' },
    hasHook: false,
    ...changes,
  };
}

export function rolloutMemory(changes: Partial<RolloutMemory> = {}): RolloutMemory {
  return { ...newMemory(0), ...changes };
}
