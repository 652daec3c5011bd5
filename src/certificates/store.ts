import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { type Bundle, parseBundle } from '../delivery/bundle.ts';
import { CertathonError } from '../lib/errors.ts';
import {
  ensureDirectory,
  readFileBounded,
  removeFile,
  removeTemporaryFiles,
  writeFileDurable,
} from '../lib/files.ts';
import type { Log } from '../lib/log.ts';
import type { IssuedBy, Origin, StoredCertificate } from './model.ts';
import { type OrderFiles, openOrderFiles } from './store-orders.ts';
import {
  CERTIFICATE_RECORD,
  type CertificateRecord,
  CURRENT,
  type Current,
  parseStored,
  RENEWAL_INFO,
  type RenewalInfo,
} from './store-schema.ts';

export type { BegunOrder, CertificateRecord } from './store-schema.ts';

/** One certificate: its bundles, its order, what holds it back. Invariants:
 *  - a bundle is written once, under its fingerprint, and never changed; `current.json` names the one in use
 *    and is replaced in one rename, so certificate, key and metadata switch together;
 *  - everything with a key is 0600 in directories 0700;
 *  - every change makes or replaces a file, so the time of the directory tells that there was one (store-catalogue.ts);
 *  - one writer at a time (store-lock.ts); readers need no lock. */
export interface Store extends OrderFiles {
  /** The root of the whole store. */
  readonly directory: string;
  readonly id: string;
  current(): Promise<{ stored: StoredCertificate; bundle: Bundle } | undefined>;
  /** Fingerprints that this program, or its predecessor, issued for this certificate, newest last, as far as the store
   * remembers. */
  issued(): Promise<readonly string[]>;
  save(
    bundle: Bundle,
    origin: Origin,
    orderUrl: string | undefined,
    storedAt: Date,
    issuedBy?: IssuedBy | undefined,
  ): Promise<void>;
  /** Makes a bundle that is there the current one. @throws STORE_UNUSABLE when it is not there */
  restore(fingerprint: string, times: { storedAt: Date; keptUntil: Date | undefined }): Promise<void>;
  /** The order URL of the current certificate: an order file for it is a leftover of a crash. */
  currentOrderUrl(): Promise<string | undefined>;
  /** Bundles on disk, newest first. */
  versions(): Promise<StoredVersion[]>;
  /** One of them. */
  version(fingerprint: string): Promise<Bundle | undefined>;
  record(): Promise<CertificateRecord | undefined>;
  saveRecord(record: CertificateRecord): Promise<void>;
  /** What the CA said about when to renew it, or one before it. A file that can not be read is asked for anew. */
  renewal(): Promise<RenewalInfo | undefined>;
  saveRenewal(info: RenewalInfo): Promise<void>;
  /** What the index says of it is to be looked at again. */
  doubt(now: Date): Promise<void>;
  /** Takes the certificate out of the store, with all its bundles and keys. */
  remove(): Promise<void>;
}

export interface StoredVersion {
  fingerprint: string;
  writtenAt: Date;
}

const LARGEST_FILE = 1024 * 1024;
const ISSUED_REMEMBERED = 200;
const BUNDLE = /^bundle-([0-9a-f]{64})\.pem$/;

export interface OpenOptions {
  /** Creates nothing: what is not there counts as empty. For a look that must change nothing. */
  readOnly?: boolean;
}

/** Where the certificates of a store are. */
export function certificatesHome(directory: string): string {
  return join(directory, 'certificates');
}

/** Opens the store of one certificate; its directory is made by the first write.
 * @param keepVersions how many bundles stay on disk, the current one included
 * @throws STORE_UNUSABLE when a directory can not be made or a file of ours is damaged */
