import { openConnections } from './connections.ts';
import { lookAtBalancer } from './haproxy/look.ts';
import { type BalancerPlace, placesAtUrls } from './haproxy/places.ts';
import { addressesOf, createResolver } from './haproxy/resolve.ts';
import { isSharedAddress } from './haproxy/shared-address.ts';
import type { Clock } from './lib/clock.ts';
import { asCertathonError, describeError } from './lib/errors.ts';
import { appsThere } from './marathon/apps-there.ts';
import { groupKey } from './rollout/group.ts';
import { runHook } from './rollout/hook.ts';
import type { Refusal, Removal, RolloutTools } from './rollout/tools.ts';
import { takesApp } from './rollout-balancers.ts';
import { newAlertWait } from './rollout-wake.ts';
import type { RolloutUi } from './rollouts.ts';
import type { Running } from './service.ts';

/** Everything that a rollout of one group works with. */
export interface RolloutWiring {
  tools: RolloutTools;
  group: string;
  /** The longest time between two looks. */
  pollMs: number;
  /** Ids of the marathon-lb apps. */
  ids: readonly string[];
  /** Whether balancers are found at given addresses and not among the tasks of these apps. */
  isByAddress: boolean;
  /** Labels of the app, as soon as they are known: balancers of other groups never have its listeners. */
  served: {
    labels: Readonly<Record<string, string>> | undefined;
    /** The apps of the group, once they are known: in a large cluster something happens to others all the time. */
    appIds?: readonly string[];
  };
  isShared(place: BalancerPlace): Promise<boolean>;
  close(): Promise<void>;
}

/** What happens at a balancer comes without an event. */
const LONGEST_POLL_MS = 1_000;

export function wireRollout(running: Running, ui: RolloutUi, group: string): RolloutWiring {
  const { config, clock, log, signal } = running;
  const key = groupKey(group);
  const served: RolloutWiring['served'] = { labels: undefined };
  // Its two apps may have any id, and which they are is known only later.
  const concerns = (id: string) =>
    served.appIds === undefined || [...served.appIds, ...config.marathonLbApp].includes(id);
  const connections = openConnections({ ...running, concerns });
  const { marathon, wake, finding } = connections;
  const alert = newAlertWait({ clock, signal }, (ms) => wake.wait(ms, signal));
  connections.onEvent(alert.stir);
  const release = wake.hold();
  const resolve = createResolver(config.dnsServers);
  const isByAddress = config.marathonLb.length > 0;
  const tools: RolloutTools = {
    ...{ marathon, clock, log, signal, wait: alert.wait },
    findPlaces: async () => {
      if (isByAddress) return placesAtUrls(config.marathonLb, resolve, { caPem: config.marathonCa });
      try {
        const { apps, missing } = await appsThere(config.marathonLbApp, marathon, signal);
        const balancers = apps.filter((app) => takesApp(app, served.labels)).flatMap(finding.balancersOf);
        const places = balancers.map(({ id, host, adminPort }) => ({ id, host, adminPort }));
        return { places, problems: missing.map(({ message }) => message) };
      } catch (error) {
        signal.throwIfAborted();
        return { places: [], problems: [describeError(error)] };
      }
    },
    look: (place) => lookAgain(place, { signal, clock }),
    addressOf: async (host) => {
      const { addresses } = await addressesOf(host, resolve);
      const [first, second] = addresses.filter((each) => !each.includes(':'));
      // Which of several marathon-lb dials is not known here.
      return second === undefined ? first : undefined;
    },
    ask: (removal) => askBefore(removal, { running, ui, tools }),
  };
  return {
    ...{ tools, served, group: key, ids: config.marathonLbApp, isByAddress },
    pollMs: Math.max(100, Math.min(config.stepDelayMs, LONGEST_POLL_MS)),
    isShared: (place) => isSharedAddress(place, signal),
    close: async () => {
      release();
      await connections.close();
    },
  };
}

/** A worker begins and ends in a moment, and a reload is often followed by another: the next look mostly succeeds. */
const MOST_LOOKS = 5;
const BETWEEN_LOOKS_MS = 40;

async function lookAgain(
  place: BalancerPlace,
  tools: { signal: AbortSignal; clock: Clock },
): ReturnType<typeof lookAtBalancer> {
  for (let looks = 1; ; looks += 1) {
    const look = await lookAtBalancer(place, tools);
    if (!('reloading' in look) || looks === MOST_LOOKS) return look;
    await tools.clock.sleep(BETWEEN_LOOKS_MS, tools.signal);
  }
}

/** The hook first, then the person: who is asked shall know that the hook has agreed. */
async function askBefore(
  { oldId, taskIds, freshId }: Removal,
  { running: { config }, ui, tools }: { running: Running; ui: RolloutUi; tools: RolloutTools },
): Promise<Refusal | undefined> {
  const { marathon, signal } = tools;
  if (config.preKillHook !== undefined) {
    try {
      const [old, fresh] = await Promise.all([oldId, freshId].map((id) => marathon.appJson(id, signal)));
      const args = [old, taskIds, fresh].map((each) => JSON.stringify(each)) as [string, string, string];
      await runHook({ path: config.preKillHook, args, timeoutMs: config.hookTimeoutMs, signal });
    } catch (error) {
      signal.throwIfAborted();
      const { code, message } = asCertathonError(error);
      return { code: code === 'UNEXPECTED' ? 'ROLLOUT_HOOK_FAILED' : code, sentence: message };
    }
  }
  const question = `Remove ${taskIds.length} tasks of ${oldId}?`;
  if (ui.confirmRemoval === undefined || (await ui.confirmRemoval(question))) return undefined;
  return { code: 'ROLLOUT_DECLINED', sentence: `Not agreed to: ${question}` };
}
