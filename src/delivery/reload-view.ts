import type { Balancer } from '../haproxy/balancers.ts';
import { hostAndPort } from '../lib/host-and-port.ts';
import { mapBounded } from '../lib/parallel.ts';
import type { Served } from './delivery.ts';
import type { DirectoryTools } from './directory.ts';
import type { Aim } from './directory-aim.ts';
import { probeName } from './probe-name.ts';
import { type Attempts, type BalancerView, isReloaded } from './reload-plan.ts';

/** At most so many balancers at once. */
export const PARALLEL = 8;
/** A signal begins with a check of the configuration, by a process that must not be taken for a new worker. */
const SETTLING_MS = 2_000;
const CHECK_MS = 500;
/** Names of a certificate that was taken away that are asked for: it is shown for all or for none. */
const MOST_GONE_NAMES = 5;

type Tools = Pick<DirectoryTools, 'handshake' | 'pidsOf' | 'clock' | 'limits' | 'signal'>;

/** What each balancer shows now. One that has proven everything in this run is not asked again. */
export async function viewBalancers(
  balancers: readonly Balancer[],
  aim: Aim,
  seen: { attempts: ReadonlyMap<string, Attempts>; proven: ReadonlySet<string> },
  tools: Tools,
): Promise<BalancerView[]> {
  return mapBounded(balancers, PARALLEL, async (balancer) => {
    const calm = { id: balancer.id, place: placeOf(balancer), shows: '', name: undefined, servesNew: true };
    if (seen.proven.has(balancer.id)) return { ...calm, state: 'serves' };
    return viewBalancer(balancer, aim, seen.attempts.get(balancer.id), tools);
  });
}

async function viewBalancer(
  balancer: Balancer,
  aim: Aim,
  attempts: Attempts | undefined,
  tools: Tools,
): Promise<BalancerView> {
  const view: BalancerView = {
    id: balancer.id,
    place: placeOf(balancer),
    state: 'serves',
    shows: '',
    name: undefined,
    servesNew: false,
  };
  const isWrong = (shows: string, name?: string): void => {
    // The first is enough to tell.
    if (view.state !== 'serves') return;
    view.state = 'behind';
    view.shows = shows;
    view.name = name;
  };
  const ask = async (name: string): Promise<Exclude<Served, { unreachable: string }> | undefined> => {
    const served = await tools.handshake(balancer, probeName(name), tools.signal);
    if ('fingerprint' in served) return served;
    view.state = 'unreachable';
    view.shows = `does not answer (${served.unreachable})`;
    view.name = name;
    return undefined;
  };
  for (const { names, fingerprint } of aim.expected) {
    for (const name of names) {
      const served = await ask(name);
      if (served === undefined) return view;
      if (served.fingerprint !== fingerprint) {
        isWrong(`serves certificate ${served.fingerprint.slice(0, 16)} for ${name}`, name);
        break;
      }
      if (aim.brought.has(fingerprint)) view.servesNew = true;
    }
  }
  for (const { names, fingerprint } of aim.gone) {
    for (const name of names.slice(0, MOST_GONE_NAMES)) {
      const served = await ask(name);
      if (served === undefined) return view;
      if (served.fingerprint === fingerprint) {
        isWrong(`still serves the removed certificate ${fingerprint.slice(0, 16)} for ${name}`, name);
        break;
      }
      view.servesNew = true;
    }
  }
  if (aim.isHidden && !(await hasReloaded(balancer, attempts, tools))) {
    isWrong('has not read the files since they changed');
  } else if (aim.isHidden) view.servesNew = true;
  return view;
}

/** Where it can not be told by the processes, a signal that was taken must do. */
async function hasReloaded(
  balancer: Balancer,
  attempts: Attempts | undefined,
  tools: Tools,
): Promise<boolean> {
  if (attempts === undefined || attempts.taken === 0) return false;
  if (tools.clock.monotonicMs() - attempts.lastAtMs < SETTLING_MS) return false;
  return isReloaded(attempts.pidsBefore, await lastingPids(balancer, tools)) !== false;
}

/** Processes of a balancer that stay: a check of its configuration is one for a moment too. */
export async function lastingPids(
  balancer: Balancer,
  { pidsOf, clock, limits, signal }: Pick<DirectoryTools, 'pidsOf' | 'clock' | 'limits' | 'signal'>,
): Promise<number[] | undefined> {
  const first = await pidsOf(balancer, signal);
  if (first === undefined) return undefined;
  await clock.sleep(Math.max(limits.pollMs, CHECK_MS), signal);
  const second = await pidsOf(balancer, signal);
  return second?.filter((pid) => first.includes(pid));
}

function placeOf({ host, tlsPort }: Balancer): string {
  return hostAndPort(host, tlsPort);
}