export function openStore(directory: string, id: string, keepVersions: number, log: Log): Store {
  const home = join(certificatesHome(directory), id);
  const pathOf = (file: string): string => join(home, file);
  const bundlePath = (fingerprint: string): string => pathOf(`bundle-${fingerprint}.pem`);
  let isMade = false;
  const write = async (file: string, data: string): Promise<void> => {
    if (!isMade)
      for (const path of [directory, certificatesHome(directory), home]) await ensureDirectory(path);
    isMade = true;
    await writeFileDurable(pathOf(file), data);
    log.debug('store.written', { file: pathOf(file) });
  };
  const writeJson = (file: string, value: object): Promise<void> =>
    write(file, `${JSON.stringify(value, null, 2)}\n`);
  const readJson = async <T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> => {
    const text = await readFileBounded(pathOf(file), LARGEST_FILE);
    return text === undefined ? undefined : parseStored(pathOf(file), text.toString(), schema);
  };
  const readCurrent = (): Promise<Current | undefined> => readJson('current.json', CURRENT);
  const readBundle = async (fingerprint: string): Promise<Bundle | { problem: string }> => {
    const text = await readFileBounded(bundlePath(fingerprint), LARGEST_FILE);
    if (text === undefined) return { problem: 'the bundle is missing' };
    const parsed = parseBundle(text.toString());
    if (!parsed.ok) return { problem: parsed.problem };
    const isThis = parsed.bundle.facts.fingerprint === fingerprint;
    return isThis ? parsed.bundle : { problem: 'it is another certificate' };
  };

  return {
    directory,
    id,
    async current() {
      const current = await readCurrent();
      if (current === undefined) return undefined;
      const bundle = await readBundle(current.fingerprint);
      if ('problem' in bundle) {
        // A bundle is written before it is named here, so this is outside damage. Without it the store counts
        // as empty: the certificate is read back from marathon-lb, or ordered anew.
        const { problem } = bundle;
        log.warn('store.written', { file: bundlePath(current.fingerprint), problem });
        return undefined;
      }
      const { origin, storedAt, keptUntil, issuedBy } = current;
      const kept = keptUntil === undefined ? {} : { keptUntil };
      const by = issuedBy === undefined ? {} : { issuedBy };
      return { stored: { ...bundle.facts, origin, storedAt, ...kept, ...by }, bundle };
    },
    async issued() {
      return (await readCurrent())?.issued ?? [];
    },
    async save(bundle, origin, orderUrl, storedAt, issuedBy) {
      const before = await readCurrent();
      const { fingerprint } = bundle.facts;
      await write(`bundle-${fingerprint}.pem`, bundle.pem);
      const isOurs = origin !== 'adopted';
      const others = (before?.issued ?? []).filter((each) => each !== fingerprint || !isOurs);
      const issued = [...others, ...(isOurs ? [fingerprint] : [])].slice(-ISSUED_REMEMBERED);
      const current: Current = {
        fingerprint,
        origin,
        issued,
        storedAt,
        ...(orderUrl === undefined ? {} : { orderUrl }),
        ...(issuedBy === undefined ? {} : { issuedBy }),
      };
      await writeJson('current.json', current);
      await pruneBundles(home, fingerprint, keepVersions);
    },
    async restore(fingerprint, { storedAt, keptUntil }) {
      if ('problem' in (await readBundle(fingerprint)))
        throw new CertathonError('STORE_UNUSABLE', `There is no usable bundle ${bundlePath(fingerprint)}`);
      const issued = (await readCurrent())?.issued ?? [];
      const origin = issued.includes(fingerprint) ? 'issued' : 'adopted';
      const kept = keptUntil === undefined ? {} : { keptUntil };
      const current: Current = { fingerprint, origin, issued, storedAt, ...kept };
      await writeJson('current.json', current);
    },
    async currentOrderUrl() {
      return (await readCurrent())?.orderUrl;
    },
    versions: () => agedBundles(home),
    async version(fingerprint) {
      const bundle = await readBundle(fingerprint);
      return 'problem' in bundle ? undefined : bundle;
    },
    record: () => readJson('record.json', CERTIFICATE_RECORD),
    saveRecord: (record) => writeJson('record.json', record),
    ...openOrderFiles({ home, writeJson, readJson }),
    renewal: () => readJson('renewal.json', RENEWAL_INFO).catch(() => undefined),
    saveRenewal: (info) => writeJson('renewal.json', info),
    doubt: (now) => utimes(home, now, now).catch(() => undefined),
    async remove() {
      // First what makes it a certificate: of one that is half gone nothing is guessed.
      await removeFile(pathOf('current.json'));
      await rm(home, { recursive: true, force: true });
      isMade = false;
    },
  };
}

/** Age is by the time of writing, as the file system tells it. */
async function agedBundles(home: string): Promise<StoredVersion[]> {
  const files = await readdir(home).catch(() => []);
  const found = files.flatMap((name) => BUNDLE.exec(name)?.[1] ?? []);
  const aged = await Promise.all(
    found.map(async (fingerprint) => ({
      fingerprint,
      writtenAt: (await stat(join(home, `bundle-${fingerprint}.pem`))).mtime,
    })),
  );
  return aged.sort((a, b) => b.writtenAt.getTime() - a.writtenAt.getTime());
}

/** Keeps the newest bundles. */
async function pruneBundles(home: string, current: string, keep: number): Promise<void> {
  const others = (await agedBundles(home)).filter(({ fingerprint }) => fingerprint !== current);
  for (const { fingerprint } of others.slice(Math.max(0, keep - 1)))
    await removeFile(join(home, `bundle-${fingerprint}.pem`));
  // A write that was cut off by a kill leaves a copy of a key under another name.
  await removeTemporaryFiles(home);
}
