// pure
import type { ColourApp, ColourTask } from './model.ts';

/** What marathon-lb makes of the apps of one deployment group: which tasks it takes out of use, or why it can not
 * tell, and then stops following Marathon for every app, not for these alone. */
export type Marking =
  | {
      kind: 'marked';
      /** The app whose tasks make way, and the one whose healthy tasks let them; by id. One app alone is the newer. */
      older: string | undefined;
      newer: string;
      /** Task ids taken out, in their order. */
      out: readonly string[];
      /** Tasks that take requests, by app id. */
      rotation: Readonly<Record<string, number>>;
    }
  | { kind: 'fault'; sentence: string };

/** Marathon lists them, marathon-lb sends nothing there. Source: marathon-lb marathon_lb.py, get_apps */
const UNUSABLE = new Set(
  'STAGING STARTING KILLING FINISHED FAILED KILLED ERROR DROPPED GONE GONE_BY_OPERATOR UNKNOWN'
    .split(' ')
    .map((state) => `TASK_${state}`),
);

/** Whether the task is dead, or dying for all to see: Marathon passes it over in a kill. */
export function isEnding({ state }: Pick<ColourTask, 'state'>): boolean {
  return UNUSABLE.has(state) && !['TASK_STAGING', 'TASK_STARTING'].includes(state);
}

/** Whether marathon-lb makes a server of the task, run with `--health-check`. */
export function isServer(app: Pick<ColourApp, 'hasHealthChecks'>, task: ColourTask): boolean {
  return !UNUSABLE.has(task.state) && task.listeners.length > 0 && (task.isAlive || !app.hasHealthChecks);
}

/** Computes marathon-lb's own marking, faults included. Pure.
 *
 * The older app is the one with the earlier HAPROXY_DEPLOYMENT_STARTED_AT. Where the newer has the label
 * HAPROXY_DEPLOYMENT_NEW_INSTANCES, whatever its value, the roles swap when the older was scaled last. Then as many
 * tasks of the older, by task id, are taken out as the newer has alive ones, unless less than the target would stay:
 *   old 4, new 1 alive, target 4                     → one old task out
 *   then old scaled to 3 (roles swapped)             → none out
 *   old scaled to 3 while 4 old tasks are still there → one NEW task out, all old ones in, the dying one too
 * @param apps in the order of Marathon's list
 * @source marathon-lb marathon_lb.py (get_apps, the part on deployment groups) */
export function markingOf(apps: readonly ColourApp[]): Marking {
  const [stored, current, third] = apps;
  if (stored === undefined) return { kind: 'fault', sentence: 'The group has no app' };
  if (third !== undefined)
    return {
      kind: 'fault',
      sentence: `${apps.length} apps share one deployment group; two at most can be told apart`,
    };
  if (current === undefined) return marked(undefined, stored, []);
  const [storedAt, currentAt] = [startedAt(stored), startedAt(current)];
  for (const [app, at] of [[stored, storedAt] as const, [current, currentAt] as const])
    if (typeof at === 'string') return { kind: 'fault', sentence: `${at} of ${app.id}` };
  const [first, second] = [storedAt as Started, currentAt as Started];
  if (first.hasZone !== second.hasZone)
    return {
      kind: 'fault',
      sentence: `HAPROXY_DEPLOYMENT_STARTED_AT has a time zone at one of ${stored.id} and ${current.id} only`,
    };
  let [older, newer] = first.ms < second.ms ? [stored, current] : [current, stored];
  let target = 1;
  if (newer.labels.HAPROXY_DEPLOYMENT_NEW_INSTANCES !== undefined) {
    const [olderScaled, newerScaled] = [scaledAt(older), scaledAt(newer)];
    if (olderScaled === undefined || newerScaled === undefined)
      return {
        kind: 'fault',
        sentence: `Marathon does not say when ${older.id} and ${newer.id} were scaled`,
      };
    if (olderScaled > newerScaled) [older, newer] = [newer, older];
    const asked = targetLabel(newer);
    if (asked === undefined)
      return {
        kind: 'fault',
        sentence: `HAPROXY_DEPLOYMENT_TARGET_INSTANCES of ${newer.id} is missing or no number`,
      };
    target = asked;
  }
  // Which of the two is asked for its checks depends on the order of the list; that is as it is.
  const healthy = current.hasHealthChecks
    ? newer.tasks.filter(({ isAlive }) => isAlive).length
    : newer.instances;
  const drainable = Math.max(0, healthy + older.instances - target);
  const count = Math.max(0, Math.min(older.tasks.length, healthy, drainable));
  return marked(older, newer, idsInOrder(older).slice(0, count));
}

/** The number that the label asks for. Pure. @returns undefined when it is missing or no number */
export function targetLabel({ labels }: Pick<ColourApp, 'labels'>): number | undefined {
  const text = labels.HAPROXY_DEPLOYMENT_TARGET_INSTANCES?.trim() ?? '';
  return /^[+-]?\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function marked(older: ColourApp | undefined, newer: ColourApp, out: readonly string[]): Marking {
  const taken = new Set(out);
  const rotation = Object.fromEntries(
    [older, newer].flatMap((app) =>
      app === undefined
        ? []
        : [
            [
              app.id,
              app.tasks.filter((task) => isServer(app, task) && !(app === older && taken.has(task.id)))
                .length,
            ],
          ],
    ),
  );
  return { kind: 'marked', older: older?.id, newer: newer.id, out, rotation };
}

/** marathon-lb sorts by code point. */
function idsInOrder(app: ColourApp): string[] {
  return app.tasks.map(({ id }) => id).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

interface Started {
  ms: number;
  hasZone: boolean;
}

const INSTANT = /^\s*(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,6})\d*)?\s*(Z|[+-]\d\d:?\d\d)?\s*$/;

/** @returns what is wrong, as text, when it is no time; the earliest of all when it is missing */
function startedAt({ labels }: ColourApp): Started | string {
  const text = labels.HAPROXY_DEPLOYMENT_STARTED_AT;
  if (text === undefined) return { ms: Number.NEGATIVE_INFINITY, hasZone: false };
  const match = INSTANT.exec(text);
  const zone = match?.[4];
  const ms = Date.parse(`${match?.[1]}T${match?.[2]}${zone?.replace(/^(...)(\d\d)$/, '$1:$2') ?? 'Z'}`);
  if (match === null || Number.isNaN(ms)) return 'HAPROXY_DEPLOYMENT_STARTED_AT is no time';
  return { ms: ms + Number((match[3] ?? '').padEnd(6, '0')) / 1_000, hasZone: zone !== undefined };
}

function scaledAt({ lastScalingAt }: ColourApp): number | undefined {
  const ms = Date.parse(lastScalingAt ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}
