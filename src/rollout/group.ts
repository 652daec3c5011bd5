// pure
import { quoted } from '../lib/printable.ts';
import type { App } from '../marathon/app-schema.ts';
import { readStartedAt } from './started-at.ts';

/** The name that marathon-lb takes the group for: `nginx` and `/nginx` are one, and inner slashes count. Pure.
 *   'nginx' → 'nginx'   '/nginx' → 'nginx'   '/prod/web' → 'prod/web'   '' → '', which marathon-lb fails on
 * @source marathon-lb marathon_lb.py, get_apps */
export function groupKey(label: string): string {
  return label.startsWith('/') ? label.slice(1) : label;
}

/** The apps of a group, in their order. Pure. @param group in either spelling */
export function appsOfGroup<A extends Pick<App, 'labels'>>(apps: readonly A[], group: string): A[] {
  const key = groupKey(group);
  return apps.filter(({ labels }) => {
    const label = labels.HAPROXY_DEPLOYMENT_GROUP;
    return label !== undefined && groupKey(label) === key;
  });
}

type GroupApp = Pick<App, 'id' | 'labels'>;

export type GroupState<A extends GroupApp = App> =
  | { kind: 'empty' }
  | { kind: 'single'; app: A }
  /** `isHybridWanted`: how many of the fresh colour shall stay beside the old one; 0 means it alone. */
  | { kind: 'pair'; old: A; fresh: A; isHybridWanted: number }
  | { kind: 'fault'; sentence: string };

/** What the apps of one group are to each other. Pure.
 *
 * The older one is told as marathon-lb tells it: by HAPROXY_DEPLOYMENT_STARTED_AT as a time, and an app without that
 * label is older than any with it. Where marathon-lb would go by the order of Marathon's list, or fail, it is a fault.
 * @source marathon-lb marathon_lb.py, get_apps */
export function groupState<A extends GroupApp>(apps: readonly A[]): GroupState<A> {
  const [first, second] = apps;
  if (first === undefined) return { kind: 'empty' };
  if (second === undefined) return { kind: 'single', app: first };
  const names = apps.map(({ id }) => id).join(', ');
  if (apps.length > 2)
    return fault(`${apps.length} apps share the deployment group: ${names}; two can take turns, no more`);
  const [a, b] = [startedMicros(first), startedMicros(second)];
  if (typeof a === 'string') return fault(a);
  if (typeof b === 'string') return fault(b);
  if (a.hasZone !== b.hasZone) return fault(zoneSentence((a.hasZone ? first : second).id));
  if (a.micros === b.micros)
    return fault(
      `Nothing tells which of ${names} is the older: HAPROXY_DEPLOYMENT_STARTED_AT is missing or equal`,
    );
  const [old, fresh] = a.micros < b.micros ? [first, second] : [second, first];
  const wanted = newInstancesOf(fresh);
  return wanted === undefined
    ? fault(`HAPROXY_DEPLOYMENT_NEW_INSTANCES of ${fresh.id} is no number`)
    : { kind: 'pair', old, fresh, isHybridWanted: wanted };
}

/** How many shall stay beside the old colour, by the label; 0 without it. Pure.
 * @returns undefined when it is no number */
export function newInstancesOf({ labels }: Pick<App, 'labels'>): number | undefined {
  const text = (labels.HAPROXY_DEPLOYMENT_NEW_INSTANCES ?? '0').trim();
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** Why marathon-lb stops following Marathon when this app and another one share a group. */
export function zoneSentence(id: string): string {
  return `HAPROXY_DEPLOYMENT_STARTED_AT of ${id} has a time zone, which marathon-lb cannot compare with a time without one`;
}

function startedMicros({ id, labels }: GroupApp): { micros: number; hasZone: boolean } | string {
  const text = labels.HAPROXY_DEPLOYMENT_STARTED_AT;
  // Python's earliest time, without a zone.
  if (text === undefined) return { micros: Number.NEGATIVE_INFINITY, hasZone: false };
  return readStartedAt(text) ?? `HAPROXY_DEPLOYMENT_STARTED_AT of ${id} is no time: ${quoted(text)}`;
}

function fault(sentence: string): { kind: 'fault'; sentence: string } {
  return { kind: 'fault', sentence };
}
