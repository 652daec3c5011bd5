import { ensureDirectory } from '../lib/files.ts';
import type { Log } from '../lib/log.ts';
import { certificatesHome, type OpenOptions, openStore, type Store } from './store.ts';
import { openStoreIndex, type StoredEntry } from './store-catalogue.ts';
import { type LookStore, openLookStore } from './store-looks.ts';
import { type NameStore, openNameStore } from './store-names.ts';
import { openRevocationStore, type RevocationStore } from './store-revocations.ts';
import { openTargetStore, type TargetStore } from './store-targets.ts';

/** The whole store: every certificate, and what is remembered of the targets. */
export interface StoreSet {
  readonly directory: string;
  readonly targets: TargetStore;
  readonly revocations: RevocationStore;
  /** Names that failed by themselves. */
  readonly names: NameStore;
  readonly looks: LookStore;
  /** The store of one certificate, which need not exist yet. */
  of(id: string): Store;
  /** Every certificate that is there. @throws STORE_UNUSABLE */
  list(): Promise<StoredEntry[]>;
  /** Keeps what `list()` found out for the next start. Only for the holder of the store's lock. */
  saveIndex(): Promise<void>;
}

/** Opens the store, creating its directories unless it is only looked at.
 * @param keepVersions how many bundles of each certificate stay on disk, the current one included
 * @throws STORE_UNUSABLE */
export async function openStores(
  directory: string,
  keepVersions: number,
  log: Log,
  { readOnly = false }: OpenOptions = {},
): Promise<StoreSet> {
  if (!readOnly) for (const path of [directory, certificatesHome(directory)]) await ensureDirectory(path);
  const opened = new Map<string, Store>();
  const of = (id: string): Store => {
    const store = opened.get(id) ?? openStore(directory, id, keepVersions, log);
    opened.set(id, store);
    return store;
  };
  const index = openStoreIndex(directory, (id) => openStore(directory, id, keepVersions, log));
  return {
    directory,
    targets: openTargetStore(directory),
    revocations: openRevocationStore(directory),
    names: openNameStore(directory),
    looks: openLookStore(directory),
    of,
    list: index.list,
    saveIndex: readOnly ? async () => undefined : index.save,
  };
}
