import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { readFileBounded, writeFileDurable } from '../../lib/files.ts';
import type { Log } from '../../lib/log.ts';
import { mapBounded } from '../../lib/parallel.ts';
import type { AccountStore } from '../store-accounts.ts';
import { parseStored } from '../store-schema.ts';
import type { StoreSet } from '../store-set.ts';
import { adoptionReport } from './describe-adoption.ts';
import type { FoundTree } from './found-tree.ts';
import { type Inherited, inheritedAs } from './inherited.ts';
import type { AdoptionPlan } from './plan-adoption.ts';

export interface TakeTools {
  stores: StoreSet;
  accountsOf: (directoryUrl: string) => Promise<AccountStore>;
  clock: Clock;
  log: Log;
}

const PARALLEL = 16;

/** Puts into our store what was planned, and remembers from where. May be repeated after a crash at any line: what is
 * there already is not planned again. Only for the holder of the store's lock. @throws STORE_UNUSABLE */
export async function takeOver(
  tree: FoundTree,
  plan: AdoptionPlan,
  tools: TakeTools,
  signal: AbortSignal,
): Promise<void> {
  const { stores, accountsOf, clock, log } = tools;
  const { accounts, kind, path, problems } = adoptionReport(tree, plan);
  for (const [index, { directoryUrl, account }] of plan.accounts.entries()) {
    await (await accountsOf(directoryUrl)).saveKey(account.keyPem);
    log.info('account.adopted', { ...accounts[index] });
  }
  const now = new Date(clock.nowMs());
  const ids = (await stores.list()).map(({ id }) => id);
  const inherited = inheritedAs(plan.certificates, ids, now);
  await mapBounded(inherited, PARALLEL, async ({ entry, bundle, path: from }: Inherited) => {
    signal.throwIfAborted();
    const store = stores.of(entry.id);
    // The record first: a crash in between leaves nothing that counts as wanted.
    await store.saveRecord(entry.record);
    await store.save(bundle, 'inherited', undefined, now);
    const { names, fingerprint, notAfter: expiresAt } = bundle.facts;
    log.info('certificate.adopted', {
      ...{ certificate: entry.id, names, fingerprint, expiresAt, reason: 'inherited', from },
    });
  });
  for (const { path: at, message } of problems) log.warn('adoption.problem', { path: at, reason: message });
  const counts = { accounts: plan.accounts.length, certificates: plan.certificates.length };
  log.info('adoption.finished', { kind, path, ...counts, left: plan.left.length });
  // What could not be listed may be readable at the next start.
  if (tree.kind !== 'unreadable') await remember(stores.directory, { path, kind, takenAt: now, ...counts });
}

const MEMORY = 'adopted.json';
const ADOPTED = z.object({
  from: z.array(
    z.object({
      path: z.string(),
      kind: z.string(),
      takenAt: z.coerce.date(),
      accounts: z.number(),
      certificates: z.number(),
    }),
  ),
});
type Adopted = z.infer<typeof ADOPTED>['from'][number];

/** From where this store has taken over, and when; so that no later start reads an old directory again.
 * @throws STORE_UNUSABLE */
export async function adoptedFrom(directory: string): Promise<Adopted[]> {
  const path = join(directory, MEMORY);
  const text = await readFileBounded(path, 1024 * 1024);
  return text === undefined ? [] : parseStored(path, text.toString(), ADOPTED).from;
}

async function remember(directory: string, one: Adopted): Promise<void> {
  const others = (await adoptedFrom(directory)).filter(({ path }) => path !== one.path);
  await writeFileDurable(join(directory, MEMORY), `${JSON.stringify({ from: [...others, one] }, null, 2)}\n`);
}
