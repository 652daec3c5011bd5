import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Bundle, parseBundle } from '../delivery/bundle.ts';
import type { DeliveryMemory } from '../delivery/delivery.ts';
import { CertathonError } from '../lib/errors.ts';
import {
  ensureDirectory,
  readFileBounded,
  removeFile,
  removeTemporaryFiles,
  writeFileDurable,
} from '../lib/files.ts';
import type { Log } from '../lib/log.ts';
import type { Hold, Origin, StoredCertificate } from './model.ts';

/** The directory of bundles, accounts, orders and challenges. Invariants:
 *  - a bundle is written once, under its fingerprint, and never changed; `current.json` names the one in use
 *    and is replaced in one rename, so certificate, key and metadata switch together;
 *  - everything with a key is 0600 in directories 0700;
 *  - one writer at a time (store-lock.ts); readers need no lock. */
export interface Store {
  readonly directory: string;
  current(): Promise<{ stored: StoredCertificate; bundle: Bundle } | undefined>;
  /** Whether this program issued a certificate with this fingerprint, as far as the store remembers. */
  isIssued(fingerprint: string): Promise<boolean>;
  save(bundle: Bundle, origin: Origin, orderUrl: string | undefined, storedAt: Date): Promise<void>;
  /** The order URL of the current certificate: an order file for it is a leftover of a crash. */
  currentOrderUrl(): Promise<string | undefined>;
  order(): Promise<BegunOrder | undefined>;
  saveOrder(order: BegunOrder): Promise<void>;
  removeOrder(): Promise<void>;
  hold(what: Held): Promise<Hold | undefined>;
  saveHold(what: Held, hold: Hold): Promise<void>;
  removeHold(what: Held): Promise<void>;
  /** The delivery to a target that was begun and not seen to its end. */
  deliveryMemory(target: string): DeliveryMemory;
  /** When balancers of a target were last restarted or reloaded. */
  deliveredAt(target: string): Promise<Date | undefined>;
  saveDeliveredAt(target: string, at: Date): Promise<void>;
}

/** What must survive a crash between asking the CA and holding the certificate. Contains the new private key. */
export type BegunOrder = z.infer<typeof BEGUN_ORDER>;

/** What is held back after failures: orders, or the deliveries to one target. */
export type Held = 'order' | { deliveryTo: string };

const BEGUN_ORDER = z.object({
  directoryUrl: z.string(),
  names: z.array(z.string()),
  /** Absent between writing the key and the CA's first answer. */
  url: z.string().optional(),
  keyPem: z.string(),
});
const BEGUN_DELIVERY = z.object({
  fingerprint: z.string(),
  appId: z.string(),
  /** Version of the app before our write: if the next version is ours, its deployment is too. */
  beforeVersion: z.string(),
  deploymentId: z.string().optional(),
  previous: z.object({ fingerprint: z.string(), names: z.array(z.string()) }).optional(),
});
const CURRENT = z.object({
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  origin: z.enum(['issued', 'adopted']),
  orderUrl: z.string().optional(),
  storedAt: z.coerce.date().optional(),
  /** Fingerprints issued by us, newest last; kept after their bundles are pruned. */
  issued: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
});
const HOLD = z.object({
  since: z.coerce.date(),
  until: z.coerce.date(),
  code: z.string(),
  reason: z.string(),
  failures: z.number().int().nonnegative(),
  byCa: z.boolean(),
});
const DELIVERED = z.object({ at: z.coerce.date() });
type Current = z.infer<typeof CURRENT>;

const LARGEST_FILE = 1024 * 1024;
const ISSUED_REMEMBERED = 200;

export interface OpenOptions {
  /** Creates nothing: what is not there counts as empty. For a look that must change nothing. */
  readOnly?: boolean;
}

/** Opens the store of one certificate, creating its directories.
 * @param keepVersions how many bundles stay on disk, the current one included
 * @throws STORE_UNUSABLE when a directory can not be made or a file of ours is damaged */
