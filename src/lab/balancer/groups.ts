// pure
import { integer } from './labels.ts';
import type { MarathonApp, MarathonTask } from './marathon-app.ts';

/** The apps under the names that marathon-lb uses for them, those of one deployment group merged into one app, after
 * all others. As there, the apps that are given are changed: merging them a second time, which the search for an
 * invalid app does, gives something else.
 * @throws Error on a label that marathon-lb cannot read: no app is generated then */
export function applyDeploymentGroups(apps: readonly MarathonApp[]): MarathonApp[] {
  const plain: MarathonApp[] = [];
  const merged = new Map<string, MarathonApp>();
  for (const app of apps) {
    const group = groupOf(app);
    if (group === undefined) plain.push(app);
    else {
      app.id = group;
      const stored = merged.get(group);
      merged.set(group, stored === undefined ? app : merge(stored, app));
    }
  }
  return [...plain, ...merged.values()];
}

function groupOf(app: MarathonApp): string | undefined {
  const group = app.labels?.HAPROXY_DEPLOYMENT_GROUP;
  if (group === '') throw new Error('IndexError: HAPROXY_DEPLOYMENT_GROUP is empty');
  return group === undefined || group.startsWith('/') ? group : `/${group}`;
}

/** The older app with the tasks of both; as many of its own tasks drain as the newer one has healthy ones, unless too
 * few would be left. */
function merge(stored: MarathonApp, current: MarathonApp): MarathonApp {
  let [older, newer] = isEarlier(startedAt(stored), startedAt(current))
    ? [stored, current]
    : [current, stored];
  let target = 1;
  // Whatever its value: marathon-lb compares the text with a number before it reads it.
  if (newer.labels?.HAPROXY_DEPLOYMENT_NEW_INSTANCES !== undefined) {
    const newerScaledAt = scaledAt(newer);
    if (isEarlier(newerScaledAt, scaledAt(older))) [older, newer] = [newer, older];
    target = targetOf(newer);
  }
  const tasks = [...(older.tasks ?? [])].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const healthy =
    (current.healthChecks?.length ?? 0) > 0
      ? (newer.tasks ?? []).filter(isAlive).length
      : (newer.instances ?? 0);
  const drainable = Math.max(0, healthy + (older.instances ?? 0) - target);
  const count = Math.max(0, Math.min(tasks.length, healthy, drainable));
  for (const task of tasks.slice(0, count)) task.isDraining = true;
  older.tasks = [...tasks, ...(newer.tasks ?? [])];
  return older;
}

function isAlive(task: MarathonTask): boolean {
  return (task.healthCheckResults ?? []).some(({ alive }) => alive);
}

function targetOf(app: MarathonApp): number {
  const name = 'HAPROXY_DEPLOYMENT_TARGET_INSTANCES';
  const target = integer(app.labels?.[name], name);
  if (target === undefined) throw new Error(`KeyError: '${name}'`);
  return target;
}

interface Instant {
  microseconds: number;
  hasZone: boolean;
}

function startedAt(app: MarathonApp): Instant {
  const text = app.labels?.HAPROXY_DEPLOYMENT_STARTED_AT;
  return text === undefined ? { microseconds: Number.NEGATIVE_INFINITY, hasZone: false } : readInstant(text);
}

function scaledAt(app: MarathonApp): Instant {
  const text = app.versionInfo?.lastScalingAt;
  if (!text) throw new Error("KeyError: 'lastScalingAt'");
  return readInstant(text);
}

/** ISO 8601 only; marathon-lb reads some more spellings, which no deployer writes. */
function readInstant(text: string): Instant {
  const match =
    /^\s*(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,6})\d*)?\s*(Z|[+-]\d\d:?\d\d)?\s*$/.exec(text);
  const zone = match?.[4];
  const seconds = Date.parse(`${match?.[1]}T${match?.[2]}${zone?.replace(/^(...)(\d\d)$/, '$1:$2') ?? 'Z'}`);
  if (match === null || Number.isNaN(seconds)) throw new Error(`ParserError: Unknown string format: ${text}`);
  const fraction = Number((match[3] ?? '').padEnd(6, '0'));
  return { microseconds: seconds * 1000 + fraction, hasZone: zone !== undefined };
}

function isEarlier(a: Instant, b: Instant): boolean {
  if (a.hasZone !== b.hasZone) {
    throw new Error("TypeError: can't compare offset-naive and offset-aware datetimes");
  }
  return a.microseconds < b.microseconds;
}
