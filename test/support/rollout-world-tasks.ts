import type { MarathonApp } from '../../src/lab/balancer/marathon-app.ts';
import type { Colour, ColourApp } from '../../src/rollout/model.ts';

/** Why a task is being ended, and by whom. */
export interface Removal {
  by: 'tool' | 'other';
  what: 'kill' | 'kill and grow' | 'delete' | 'cancel' | 'cancel and grow' | 'illness' | 'before';
  atMs: number;
  /** Whether marathon-lb, asked right after it, takes the task out. */
  isCovered: boolean;
  /** Of what `and grow` is said of: when the other colour was scaled after it; undefined while it was not. */
  grownAtMs: number | undefined;
}

export interface WorldTask {
  id: string;
  app: WorldApp;
  state: string;
  /** The last result of its health check; undefined before the first. */
  isAlive: boolean | undefined;
  isReady: boolean;
  startedMs: number | undefined;
  /** When it last became alive. */
  aliveMs: number | undefined;
  removal: Removal | undefined;
  diedMs: number | undefined;
  /** The wound that it closes once it is alive. */
  heals: Wound | undefined;
}

/** A task that served and does not any more, by nobody's order, until it or another one serves in its place. */
export interface Wound {
  task: WorldTask;
  openedMs: number;
  closedMs: number | undefined;
  isTaken: boolean;
}

export interface WorldDeployment {
  id: string;
  /** What taking it back restores: a number, or that there was no app. */
  before: number | 'no app';
  killed: Set<WorldTask>;
  started: Set<WorldTask>;
}

export interface WorldApp {
  id: string;
  colour: Colour;
  labels: Record<string, string>;
  instances: number;
  scaledAtMs: number;
  tasks: WorldTask[];
  isDeleted: boolean;
  /** Asked for and not placed yet. */
  queued: number;
  deployment: WorldDeployment | undefined;
  lastFailure: ColourApp['lastFailure'];
  /** What becomes of tasks that are launched from now on. */
  fate: 'good' | 'mixed' | 'never healthy' | 'never ready' | 'crash loop';
}

/** Neither dead nor dying. */
export const stays = (task: WorldTask): boolean => task.diedMs === undefined && task.removal === undefined;
/** Stands and serves as far as Marathon knows. */
export const serves = (task: WorldTask): boolean => task.isAlive === true && stays(task);
export const isDead = (task: WorldTask): boolean => task.diedMs !== undefined;

export const listenerOf = (taskId: string): string => `web_10000/${taskId}`;

const BASE_MS = Date.UTC(2026, 0, 2, 10);
export const timeAt = (ms: number): string => new Date(BASE_MS + ms).toISOString();

/** The app as an observation has it. */
export function seenApp(app: WorldApp): ColourApp {
  return {
    ...{ id: app.id, colour: app.colour, instances: app.instances, labels: app.labels },
    ...{ hasHealthChecks: true, version: timeAt(app.scaledAtMs), lastScalingAt: timeAt(app.scaledAtMs) },
    deployments: app.deployment === undefined ? [] : [app.deployment.id],
    tasks: app.tasks.map((task) => ({
      ...{ id: task.id, state: task.state, isAlive: task.isAlive === true },
      isHealthy: task.state === 'TASK_RUNNING' && task.isAlive === true,
      listeners: isDead(task) ? [] : [listenerOf(task.id)],
      startedAt: task.startedMs === undefined ? undefined : timeAt(task.startedMs),
    })),
    lastFailure: app.lastFailure,
    isAsCreated: app.deployment?.before === 'no app',
  };
}

/** The app as a balancer gets it. */
export function fetchedApp(app: WorldApp): MarathonApp {
  return {
    ...{ id: app.id, labels: app.labels, instances: app.instances },
    healthChecks: [
      {
        protocol: 'HTTP',
        intervalSeconds: 2,
        timeoutSeconds: 1,
        gracePeriodSeconds: 9,
        maxConsecutiveFailures: 3,
      },
    ],
    versionInfo: { lastScalingAt: timeAt(app.scaledAtMs) },
    tasks: app.tasks.map(({ id, state, isAlive }) => ({
      ...{ id, state, host: 'agent' },
      healthCheckResults: isAlive === undefined ? [] : [{ alive: isAlive }],
    })),
  };
}
