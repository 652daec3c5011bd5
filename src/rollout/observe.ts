import { isIPv4 } from 'node:net';
import { listenersOf, type NamingRules } from '../haproxy/names.ts';
import type { BalancerPlace } from '../haproxy/places.ts';
import { CertathonError } from '../lib/errors.ts';
import { mapBounded } from '../lib/parallel.ts';
import type { App, Task } from '../marathon/app-schema.ts';
import type { QueueEntry } from '../marathon/schema.ts';
import { type DrainMemory, onlyBalancers, rememberLook, stateOf } from './drain.ts';
import { appsOfGroup } from './group.ts';
import { markingOf } from './marking.ts';
import type { ColourApp, ColourTask, ObservedBalancer, RolloutMemory, RolloutObservation } from './model.ts';
import type { RolloutTools } from './tools.ts';

export interface Observed {
  seen: RolloutObservation;
  /** As Marathon told them: what is written later starts from these. */
  apps: ReadonlyMap<string, App>;
  drain: DrainMemory;
}

const PARALLEL = 10;

/** Looks at the group: Marathon first, then every balancer, all in a moment.
 * @throws ROLLOUT_READ_FAILED when Marathon does not tell, and the reason of an aborted signal */
export async function observe(
  tools: RolloutTools,
  group: string,
  memory: Pick<RolloutMemory, 'drain' | 'ending'>,
): Promise<Observed> {
  return observeBalancers(tools, await observeMarathon(tools, group, memory));
}

/** What Marathon tells of the group; no balancer is asked.
 * @throws ROLLOUT_READ_FAILED when it does not tell, and the reason of an aborted signal */
export async function observeMarathon(
  tools: RolloutTools,
  group: string,
  { drain, ending: ended }: Pick<RolloutMemory, 'drain' | 'ending'>,
): Promise<Observed> {
  const found = await readGroup(tools, group);
  const addresses = await addressesOfHosts(found, tools);
  const owner = ownerOf(found, group);
  const apps = found.map((app) => colourAppOf(app, group, addresses, owner));
  const waiting = await whatWaits(found, tools);
  const ending = await stillRunning(ended, tools);
  const byId = new Map(found.map((app) => [app.id, app]));
  return { seen: { group, apps, balancers: [], waiting, ending }, apps: byId, drain };
}

/** The same with every balancer. */
export async function observeBalancers(tools: RolloutTools, told: Observed): Promise<Observed> {
  const { seen, apps } = told;
  const watched = seen.apps.flatMap(({ tasks }) => tasks.flatMap(({ listeners }) => listeners));
  const { balancers, drain } = await lookAtAll(tools, told.drain, watched);
  return { seen: { ...seen, balancers }, apps, drain };
}

/** The apps of the group in Marathon's order. @throws ROLLOUT_READ_FAILED */
export async function readGroup(tools: RolloutTools, group: string): Promise<App[]> {
  try {
    // Existence alone: two spellings are one group for marathon-lb, and a selector would know one.
    const { apps, unreadable } = await tools.marathon.apps({
      label: 'HAPROXY_DEPLOYMENT_GROUP',
      signal: tools.signal,
    });
    if (unreadable[0] !== undefined) throw unreadable[0];
    return appsOfGroup(apps, group);
  } catch (error) {
    tools.signal.throwIfAborted();
    throw new CertathonError('ROLLOUT_READ_FAILED', `The apps of the group ${group} can not be read`, {
      cause: error,
    });
  }
}

/** The app by whose labels and ports marathon-lb names both: the one that it takes for the older. */
function ownerOf(apps: readonly App[], group: string): App | undefined {
  const marking = markingOf(apps.map((app) => colourAppOf(app, group, new Map())));
  const older = marking.kind === 'marked' ? marking.older : undefined;
  return apps.find(({ id }) => id === older);
}

/** An app as the decisions see it. */
export function colourAppOf(
  app: App,
  group: string,
  addresses: ReadonlyMap<string, string>,
  owner: App = app,
): ColourApp {
  const colour = app.labels.HAPROXY_DEPLOYMENT_COLOUR;
  const hasHealthChecks = app.healthChecks.length > 0;
  return {
    id: app.id,
    colour: colour === 'blue' || colour === 'green' ? colour : undefined,
    ...{ instances: app.instances, labels: app.labels, hasHealthChecks, version: app.version },
    lastScalingAt: app.versionInfo.lastScalingAt,
    deployments: app.deployments,
    tasks: app.tasks.map((task) => colourTaskOf(app, task, { group, addresses, owner })),
    isAsCreated: [undefined, app.version].includes(app.versionInfo.lastConfigChangeAt),
    endsOldestFirst: app.killSelection === 'OLDEST_FIRST',
    lastFailure:
      app.lastTaskFailure === undefined
        ? undefined
        : {
            taskId: app.lastTaskFailure.taskId,
            message: app.lastTaskFailure.message,
            timestamp: app.lastTaskFailure.timestamp,
          },
  };
}

