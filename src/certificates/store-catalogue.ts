import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chainBytes } from '../delivery/bundle-size.ts';
import { toVariable } from '../delivery/variable.ts';
import { readLines, writeLines } from '../lib/kept-lines.ts';
import { mapBounded } from '../lib/parallel.ts';
import { statMany } from '../lib/stat-many.ts';
import { entryIn, lineOf } from './catalogue-line.ts';
import type { Hold, StoredCertificate } from './model.ts';
import { certificatesHome, type Store } from './store.ts';
import type { CertificateRecord, RenewalInfo } from './store-schema.ts';

/** What a plan needs of one certificate in the store; no key. */
export interface StoredEntry {
  id: string;
  record: CertificateRecord | undefined;
  stored: StoredCertificate | undefined;
  /** Fingerprints issued by us, newest last. */
  issued: readonly string[];
  /** An order that was begun and not finished. */
  order: { names: string[]; url: string | undefined; directoryUrl: string } | undefined;
  /** What held an order back last. */
  hold: Hold | undefined;
  /** What the CA said about when to renew the stored one. */
  renewal?: RenewalInfo | undefined;
  /** What does at other CAs. */
  otherHolds?: readonly Hold[];
}

/** An entry, and when its directory was changed last, in milliseconds. */
export interface Marked {
  mark: number;
  entry: StoredEntry;
}

/** Ten thousand entries of a hundred names each are 40 MiB. */
const LARGEST_INDEX = 256 * 1024 * 1024;
/** A change within the same tick of a file system's clock as the one before leaves no mark: what is so young is
 * read again. Some network file systems know whole seconds only. */
const YOUNG_MS = 2_500;
const PARALLEL = 32;
/** What of the history has to be at hand; the whole is in the files. */
const ISSUED_AT_HAND = 20;

/** The first line of the index; another version of it is made anew. */
const HEAD = '"index 4"';

/** All certificates of a store, by id. The files of each certificate are the truth; the index spares reading
 * them again while the directory of a certificate has not been changed since. It may be lost at any time. */
export interface StoreIndex {
  list(): Promise<StoredEntry[]>;
  /** Writes it, when something changed. Only for the holder of the store's lock. */
  save(): Promise<void>;
}

/** @param open the store of one certificate */
export function openStoreIndex(directory: string, open: (id: string) => Store): StoreIndex {
  const path = join(directory, 'index.jsonl');
  let known: Map<string, Marked> | undefined;
  let isChanged = false;
  return {
    async list() {
      known ??= await readIndex(path);
      const before = known;
      const home = certificatesHome(directory);
      const ids = (await readdir(home).catch(() => [])).filter(isCertificateId).sort();
      const startedMs = Date.now();
      const marks = new Map<string, number>();
      let count = 0;
      await statMany(home, ids, (id, found) => {
        if (found === undefined || found instanceof Error || !found.isDirectory()) return;
        count += 1;
        if (before.get(id)?.mark === found.mtimeMs) return;
        marks.set(id, Math.abs(startedMs - found.mtimeMs) < YOUNG_MS ? -1 : found.mtimeMs);
      });
      if (marks.size > 0 || count !== before.size) {
        isChanged = true;
        const read = await mapBounded(
          [...marks],
          PARALLEL,
          async ([id, mark]): Promise<Marked> => ({
            mark,
            entry: await readEntry(open(id)),
          }),
        );
        known = merged(ids, before, read);
      }
      return Array.from(known.values(), ({ entry }) => entry);
    },
    async save() {
      if (!isChanged || known === undefined) return;
      await writeLines(path, linesOf(known));
      isChanged = false;
    },
  };
}

/** Ids are names of directories. */
export function isCertificateId(id: string): boolean {
  return /^[a-z0-9_][a-z0-9._-]{0,199}$/.test(id);
}

/** Those that are still there, by id.
 * @param read those that were made or changed */
function merged(
  ids: readonly string[],
  before: ReadonlyMap<string, Marked>,
  read: readonly Marked[],
): Map<string, Marked> {
  const fresh = new Map(read.map((marked) => [marked.entry.id, marked]));
  return new Map(
    ids.flatMap((id) => {
      const marked = fresh.get(id) ?? before.get(id);
      return marked === undefined ? [] : [[id, marked]];
    }),
  );
}

async function readIndex(path: string): Promise<Map<string, Marked>> {
  const known = new Map<string, Marked>();
  const texts = new Map<string, string>();
  // Nearly all are of one CA: its addresses are kept once.
  const same = (text: string): string => {
    if (!texts.has(text)) texts.set(text, text);
    return texts.get(text) ?? text;
  };
  let isHead = true;
  await readLines(path, LARGEST_INDEX, (line) => {
    if (isHead && line !== HEAD) throw new Error('It is of another version');
    if (!isHead) {
      const marked = entryIn(line, same);
      known.set(marked.entry.id, marked);
    }
    isHead = false;
  }).catch(() => known.clear());
  return known;
}

function* linesOf(known: ReadonlyMap<string, Marked>): Generator<string> {
  yield HEAD;
  for (const marked of known.values()) if (marked.mark >= 0) yield lineOf(marked);
}

async function readEntry(store: Store): Promise<StoredEntry> {
  const [record, current, issued, begun, finishedUrl, holds, renewal] = await Promise.all([
    store.record(),
    store.current(),
    store.issued(),
    store.order(),
    store.currentOrderUrl(),
    store.holds(),
    store.renewal(),
  ]);
  const [hold, ...otherHolds] = holds;
  // A crash after the certificate was stored leaves the order that brought it.
  const isFinished = begun?.url !== undefined && begun.url === finishedUrl;
  return {
    id: store.id,
    record,
    stored:
      current === undefined
        ? undefined
        : {
            ...current.stored,
            bytes: toVariable(current.bundle.pem).length,
            chainBytes: chainBytes(current.bundle.pem),
          },
    issued: issued.slice(-ISSUED_AT_HAND),
    order:
      begun === undefined || isFinished
        ? undefined
        : { names: begun.names, url: begun.url, directoryUrl: begun.directoryUrl },
    hold,
    ...(renewal === undefined || renewal.fingerprint !== current?.stored.fingerprint ? {} : { renewal }),
    ...(otherHolds.length === 0 ? {} : { otherHolds }),
  };
}
