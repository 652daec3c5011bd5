import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { removeFile } from '../lib/files.ts';
import type { Hold } from './model.ts';
import type { Store } from './store.ts';
import { BEGUN_ORDER, HOLDS } from './store-schema.ts';

/** How files of one certificate are read and written. */
export interface CertificateFiles {
  home: string;
  readJson: <T>(file: string, schema: z.ZodType<T>) => Promise<T | undefined>;
  writeJson: (file: string, value: object) => Promise<void>;
}

type OrderFiles = Pick<
  Store,
  | 'order'
  | 'saveOrder'
  | 'removeOrder'
  | 'forgetOrders'
  | 'hold'
  | 'holds'
  | 'saveHold'
  | 'saveHolds'
  | 'removeHold'
>;

/** Orders at other CAs than the last one. */
const BESIDE = /^order-[0-9a-f]{8}\.json$/;

function besideName(directoryUrl: string): string {
  return `order-${createHash('sha256').update(directoryUrl).digest('hex').slice(0, 8)}.json`;
}

/** The part of the store of one certificate about its orders and what holds them back; store.ts has the whole. */
export function orderFiles({ home, readJson, writeJson }: CertificateFiles): OrderFiles {
  const pathOf = (file: string): string => join(home, file);
  const readHolds = async (): Promise<Hold[]> =>
    ((await readJson<Hold[]>('hold-order.json', HOLDS)) ?? []).toSorted(
      (a, b) => b.since.getTime() - a.since.getTime(),
    );
  const saveHolds = async (holds: readonly Hold[]): Promise<void> => {
    const [first] = holds;
    if (first === undefined) await removeFile(pathOf('hold-order.json'));
    else await writeJson('hold-order.json', holds.length === 1 ? first : { holds });
  };

  return {
    async order(directoryUrl) {
      const last = await readJson('order.json', BEGUN_ORDER);
      if (directoryUrl === undefined || last?.directoryUrl === directoryUrl) return last;
      return readJson(besideName(directoryUrl), BEGUN_ORDER);
    },
    async saveOrder(order) {
      const last = await readJson('order.json', BEGUN_ORDER).catch(() => undefined);
      if (last?.url !== undefined && last.directoryUrl !== order.directoryUrl)
        await writeJson(besideName(last.directoryUrl), last);
      await writeJson('order.json', order);
      await removeFile(pathOf(besideName(order.directoryUrl)));
    },
    removeOrder: () => removeFile(pathOf('order.json')),
    async forgetOrders(now) {
      for (const file of (await readdir(home).catch(() => [])).filter((name) => BESIDE.test(name))) {
        const order = await readJson(file, BEGUN_ORDER).catch(() => undefined);
        if ((order?.expiresAt ?? now) <= now) await removeFile(pathOf(file));
      }
    },
    hold: async () => (await readHolds())[0],
    holds: readHolds,
    async saveHold(hold) {
      // One that names no CA was written by an earlier version, about the one that was configured then.
      const others = (await readHolds()).filter(
        ({ directoryUrl }) => directoryUrl !== undefined && directoryUrl !== hold.directoryUrl,
      );
      await saveHolds([hold, ...others]);
    },
    saveHolds,
    removeHold: () => removeFile(pathOf('hold-order.json')),
  };
}
