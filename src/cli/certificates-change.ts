import { findVersion } from '../certificates/find-certificate.ts';
import type { Version } from '../certificates/model.ts';
import type { PassResult } from '../certificates/pass-result.ts';
import { dueTime } from '../certificates/renewal.ts';
import type { StoredEntry } from '../certificates/store-catalogue.ts';
import { revokedBy } from '../certificates/store-revocations.ts';
import type { StoreSet } from '../certificates/store-set.ts';
import { versionsOf } from '../certificates/versions.ts';
import { CertathonError } from '../lib/errors.ts';
import { type Running, renew } from '../service.ts';
import { isAgreed } from './ask.ts';
import { namedCertificate, namedIds, readOnlyStores } from './certificates-named.ts';
import { leftWords } from './certificates-text.ts';
import { jsonOf, print, textOf } from './renew.ts';
import type { RunCommand } from './run-command.ts';

/** `certathon certificates rollback`: an earlier version becomes the current one in a pass, which delivers it. */
export const runRollback: RunCommand = async (running) => {
  const { config, clock } = running;
  const stores = await readOnlyStores(running);
  const entry = await namedCertificate(running, stores);
  const now = new Date(clock.nowMs());
  const version = await versionToTake(entry, stores, config.to, now);
  const { fingerprint, notAfter } = version;
  const isDue = dueTime(version, config, now).dueMs <= now.getTime();
  const words = [
    `${entry.id} goes back to ${fingerprint.slice(0, 16)}, which ends at ${notAfter.toISOString()} (${leftWords(notAfter, now)})`,
    ...(isDue ? ['by its age it is due; it is kept for half of the time that it has left'] : []),
  ];
  if (!(await isMeant(`${words.join('; ')}. Go back?`, running, 'certificates rollback'))) return 0;
  const result = await renew(running, {
    forced: false,
    isAsked: true,
    restores: new Map([[entry.id, fingerprint]]),
  });
  const isBack = (await stores.of(entry.id).current())?.stored.fingerprint === fingerprint;
  return end(
    running,
    isBack
      ? result
      : unless(
          result,
          `${entry.id} did not go back to ${fingerprint.slice(0, 16)}: no target is open for it`,
        ),
  );
};

/** `certathon certificates reissue`: ordered now, and delivered. */
export const runReissue: RunCommand = async (running) => {
  const ids = await namedIds(running);
  const result = await renew(running, { forced: ids });
  const ordered = new Set(result.done.flatMap((step) => (step.do === 'order' ? [step.certificate] : [])));
  const unwanted = ids.filter((id) => {
    const life = result.seen?.certificates.find((each) => each.id === id)?.life;
    return !ordered.has(id) && life !== undefined && life !== 'wanted';
  });
  return end(
    running,
    unwanted.length === 0
      ? result
      : unless(result, `Nobody asks for ${unwanted.join(', ')}, so nothing is ordered`),
  );
};

/** `certathon certificates forget`: out of the targets, then out of the store. */
export const runForget: RunCommand = async (running) => {
  const stores = await readOnlyStores(running);
  const { id } = await namedCertificate(running, stores);
  if (
    !(await isMeant(
      `${id} is taken out of the balancers and the store, with its keys. Forget it?`,
      running,
      'certificates forget',
    ))
  )
    return 0;
  const result = await renew(running, { forced: false, forgets: [id] });
  const seen = result.seen?.certificates.find((each) => each.id === id);
  const isGone = (await stores.list()).every((each) => each.id !== id);
  if (!isGone && seen?.life === 'wanted')
    throw new CertathonError(
      'CERTIFICATE_WANTED',
      `${id} is not forgotten: ${seen.names.join(', ')} want it`,
    );
  const holders = result.seen?.targets.filter(({ holds }) => holds.has(id)).map((target) => target.id) ?? [];
  const status = end(running, result);
  if (!running.config.json && !isGone && holders.length > 0)
    print(
      `${id} is still held by ${holders.join(', ')}: the next delivery there takes it out, and then it leaves the store\n`,
    );
  return status;
};

/** The version that is meant, or the newest one before that can be used.   @throws CERTIFICATE_UNKNOWN */
async function versionToTake(
  { id, stored, record }: StoredEntry,
  stores: StoreSet,
  to: string | undefined,
  now: Date,
): Promise<Version> {
  const versions = await versionsOf(stores.of(id));
  const others = versions.filter(({ fingerprint }) => fingerprint !== stored?.fingerprint);
  if (to !== undefined) {
    const version = findVersion(versions, id, to);
    if (version.fingerprint === stored?.fingerprint)
      throw new CertathonError(
        'CERTIFICATE_UNKNOWN',
        `${version.fingerprint.slice(0, 16)} of ${id} is in use already`,
      );
    return version;
  }
  const { fingerprints, lostKeys } = revokedBy(await stores.revocations.list());
  const aside = new Set(
    record?.aside?.flatMap(({ fingerprint, why }) => (why === 'chosen-otherwise' ? [] : [fingerprint])),
  );
  const usable = others.find(
    ({ fingerprint, keyHash, notAfter }) =>
      notAfter > now && !fingerprints.has(fingerprint) && !lostKeys.has(keyHash) && !aside.has(fingerprint),
  );
  if (usable !== undefined) return usable;
  throw new CertathonError(
    'CERTIFICATE_UNKNOWN',
    `The store keeps no earlier version of ${id} that can be used`,
  );
}

/** Asks, unless it was agreed to by --yes. */
export async function isMeant(
  question: string,
  { config, signal }: Running,
  command: string,
): Promise<boolean> {
  if (config.yes) return true;
  // Whoever reads standard output as JSON does not want a question in it.
  const output = config.json ? { output: process.stderr } : {};
  if (await isAgreed(question, { command, flag: '--yes', signal, ...output })) return true;
  if (!config.json) print('Nothing was changed.\n');
  return false;
}

/** Says how the pass ended. @returns its exit status */
export function end({ config }: Running, result: PassResult): number {
  print(config.json ? jsonOf(result) : textOf(result, false));
  return result.exitStatus;
}

/** What was asked for did not happen; the pass says why, or else this does. */
function unless(result: PassResult, message: string): PassResult {
  if (result.problems.length > 0) return result;
  return { ...result, problems: [{ code: 'CERTIFICATE_UNKNOWN', message }], exitStatus: 18 };
}
