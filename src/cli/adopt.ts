import { type AdoptionShown, shownAs } from '../adoption.ts';
import { detectTrees } from '../certificates/adopt/predecessor.ts';
import { withStoreLock } from '../certificates/store-lock.ts';
import { CertathonError } from '../lib/errors.ts';
import { maskSecrets } from '../lib/mask.ts';
import { LOCK_WAIT_MS } from '../one-pass.ts';
import type { Running } from '../service.ts';
import { wire } from '../wiring.ts';
import type { RunCommand } from './run-command.ts';

/** `certathon adopt`: takes over from the given directory, else from the storage that the definition names, else from
 * what is at the usual places of predecessors. */
export const runAdopt: RunCommand = async (running) => {
  const { config, stock } = running;
  const given = config.from ?? stock?.storage;
  const paths = given !== undefined ? [given] : (await detectTrees()).map(({ path }) => path);
  const found = paths.length === 0 ? [] : await adopt(running, paths);
  if (found.length === 0)
    throw new CertathonError(
      'DIRECTORY_UNUSABLE',
      given === undefined
        ? 'There is no directory of a predecessor at any of the usual places'
        : `${given} is no directory of letsencrypt-dcos, marathon-acme or letsencrypt-marathon-lb`,
    );
  const text = config.json
    ? JSON.stringify({ adopted: found.map(({ report }) => report), dryRun: config.dryRun }, null, 2)
    : found.flatMap(({ lines }) => lines).join('\n');
  process.stdout.write(maskSecrets(`${text}\n`));
  return 0;
};

/** All that is valid there, whoever wants it: what nobody wants is neither renewed nor delivered.
 * @returns what was taken over, or with --dry-run would be; those that are no such directory are left out
 * @throws STORE_LOCKED, STORE_UNUSABLE */
async function adopt(
  { config, clock, log, signal, stock }: Running,
  paths: readonly string[],
): Promise<AdoptionShown[]> {
  const readOnly = config.dryRun;
  const wiring = await wire({ config, clock, log, signal, stock, answersAlways: false, readOnly });
  const takeEach = async (stop: AbortSignal): Promise<AdoptionShown[]> => {
    const found: AdoptionShown[] = [];
    for (const path of paths) {
      const planned = await wiring.adoption.planned(path);
      if (planned === undefined) continue;
      if (!readOnly) await wiring.adoption.take(planned, stop);
      found.push(shownAs(planned));
    }
    return found;
  };
  try {
    if (readOnly) return await takeEach(signal);
    return await withStoreLock(config.store, { waitMs: LOCK_WAIT_MS, clock, log, signal }, (lost) =>
      takeEach(AbortSignal.any([signal, lost])),
    );
  } finally {
    await wiring.close();
  }
}