export async function openStore(
  directory: string,
  certificate: string,
  keepVersions: number,
  log: Log,
  { readOnly = false }: OpenOptions = {},
): Promise<Store> {
  const home = join(directory, 'certificates', certificate);
  if (!readOnly)
    for (const path of [directory, join(directory, 'certificates'), home]) await ensureDirectory(path);
  const pathOf = (file: string): string => join(home, file);
  const bundlePath = (fingerprint: string): string => pathOf(`bundle-${fingerprint}.pem`);
  const write = async (file: string, data: string): Promise<void> => {
    await writeFileDurable(pathOf(file), data);
    log.debug('store.written', { file: pathOf(file) });
  };
  const readJson = async <T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> => {
    const text = await readFileBounded(pathOf(file), LARGEST_FILE);
    return text === undefined ? undefined : parseStored(pathOf(file), text.toString(), schema);
  };
  const readCurrent = (): Promise<Current | undefined> => readJson('current.json', CURRENT);

  return {
    directory,
    async current() {
      const current = await readCurrent();
      if (current === undefined) return undefined;
      const text = await readFileBounded(bundlePath(current.fingerprint), LARGEST_FILE);
      const parsed = text === undefined ? undefined : parseBundle(text.toString());
      if (parsed?.ok !== true || parsed.bundle.facts.fingerprint !== current.fingerprint) {
        // A bundle is written before it is named here, so this is outside damage. Without it the store counts
        // as empty: the certificate is read back from marathon-lb, or ordered anew.
        log.warn('store.written', {
          file: bundlePath(current.fingerprint),
          problem: parsed?.ok === false ? parsed.problem : 'the bundle is missing',
        });
        return undefined;
      }
      const { origin, storedAt } = current;
      return { stored: { ...parsed.bundle.facts, origin, storedAt }, bundle: parsed.bundle };
    },
    async isIssued(fingerprint) {
      return (await readCurrent())?.issued.includes(fingerprint) ?? false;
    },
    async save(bundle, origin, orderUrl, storedAt) {
      const before = await readCurrent();
      const { fingerprint } = bundle.facts;
      await write(`bundle-${fingerprint}.pem`, bundle.pem);
      const issued = [...(before?.issued ?? []), ...(origin === 'issued' ? [fingerprint] : [])].slice(
        -ISSUED_REMEMBERED,
      );
      const current: Current = {
        fingerprint,
        origin,
        issued,
        storedAt,
        ...(orderUrl === undefined ? {} : { orderUrl }),
      };
      await write('current.json', `${JSON.stringify(current, null, 2)}\n`);
      await pruneBundles(home, fingerprint, keepVersions);
    },
    async currentOrderUrl() {
      return (await readCurrent())?.orderUrl;
    },
    order: () => readJson('order.json', BEGUN_ORDER),
    saveOrder: (order) => write('order.json', `${JSON.stringify(order, null, 2)}\n`),
    removeOrder: () => removeFile(pathOf('order.json')),
    hold: (what) => readJson(holdFile(what), HOLD),
    saveHold: (what, hold) => write(holdFile(what), `${JSON.stringify(hold, null, 2)}\n`),
    removeHold: (what) => removeFile(pathOf(holdFile(what))),
    deliveryMemory: (target) => {
      const file = `delivery-${slugOf(target)}.json`;
      return {
        delivery: () => readJson(file, BEGUN_DELIVERY),
        saveDelivery: (delivery) => write(file, `${JSON.stringify(delivery, null, 2)}\n`),
        removeDelivery: () => removeFile(pathOf(file)),
      };
    },
    deliveredAt: async (target) => (await readJson(deliveredFile(target), DELIVERED))?.at,
    saveDeliveredAt: (target, at) => write(deliveredFile(target), `${JSON.stringify({ at })}\n`),
  };
}

function holdFile(what: Held): string {
  return what === 'order' ? 'hold-order.json' : `hold-delivery-${slugOf(what.deliveryTo)}.json`;
}

function deliveredFile(target: string): string {
  return `delivered-${slugOf(target)}.json`;
}

/** An app id or a path as a part of a file name: readable, and never the same for two. */
function slugOf(target: string): string {
  const readable = target
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .slice(-40)
    .replace(/^-/, '');
  return `${readable}-${createHash('sha256').update(target).digest('hex').slice(0, 8)}`;
}

/** A file of ours, which only we write: damage is reported by name and nothing is guessed. */
export function parseStored<T>(path: string, text: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    // Without the cause: its words may quote the file, which may hold a key.
    throw new CertathonError(
      'STORE_UNUSABLE',
      `The file ${path} is damaged (no JSON of the expected form); move it away to go on without it`,
    );
  }
}

/** Keeps the newest bundles. Age is by the time of writing, as the file system tells it. */
async function pruneBundles(home: string, current: string, keep: number): Promise<void> {
  const names = (await readdir(home)).filter((name) => /^bundle-[0-9a-f]{64}\.pem$/.test(name));
  const aged = await Promise.all(
    names.map(async (name) => ({ name, writtenMs: (await stat(join(home, name))).mtimeMs })),
  );
  const others = aged
    .filter(({ name }) => name !== `bundle-${current}.pem`)
    .sort((a, b) => b.writtenMs - a.writtenMs);
  for (const { name } of others.slice(Math.max(0, keep - 1))) await removeFile(join(home, name));
  // A write that was cut off by a kill leaves a copy of a key under another name.
  await removeTemporaryFiles(home);
}
