// pure
import { quoted } from '../lib/printable.ts';
import type { App } from '../marathon/app-schema.ts';
import type { Acceptance } from './definition.ts';
import { groupKey, newInstancesOf, zoneSentence } from './group.ts';
import { targetLabel } from './marking.ts';
import { frontFindings, portFindings } from './preflight-ports.ts';
import { wayFindings } from './preflight-way.ts';
import { readStartedAt } from './started-at.ts';

export interface PreflightInput {
  /** The app of the new colour: appOf() of its JSON, or as Marathon shows it. */
  next: App;
  /** The app that serves now; undefined at the first rollout. */
  last: App | undefined;
  /** All apps of the cluster; those of the group are passed over. */
  apps: readonly App[];
  /** The balancers by their apps' arguments; undefined when that is not known. */
  balancers?: readonly BalancerFacts[] | undefined;
  accept: ReadonlySet<Acceptance>;
}

export interface BalancerFacts {
  /** Id of its app. */
  id: string;
  /** From groupsOf(). */
  groups: readonly string[] | 'all';
  /** Run with `--health-check`. */
  checksHealth: boolean;
}

export type PreflightCode =
  | 'no-health-checks'
  | 'no-target'
  | 'started-at-unreadable'
  | 'started-at-zone'
  | 'new-instances-unreadable'
  | 'locked'
  | 'id-taken'
  | 'readiness'
  | 'not-enabled'
  | 'no-group'
  | 'no-balancer'
  | 'group-differs'
  | 'ports-apart'
  | 'health-ignored'
  | 'network-differs'
  | 'container-port-differs'
  | 'port-index'
  | 'port-taken'
  | 'port-shared'
  | 'front-moves'
  | 'host-port-fixed';

/** `refuse`: stock marathon-lb can not be driven safely through it. `wait`: not now. `warn`: the operator shall know. */
export interface PreflightFinding {
  level: 'refuse' | 'wait' | 'warn';
  code: PreflightCode;
  /** One sentence for people, with names and numbers. */
  sentence: string;
}

/** What stands in the way of a rollout, before anything is touched. Pure.
 * @returns what refuses first; [] when nothing is to be said
 * @source marathon-lb marathon_lb.py (get_apps, config), utils.py; Marathon S/api/v2/validation/AppValidation.scala */
export function preflight(input: PreflightInput): PreflightFinding[] {
  const others = othersOf(input);
  const found = [
    ...healthFindings(input),
    ...labelFindings(input),
    ...wayFindings(input),
    ...frontFindings(input),
    ...portFindings(input, others),
    ...marathonFindings(input, others),
  ];
  const order = ['refuse', 'wait', 'warn'];
  return found.sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}

function othersOf({ next, apps }: PreflightInput): App[] {
  const key = groupKey(next.labels.HAPROXY_DEPLOYMENT_GROUP ?? '');
  return apps.filter(({ labels }) => {
    const label = labels.HAPROXY_DEPLOYMENT_GROUP;
    return label === undefined || groupKey(label) !== key;
  });
}

function healthFindings({ next, last, accept }: PreflightInput): PreflightFinding[] {
  const level = accept.has('no-health-checks') ? 'warn' : 'refuse';
  return [last, next].flatMap((app) =>
    app === undefined || app.healthChecks.length > 0
      ? []
      : {
          level,
          code: 'no-health-checks',
          sentence: `${app.id} has no health check: marathon-lb may take old tasks out before new ones run`,
        },
  );
}

function labelFindings({ next, last, accept }: PreflightInput): PreflightFinding[] {
  const found: PreflightFinding[] = [];
  for (const { id, labels } of last === undefined ? [] : [last, next]) {
    const text = labels.HAPROXY_DEPLOYMENT_STARTED_AT;
    const at = text === undefined ? undefined : readStartedAt(text);
    if (text !== undefined && at === undefined)
      found.push({
        level: 'refuse',
        code: 'started-at-unreadable',
        sentence: `HAPROXY_DEPLOYMENT_STARTED_AT of ${id} is no time: ${quoted(text)}; marathon-lb would stop following Marathon for all apps`,
      });
    if (at?.hasZone)
      found.push({
        level: 'refuse',
        code: 'started-at-zone',
        sentence: `${zoneSentence(id)}: it would stop following Marathon for all apps`,
      });
    if (newInstancesOf({ labels }) === undefined)
      found.push({
        level: 'refuse',
        code: 'new-instances-unreadable',
        sentence: `HAPROXY_DEPLOYMENT_NEW_INSTANCES of ${id} is no number: ${quoted(labels.HAPROXY_DEPLOYMENT_NEW_INSTANCES ?? '')}`,
      });
  }
  if (last !== undefined && targetLabel(last) === undefined)
    found.push({
      level: accept.has('no-target') ? 'warn' : 'refuse',
      code: 'no-target',
      sentence: `${last.id} has no HAPROXY_DEPLOYMENT_TARGET_INSTANCES that is a number: marathon-lb would stop following Marathon for all apps as soon as that one is scaled`,
    });
  return found;
}

function marathonFindings({ next, last }: PreflightInput, others: readonly App[]): PreflightFinding[] {
  const found: PreflightFinding[] = [];
  if (others.some(({ id }) => id === next.id))
    found.push({
      level: 'refuse',
      code: 'id-taken',
      sentence: `${next.id} is there already, and not in this deployment group`,
    });
  const deployments = last?.deployments ?? [];
  if (last !== undefined && deployments.length > 0)
    found.push({
      level: 'wait',
      code: 'locked',
      sentence: `${last.id} is held by Marathon's deployment ${deployments.join(', ')}`,
    });
  if (next.readinessChecks.length > 0)
    found.push({
      level: 'warn',
      code: 'readiness',
      sentence: `marathon-lb does not look at readiness checks: a task of ${next.id} gets requests as soon as a health check passes`,
    });
  return found;
}
