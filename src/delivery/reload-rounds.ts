import type { Balancer } from '../haproxy/balancers.ts';
import { mapBounded } from '../lib/parallel.ts';
import type { DirectoryTools } from './directory.ts';
import type { Aim } from './directory-aim.ts';
import { type Attempts, type BalancerView, nextMove, untilNextReloadMs } from './reload-plan.ts';
import { PARALLEL, viewBalancers } from './reload-view.ts';

/** How the rounds ended, with the last look. */
export interface RoundsEnd {
  isServed: boolean;
  putBack: boolean;
  views: BalancerView[];
  balancers: readonly Balancer[];
  attempts: ReadonlyMap<string, Attempts>;
}

/** Looks, signals and looks again until every balancer serves what it should, or the time is up. The balancers are
 * found anew in each round: who appears is taken along, who is gone is forgotten.
 * @param requireInPlace throws when the files are no longer those that are aimed at
 * @throws what finding the balancers threw, when they were never found; what `requireInPlace` threw; the reason of an
 *   aborted signal */
export async function reloadUntilServed(
  aim: Aim,
  tools: DirectoryTools,
  requireInPlace: () => Promise<void>,
): Promise<RoundsEnd> {
  const { clock, limits, signal } = tools;
  const { reloadWaitMs, verifyMs, pollMs } = limits;
  const attempts = new Map<string, Attempts>();
  const proven = new Set<string>();
  let balancers: readonly Balancer[] | undefined;
  const startMs = clock.monotonicMs();
  let deadlineMs = startMs + verifyMs;
  for (;;) {
    balancers = await balancersNow(balancers, tools);
    const views = await viewBalancers(balancers, aim, { attempts, proven }, tools);
    noteProven(views, attempts, proven, tools);
    const nowMs = clock.monotonicMs();
    // Where there is none at all, the time of one signal is enough to see whether one comes.
    if (balancers.length === 0) deadlineMs = Math.min(deadlineMs, startMs + reloadWaitMs);
    const move = nextMove({ views, attempts, isChanged: aim.isChanged, nowMs, deadlineMs, reloadWaitMs });
    const end = { views, balancers, attempts };
    if (move.do === 'finish') return { ...end, isServed: true, putBack: false };
    await requireInPlace();
    if (move.do === 'give-up') return { ...end, isServed: false, putBack: move.putBack };
    if (move.do === 'signal' && attempts.size === 0) {
      const last = await tools.memory.lastReloadAt();
      const waitMs = untilNextReloadMs(last, limits.reloadIntervalMs, clock.nowMs());
      if (waitMs > 0) {
        // Meanwhile a balancer may go, come, or read the files by itself: so look again.
        await clock.sleep(waitMs, signal);
        deadlineMs = clock.monotonicMs() + verifyMs;
        continue;
      }
    }
    if (move.do === 'signal') {
      await tools.memory.saveReloadAt(new Date(clock.nowMs()));
      const behind = balancers.filter(({ id }) => move.ids.includes(id));
      await mapBounded(behind, PARALLEL, (balancer) => sendSignal(balancer, attempts, tools));
    }
    await clock.sleep(pollMs, signal);
  }
}

/** Has every balancer reload once and gives them the time of one signal to serve something.
 * @returns how many do */
export async function signalOnce(
  balancers: readonly Balancer[],
  aim: Aim,
  tools: DirectoryTools,
): Promise<number> {
  const { clock, limits, signal } = tools;
  const attempts = new Map<string, Attempts>();
  await tools.memory.saveReloadAt(new Date(clock.nowMs()));
  await mapBounded(balancers, PARALLEL, (balancer) => sendSignal(balancer, attempts, tools));
  const deadlineMs = clock.monotonicMs() + limits.reloadWaitMs;
  for (;;) {
    const views = await viewBalancers(balancers, aim, { attempts, proven: new Set() }, tools);
    const serving = views.filter(({ state }) => state === 'serves').length;
    if (serving === balancers.length || clock.monotonicMs() >= deadlineMs) return serving;
    await clock.sleep(limits.pollMs, signal);
  }
}

/** Marathon may be away for a moment while the balancers serve on: then those known are looked at. */
async function balancersNow(
  known: readonly Balancer[] | undefined,
  tools: DirectoryTools,
): Promise<readonly Balancer[]> {
  try {
    return await tools.balancers(tools.signal);
  } catch (error) {
    tools.signal.throwIfAborted();
    if (known === undefined) throw error;
    return known;
  }
}

function noteProven(
  views: readonly BalancerView[],
  attempts: ReadonlyMap<string, Attempts>,
  proven: Set<string>,
  { clock, log }: DirectoryTools,
): void {
  for (const { id, state } of views) {
    if (state !== 'serves' || proven.has(id)) continue;
    proven.add(id);
    const sent = attempts.get(id);
    if (sent === undefined) continue;
    const durationMs = Math.round(clock.monotonicMs() - sent.firstAtMs);
    log.info('balancer.reloaded', { balancer: id, attempt: sent.taken, durationMs });
  }
}

async function sendSignal(
  balancer: Balancer,
  attempts: Map<string, Attempts>,
  { requestReload, pidsOf, clock, log, signal }: DirectoryTools,
): Promise<void> {
  const before = attempts.get(balancer.id);
  const pidsBefore = before === undefined ? await pidsOf(balancer, signal) : before.pidsBefore;
  const last = await requestReload(balancer, signal);
  const lastAtMs = clock.monotonicMs();
  const taken = (before?.taken ?? 0) + (last.kind === 'sent' ? 1 : 0);
  attempts.set(balancer.id, { taken, firstAtMs: before?.firstAtMs ?? lastAtMs, lastAtMs, last, pidsBefore });
  if (last.kind === 'sent') log.info('balancer.reload-requested', { balancer: balancer.id, attempt: taken });
  else {
    const reason = last.kind === 'refused' ? `status ${last.status}: ${last.words}` : last.reason;
    log.warn('balancer.unreachable', { balancer: balancer.id, reason });
  }
}
