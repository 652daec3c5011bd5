import { groupsOf } from './haproxy/groups.ts';
import { CertathonError } from './lib/errors.ts';
import type { App } from './marathon/app-schema.ts';
import type { BalancerFacts } from './rollout/preflight.ts';
import type { RolloutWiring } from './rollout-wiring.ts';

/** What the arguments of the marathon-lb apps tell. Pure. @returns [] where none of them is an app of this Marathon */
export function balancerFacts(apps: readonly App[], ids: readonly string[]): BalancerFacts[] {
  return apps
    .filter(({ id }) => ids.includes(id))
    .map(({ id, args, cmd }) => ({
      id,
      groups: groupsOf(args, cmd),
      checksHealth:
        args.some((word) => word === '--health-check' || word === '-H') ||
        /(^|\s)(--health-check|-H)(\s|$)/.test(cmd ?? ''),
    }));
}

/** Whether every balancer that serves the app can be looked at, each at an address of its own.
 * @throws ROLLOUT_BALANCERS_UNREADABLE, ROLLOUT_UNSAFE: one that is not watched sends requests to tasks that are gone */
export async function requireBalancers(
  { tools, isShared, isByAddress, ids, served }: RolloutWiring,
  apps: readonly App[],
): Promise<void> {
  const { places, problems } = await tools.findPlaces();
  const unseen = await Promise.all(
    places.map(async (place) => {
      const look = await tools.look(place);
      return 'unreachable' in look ? [`${place.id}: ${look.unreachable}`] : [];
    }),
  );
  const wrong = [...problems, ...unseen.flat(), ...(places.length === 0 ? ['no balancer is found'] : [])];
  if (wrong.length > 0)
    throw new CertathonError(
      'ROLLOUT_BALANCERS_UNREADABLE',
      `Balancers can not be looked at: ${wrong.join('; ')}`,
    );
  if (!isByAddress) return;
  const known = apps.filter((app) => ids.includes(app.id) && takesApp(app, served.labels));
  const running = known.flatMap(({ tasks }) => tasks).filter(({ state }) => state === 'TASK_RUNNING').length;
  if (running > places.length)
    throw new CertathonError(
      'ROLLOUT_UNSAFE',
      `Marathon runs ${running} tasks of ${known.map(({ id }) => id).join(', ')}, and ${places.length} addresses were given or found: one that is not watched would send requests to tasks that are gone`,
    );
  for (const place of places)
    if (await isShared(place))
      throw new CertathonError(
        'ROLLOUT_UNSAFE',
        `Several balancers answer at ${place.id} in turns: give the address of each, or leave them to be found as tasks of Marathon`,
      );
}

/** Whether a marathon-lb app takes the first port of an app with these labels. Pure. @param labels unknown: it may */
export function takesApp(
  { args, cmd }: Pick<App, 'args' | 'cmd'>,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  const groups = groupsOf(args, cmd);
  if (labels === undefined || groups === 'all') return true;
  const asked = (labels.HAPROXY_0_GROUP ?? labels.HAPROXY_GROUP ?? '').split(',');
  return asked.some((group) => groups.includes(group.trim()));
}