function colourTaskOf(app: App, task: Task, rules: NamingRules): ColourTask {
  const results = task.healthCheckResults;
  const hasAll = results.length >= app.healthChecks.length && results.every(({ alive }) => alive);
  return {
    id: task.id,
    state: task.state,
    isAlive: results.some(({ alive }) => alive),
    isHealthy: task.state === 'TASK_RUNNING' && hasAll,
    listeners: listenersOf(app, task, rules),
    startedAt: task.startedAt,
  };
}

/** marathon-lb dials an address; Marathon names hosts. One that can not be resolved here matches any address. */
async function addressesOfHosts(apps: readonly App[], tools: RolloutTools): Promise<Map<string, string>> {
  const hosts = [...new Set(apps.flatMap(({ tasks }) => tasks.map(({ host }) => host)))].filter(
    (host) => host !== '',
  );
  const resolved = await mapBounded(hosts, PARALLEL, async (host) => {
    const address = isIPv4(host) ? host : await tools.addressOf(host);
    return address === undefined ? [] : [[host, address] as const];
  });
  return new Map(resolved.flat());
}

/** Of these deployments those that go on. @throws ROLLOUT_READ_FAILED */
async function stillRunning(ids: readonly string[], tools: RolloutTools): Promise<string[]> {
  if (ids.length === 0) return [];
  try {
    const running = await tools.marathon.deployments(tools.signal);
    return ids.filter((id) => running.some((each) => each.id === id));
  } catch (error) {
    tools.signal.throwIfAborted();
    throw new CertathonError('ROLLOUT_READ_FAILED', 'The deployments can not be read', { cause: error });
  }
}

/** Why tasks are not launched, asked only while some are missing. */
async function whatWaits(apps: readonly App[], tools: RolloutTools): Promise<Record<string, string>> {
  const lacking = apps.filter(
    ({ instances, tasks }) => tasks.filter(({ state }) => state === 'TASK_RUNNING').length < instances,
  );
  if (lacking.length === 0) return {};
  // It only explains; without it the decisions are the same.
  const queue = await tools.marathon.queue(tools.signal).catch(() => []);
  tools.signal.throwIfAborted();
  const entries = queue.filter(({ appId, count }) => count > 0 && lacking.some(({ id }) => id === appId));
  return Object.fromEntries(entries.map((entry) => [entry.appId, inWords(entry)]));
}

function inWords({ count, overdue, delayMs, rejections }: QueueEntry): string {
  if (!overdue) return `Marathon waits ${Math.ceil(delayMs / 1_000)} s before it starts the next of ${count}`;
  const reasons = rejections.map(({ reason }) => reason).join(', ');
  return `${count} find no agent that fits${reasons === '' ? '' : ` (${reasons})`}`;
}

async function lookAtAll(
  tools: RolloutTools,
  drain: DrainMemory,
  watched: readonly string[],
): Promise<{ balancers: ObservedBalancer[]; drain: DrainMemory }> {
  const { places, problems } = await tools.findPlaces();
  const looks = await mapBounded(places, PARALLEL, (place) => tools.look(place));
  let memory = onlyBalancers(
    drain,
    places.map(({ id }) => id),
  );
  const balancers = looks.map((look, at): ObservedBalancer => {
    const { id } = places[at] as BalancerPlace;
    if ('unreachable' in look) return { id, kind: 'unreachable', reason: look.unreachable };
    if ('reloading' in look) return { id, kind: 'reloading' };
    memory = rememberLook(memory, look, watched);
    return { id, kind: 'seen', listeners: {} };
  });
  const seen = balancers.map((each): ObservedBalancer => {
    if (each.kind !== 'seen') return each;
    const states = watched.map((listener) => [listener, stateOf(memory, each.id, listener)] as const);
    return {
      ...each,
      listeners: Object.fromEntries(states.filter(([, state]) => state !== undefined)) as never,
    };
  });
  const unknown = problems.map(
    (reason): ObservedBalancer => ({ id: 'another', kind: 'unreachable', reason }),
  );
  return { balancers: [...seen, ...unknown].sort((a, b) => (a.id < b.id ? -1 : 1)), drain: memory };
}
