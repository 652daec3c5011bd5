import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { chainBytes } from '../delivery/bundle-size.ts';
import { toVariable } from '../delivery/variable.ts';
import { readFileBounded, writeFileDurable } from '../lib/files.ts';
import { mapBounded } from '../lib/parallel.ts';
import type { Hold, StoredCertificate } from './model.ts';
import { certificatesHome, type Store } from './store.ts';
import { CERTIFICATE_RECORD, type CertificateRecord, HOLD } from './store-schema.ts';

/** What a plan needs of one certificate in the store; no key. */
export interface StoredEntry {
  id: string;
  record: CertificateRecord | undefined;
  stored: StoredCertificate | undefined;
  /** Fingerprints issued by us, newest last. */
  issued: readonly string[];
  /** An order that was begun and not finished. */
  order: { names: string[]; url: string | undefined; directoryUrl: string } | undefined;
  hold: Hold | undefined;
}

/** An entry, and when its directory was changed last, in milliseconds. */
interface Marked {
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

const date = z.iso.datetime().transform((text) => new Date(text));
const marked = z.object({
  mark: z.number(),
  entry: z.object({
    id: z.string(),
    record: CERTIFICATE_RECORD.optional(),
    stored: z
      .object({
        names: z.array(z.string()),
        fingerprint: z.string(),
        issuer: z.string(),
        notBefore: date,
        notAfter: date,
        selfSigned: z.boolean(),
        origin: z.enum(['issued', 'inherited', 'adopted']),
        storedAt: date.optional(),
        keptUntil: date.optional(),
        bytes: z.number().optional(),
        chainBytes: z.number().optional(),
      })
      .optional(),
    issued: z.array(z.string()),
    order: z
      .object({ names: z.array(z.string()), url: z.string().optional(), directoryUrl: z.string() })
      .optional(),
    hold: HOLD.optional(),
  }),
});
const INDEX = z.object({ version: z.literal(1), entries: z.array(marked) });

/** All certificates of a store, by id. The files of each certificate are the truth; the index spares reading
 * them again while the directory of a certificate has not been changed since. It may be lost at any time. */
export interface StoreIndex {
  list(): Promise<StoredEntry[]>;
  /** Writes it, when something changed. Only for the holder of the store's lock. */
  save(): Promise<void>;
}

/** @param open the store of one certificate */
export function openStoreIndex(directory: string, open: (id: string) => Store): StoreIndex {
  const path = join(directory, 'index.json');
  let known: Map<string, Marked> | undefined;
  let isChanged = false;
  return {
    async list() {
      known ??= await readIndex(path);
      const before = known;
      const home = certificatesHome(directory);
      const ids = (await readdir(home).catch(() => [])).filter(isCertificateId).sort();
      const startedMs = Date.now();
      const now = await mapBounded(ids, PARALLEL, async (id): Promise<Marked | undefined> => {
        const found = await stat(join(home, id)).catch(() => undefined);
        if (found === undefined || !found.isDirectory()) return undefined;
        const old = before.get(id);
        if (old !== undefined && old.mark === found.mtimeMs) return old;
        isChanged = true;
        const isYoung = Math.abs(startedMs - found.mtimeMs) < YOUNG_MS;
        return { mark: isYoung ? -1 : found.mtimeMs, entry: await readEntry(open(id)) };
      });
      const entries = now.filter((each) => each !== undefined);
      isChanged ||= entries.length !== before.size;
      known = new Map(entries.map((each) => [each.entry.id, each]));
      return entries.map(({ entry }) => entry);
    },
    async save() {
      if (!isChanged || known === undefined) return;
      const entries = [...known.values()].filter(({ mark }) => mark >= 0);
      await writeFileDurable(path, JSON.stringify({ version: 1, entries }));
      isChanged = false;
    },
  };
}

/** Ids are names of directories. */
export function isCertificateId(id: string): boolean {
  return /^[a-z0-9_][a-z0-9._-]{0,199}$/.test(id);
}

async function readIndex(path: string): Promise<Map<string, Marked>> {
  const text = await readFileBounded(path, LARGEST_INDEX).catch(() => undefined);
  if (text === undefined) return new Map();
  try {
    const { entries } = INDEX.parse(JSON.parse(text.toString()));
    return new Map(
      entries.map(({ mark, entry: { id, record, stored, issued, order, hold } }) => [
        id,
        {
          mark,
          entry: {
            ...{ id, record, stored, issued, hold },
            order: order === undefined ? undefined : { ...order, url: order.url },
          },
        },
      ]),
    );
  } catch {
    return new Map();
  }
}

async function readEntry(store: Store): Promise<StoredEntry> {
  const [record, current, issued, begun, finishedUrl, hold] = await Promise.all([
    store.record(),
    store.current(),
    store.issued(),
    store.order(),
    store.currentOrderUrl(),
    store.hold(),
  ]);
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
  };
}
