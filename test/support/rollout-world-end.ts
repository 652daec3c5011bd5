import type { Played } from './rollout-world.ts';
import type { Scenario } from './rollout-world-scenario.ts';
import type { WorldApp } from './rollout-world-tasks.ts';

/** What is wrong with how a story ended, in words; undefined when it ended as it had to. */
export function faultOf(scenario: Scenario, played: Played): string | undefined {
  const { outcome, violation } = played;
  if (violation !== undefined) return violation;
  if (outcome === undefined || outcome.kind === 'cut') return 'it never ends';
  const code = outcome.kind === 'stop' ? outcome.code : outcome.turned;
  if (code !== undefined && !codesOf(scenario).includes(code))
    return `${outcome.kind === 'stop' ? 'it stops' : 'it goes back'} by ${code}, for no reason`;
  return (
    (outcome.kind === 'stop' ? undefined : reached(outcome.state, scenario, played)) ??
    served(scenario, played)
  );
}

/** The codes by which a rollout may end in this world. */
function codesOf({ fate, mishaps, balancer, oldTarget, target, policy }: Scenario): string[] {
  const deaths = mishaps.filter(({ what }) => what === 'dies' || what === 'falls ill').length;
  const isStuck = fate !== 'good' || deaths >= 3;
  const isHeld = balancer.longMs[1] >= policy.drainTimeoutMs;
  const isAway = mishaps.some(({ what, forMs }) => what === 'cannot be reached' && forMs >= policy.maxWaitMs);
  return [
    ...(isStuck ? ['ROLLOUT_STUCK'] : []),
    ...(isHeld ? ['ROLLOUT_DRAIN_TIMEOUT'] : []),
    ...(isHeld || isStuck ? ['ROLLOUT_ROLLBACK_FAILED'] : []),
    ...(isAway ? ['ROLLOUT_BALANCERS_UNREADABLE'] : []),
    ...(oldTarget === undefined || (oldTarget !== target && policy.split > 0) ? ['ROLLOUT_UNSAFE'] : []),
  ];
}

/** Whether the group is as the tool says. */
function reached(
  state: string,
  scenario: Scenario,
  { apps, direction, outcome }: Played,
): string | undefined {
  const { target, oldTarget = 1, policy, start, lives, lossShare } = scenario;
  const [blue, green] = ['blue', 'green'].map((colour) => apps.find((app) => app.colour === colour));
  const isTurned = outcome?.kind === 'finish' && outcome.turned !== undefined;
  // A life before this one may have come to the end of the other direction.
  const isAlone = apps.length === 1 && lives.length > 1;
  const wanted = direction === 'back' || isTurned ? 'reverted' : policy.split > 0 ? 'split' : 'complete';
  if (state !== wanted && !(isAlone && state !== 'split')) return `it ends ${state}, and not ${wanted}`;
  // The one more of a moment stays where nobody knows what became of it.
  const spare = lossShare > 0 || lives.length > 1 ? 4 : green === undefined ? target - oldTarget : 0;
  const isSized = (app: WorldApp | undefined, size: number) =>
    app !== undefined && app.instances >= size && app.instances <= size + spare;
  const sizes = `${blue?.instances ?? 'no'} blue and ${green?.instances ?? 'no'} green`;
  if (state === 'split')
    return blue?.instances === target - policy.split && green?.instances === policy.split
      ? undefined
      : `it ends with ${sizes}, and not ${target - policy.split} and ${policy.split}`;
  if (apps.length > 1) return `it ends with ${sizes}`;
  if (isAlone && state !== wanted) return undefined;
  const size = green === undefined ? Math.max(oldTarget, start.old) : Math.max(target, start.old);
  return isSized(green ?? blue, size) || isAlone ? undefined : `it ends with ${sizes}, and not ${size}`;
}

/** Whether every balancer sends requests to as many healthy tasks as there have to be, some time after the end. */
function served(scenario: Scenario, { inUse, need, apps }: Played): string | undefined {
  const alive = apps.flatMap(({ tasks }) => tasks).filter(({ isAlive }) => isAlive === true).length;
  // Those that die again and again are known or not known at this moment.
  const unsteady = ['mixed', 'crash loop'].includes(scenario.fate)
    ? (apps.find(({ colour }) => colour === 'green')?.instances ?? 0)
    : 0;
  for (const { blue, green } of inUse)
    if (blue + green < Math.min(need, alive) - unsteady)
      return `${blue + green} of ${need} serve when it is over`;
  return scenario.fate === 'good' && alive < need
    ? `${alive} of ${need} are alive when it is over`
    : undefined;
}
