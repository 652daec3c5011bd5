// pure
import { CertathonError } from '../lib/errors.ts';
import type { App } from '../marathon/app-schema.ts';
import type { AppDefinitionJson } from './definition.ts';
import type { GroupState } from './group.ts';
import { targetLabel } from './marking.ts';

export interface TargetWish {
  definition: Pick<AppDefinitionJson, 'instances'>;
  /** The app that serves now; undefined at the first rollout. */
  last: Pick<App, 'id' | 'instances' | 'labels'> | undefined;
  /** Take the number of the app that serves, not the JSON's. */
  keepInstances: boolean;
  /** How many of the new colour shall stay beside the old one; 0: it alone. */
  newInstances: number;
}

export type TargetVerdict =
  | { kind: 'target'; target: number; newInstances: number; notices: readonly string[] }
  | { kind: 'refused'; code: 'ROLLOUT_UNSAFE'; sentence: string };

/** How many instances there shall be, and how many of them of the new colour beside the old one (0: all). Pure.
 *   JSON 10, 10 run                       → 10        JSON 12, 10 run            → 12
 *   JSON 5, 10 run                        → refused   the same, keepInstances    → 10
 *   JSON 10, 0 run                        → 10        JSON 10, 10 run, new 2     → 10, 2 of them new
 *   JSON 10, 10 run, new 10               → 10, all new                          */
export function targetOf({ definition, last, keepInstances, newInstances }: TargetWish): TargetVerdict {
  const running = last?.instances ?? 0;
  const keeps = running > 0 && (keepInstances || definition.instances === undefined);
  const target = keeps ? running : (definition.instances ?? 1);
  const notices: string[] = [];
  if (keepInstances && definition.instances !== undefined && definition.instances !== target)
    notices.push(`${target} instances, as ${last?.id} has; the definition says ${definition.instances}`);
  if (keepInstances && last !== undefined && running === 0)
    notices.push(`${last.id} has 0 instances: the definition's ${target} count`);
  if (last === undefined || running === 0) {
    if (newInstances > 0) notices.push('Nothing serves that could keep a share: the new colour serves alone');
    return { kind: 'target', target, newInstances: 0, notices };
  }
  if (target < running)
    return refused(
      `The definition asks for ${target} instances and ${last.id} has ${running}: marathon-lb takes an old task out only for a healthy new one, so ${running - target} could never be drained; scale ${last.id} to ${target} first, or keep its number by --keep-instances`,
    );
  if (target > running) notices.push(`${target} instances, ${target - running} more than ${last.id} has`);
  if (newInstances < 1) return { kind: 'target', target, newInstances: 0, notices };
  if (newInstances >= target) {
    notices.push(
      `${newInstances} new instances of ${target} leave nothing to the old colour: it is replaced`,
    );
    return { kind: 'target', target, newInstances: 0, notices };
  }
  const uneven = whyUneven(last, target);
  return uneven === undefined
    ? { kind: 'target', target, newInstances, notices }
    : refused(`A split needs two colours with one target, ${target}: ${uneven}`);
}

/** How many of the new colour shall stay beside the old one, where both are there already; 0: it alone. A split grows
 * in hops that no label tells of, since a label can not be changed without a restart of every task: so what is there
 * counts where it is more than the label. Pure.
 *   label 2, 2 there, asked for nothing → 2      the same, asked for 5 → 5      label 2, 5 there, asked for nothing → 5
 *   label 2, 5 there, asked for 3       → throws label 0, asked for nothing → 0 target 10, asked for 10 → 0
 * @param newInstances 0: nothing is asked for   @throws ROLLOUT_STATE for less than there is */
export function splitOf(
  { fresh, isHybridWanted }: Pick<GroupState<SplitApp> & { kind: 'pair' }, 'fresh' | 'isHybridWanted'>,
  newInstances: number,
): number {
  const wanted = newInstances > 0 ? newInstances : isHybridWanted;
  if (wanted === 0) return 0;
  if (newInstances > 0 && newInstances < fresh.instances)
    throw new CertathonError(
      'ROLLOUT_STATE',
      `${fresh.id} has ${fresh.instances} instances: a split can grow, not shrink to ${newInstances}; go back and begin anew for that`,
    );
  const share = Math.max(wanted, fresh.instances);
  return share >= (targetLabel(fresh) ?? share) ? 0 : share;
}
type SplitApp = Pick<App, 'id' | 'instances' | 'labels'>;

/** Once the old colour has been scaled, marathon-lb goes by that one's target; another number than the new one's takes
 * tasks of the new colour out, or none. @source marathon-lb marathon_lb.py, get_apps */
function whyUneven(last: Pick<App, 'id' | 'instances' | 'labels'>, target: number): string | undefined {
  if (last.instances !== target) return `${last.id} has ${last.instances} instances`;
  const label = targetLabel(last);
  if (label === target) return undefined;
  const what = label === undefined ? 'no readable' : `${label} as its`;
  return `${last.id} has ${what} HAPROXY_DEPLOYMENT_TARGET_INSTANCES; a rollout without a split writes it anew`;
}

function refused(sentence: string): TargetVerdict {
  return { kind: 'refused', code: 'ROLLOUT_UNSAFE', sentence };
}
