import { groupsOf } from './haproxy/groups.ts';
import { CertathonError } from './lib/errors.ts';
import type { App } from './marathon/app-schema.ts';
import { appsThere } from './marathon/apps-there.ts';
import type { BalancerFacts } from './rollout/preflight.ts';
import type { RolloutTools } from './rollout/tools.ts';
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
  const unwatched = unwatchedIn(
    apps.filter(({ id }) => ids.includes(id)),
    served.labels,
    places.length,
  );
  if (unwatched !== undefined) throw new CertathonError('ROLLOUT_UNSAFE', unwatched);
  for (const place of places)
    if (await isShared(place))
      throw new CertathonError(
        'ROLLOUT_UNSAFE',
        `Several balancers answer at ${place.id} in turns: give the address of each, or leave them to be found as tasks of Marathon`,
      );
}

/** How often Marathon is asked whether it runs other balancers than those at the given addresses. */
const RECOUNT_MS = 5_000;

/** The same tools, for balancers at given addresses: one that Marathon starts in the middle of a rollout, and that is at
 * none of them, counts as one that can not be looked at. */
export function countingBalancers({
  tools,
  isByAddress,
  ids,
  served,
}: Pick<RolloutWiring, 'tools' | 'isByAddress' | 'ids' | 'served'>): RolloutTools {
  if (!isByAddress) return tools;
  const { clock, marathon, signal } = tools;
  let counted: { atMs: number; apps: readonly App[] } | undefined;
  return {
    ...tools,
    findPlaces: async () => {
      const found = await tools.findPlaces();
      if (counted === undefined || clock.monotonicMs() - counted.atMs >= RECOUNT_MS) {
        // It only counts; what the rollout needs of Marathon is read elsewhere, and waited for.
        const { apps } = await appsThere(ids, marathon, signal).catch(() => ({ apps: counted?.apps ?? [] }));
        signal.throwIfAborted();
        counted = { atMs: clock.monotonicMs(), apps };
      }
      const unwatched = unwatchedIn(counted.apps, served.labels, found.places.length);
      return unwatched === undefined ? found : { ...found, problems: [...found.problems, unwatched] };
    },
  };
}

function unwatchedIn(
  apps: readonly App[],
  labels: RolloutWiring['served']['labels'],
  watched: number,
): string | undefined {
  const known = apps.filter((app) => takesApp(app, labels));
  const running = known.flatMap(({ tasks }) => tasks).filter(({ state }) => state === 'TASK_RUNNING').length;
  return running > watched
    ? `Marathon runs ${running} tasks of ${known.map(({ id }) => id).join(', ')}, and ${watched} addresses were given or found: one that is not watched would send requests to tasks that are gone`
    : undefined;
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
