import type { Balancer } from '../haproxy/balancers.ts';
import type { ReloadAnswer } from '../haproxy/reload.ts';
import type { Clock } from '../lib/clock.ts';
import { CertathonError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { mapBounded } from '../lib/parallel.ts';
import type { Bundle } from './bundle.ts';
import type { Served } from './delivery.ts';
import { type Aim, aimOf, formerAim } from './directory-aim.ts';
import { changeFiles, putBackFiles } from './directory-change.ts';
import { certificatesAmong, readDirectory } from './directory-files.ts';
import { forgetProven, requireInPlace } from './directory-proof.ts';
import { type FileChange, forgetChanges } from './directory-record.ts';
import { putBackWords, rivalsOf, whyBehind } from './reload-plan.ts';
import { type RoundsEnd, reloadUntilServed, signalOnce } from './reload-rounds.ts';
import { lastingPids, PARALLEL } from './reload-view.ts';

/** One delivery: all changes of a pass in a shared directory, made known to the balancers by one reload. */
export interface DirectoryDelivery {
  path: string;
  fileMode: number;
  put: readonly { file: string; bundle: Bundle }[];
  remove: readonly string[];
  /** What each name must be served by afterwards, on every balancer. */
  expected: readonly { names: readonly string[]; fingerprint: string }[];
}

export interface DirectoryTools {
  /** The balancers that there are now; read again while the delivery runs. */
  balancers: (signal: AbortSignal) => Promise<readonly Balancer[]>;
  /** The certificate that a balancer shows for a name. */
  handshake: (balancer: Balancer, name: string, signal: AbortSignal) => Promise<Served>;
  requestReload: (balancer: Balancer, signal: AbortSignal) => Promise<ReloadAnswer>;
  pidsOf: (balancer: Balancer, signal: AbortSignal) => Promise<number[] | undefined>;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  memory: { lastReloadAt(): Promise<Date | undefined>; saveReloadAt(at: Date): Promise<void> };
  limits: DirectoryLimits;
}

export interface DirectoryLimits {
  /** Between two reloads. */
  reloadIntervalMs: number;
  /** How long a signal may take before it counts as lost and is sent again. */
  reloadWaitMs: number;
  /** From the first look at the balancers, or the first signal, to giving up. */
  verifyMs: number;
  pollMs: number;
}

const MOST_FILES_NAMED = 3;

/** Delivers bundles by a directory that the balancers read: change the files, have reloaded who does not serve them,
 * prove it by handshakes. Balancers that serve what they should are not touched, so a repair reloads only those behind.
 * May be repeated and may follow a crash at any line.
 * @throws DIRECTORY_UNUSABLE before anything was changed, or when the directory is gone; DELIVERY_NOT_SERVED naming
 *   each balancer that is behind and why; DELIVERY_OVERTAKEN when somebody changed our files meanwhile; the reason of
 *   an aborted signal */
export async function deliverByDirectory(delivery: DirectoryDelivery, tools: DirectoryTools): Promise<void> {
  const { path, fileMode } = delivery;
  await forgetProven(path, tools);
  const now = new Date(tools.clock.nowMs());
  const changes = await changeFiles(path, delivery, { mode: fileMode, now });
  const aim = await aimOf(delivery, changes);
  const end = await reloadUntilServed(aim, tools, () => requireInPlace(delivery));
  if (end.isServed) {
    if (changes.length > 0) await forgetChanges(path);
    tools.log.info('delivery.verified', {
      directory: path,
      balancers: end.views.map(({ id }) => id),
      names: delivery.expected.flatMap(({ names }) => names),
      fingerprints: delivery.expected.map(({ fingerprint }) => fingerprint),
    });
    return;
  }
  const words = await wordsFor(end, aim, path, tools);
  const ending = end.putBack ? `; ${await takeBack(path, changes, end, tools)}` : '';
  // Where some have loaded the files they are good, and the others are the trouble.
  if (!end.putBack && end.views.some(({ servesNew }) => servesNew)) await forgetChanges(path);
  const behind = end.views.filter(({ state }) => state !== 'serves').map(({ id }) => id);
  throw new CertathonError('DELIVERY_NOT_SERVED', `The certificate is not served: ${words}${ending}`, {
    facts: { directory: path, balancers: behind, isPutBack: end.putBack },
  });
}

/** One sentence for each balancer that is behind. */
async function wordsFor(end: RoundsEnd, aim: Aim, path: string, tools: DirectoryTools): Promise<string> {
  if (end.views.length === 0) return 'no balancer was found';
  const { files } = await readDirectory(path);
  const unloadable = files.flatMap(({ file, content }) =>
    content.kind === 'unreadable' ? [`${file} (${content.problem})`] : [],
  );
  const sentences = await mapBounded(end.views, PARALLEL, async (view) => {
    if (view.state === 'serves') return '';
    const balancer = end.balancers.find(({ id }) => id === view.id);
    const pids = balancer === undefined ? undefined : await lastingPids(balancer, tools);
    const wanted = aim.expected.find(({ names }) => names.includes(view.name ?? ''))?.fingerprint;
    const rivals = view.name === undefined ? [] : rivalsOf(view.name, wanted, certificatesAmong(files));
    return whyBehind(view, end.attempts.get(view.id), pids, rivals, unloadable.slice(0, MOST_FILES_NAMED));
  });
  return sentences
    .filter((sentence) => sentence !== '')
    .sort()
    .join('; ');
}

/** Puts the former files back and has everybody reload once more. @returns what came of it, in words */
async function takeBack(
  path: string,
  changes: readonly FileChange[],
  end: RoundsEnd,
  tools: DirectoryTools,
): Promise<string> {
  const files = await putBackFiles(path, changes, new Date(tools.clock.nowMs()));
  await forgetChanges(path);
  tools.log.warn('delivery.undone', { code: 'DELIVERY_NOT_SERVED', directory: path, ...files });
  const former = await formerAim(path, files.restored);
  const serving = await signalOnce(end.balancers, former, tools);
  return former.expected.length === 0
    ? putBackWords(files)
    : `${putBackWords(files)}; ${serving} of ${end.balancers.length} balancers serve the old certificate`;
}
