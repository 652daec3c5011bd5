import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { removeFile } from '../lib/files.ts';
import type { Hold } from './model.ts';
import { BEGUN_ORDER, type BegunOrder, HOLDS } from './store-schema.ts';

/** Orders of one certificate that were begun and not finished, and what holds further ones back; at each CA for itself. */
export interface OrderFiles {
  /** The order that was begun last, or the one at that CA. */
  order(directoryUrl?: string): Promise<BegunOrder | undefined>;
  /** One that was begun at another CA is kept beside it. */
  saveOrder(order: BegunOrder): Promise<void>;
  removeOrder(): Promise<void>;
  /** Forgets orders at other CAs that are over. */
  forgetOrders(now: Date): Promise<void>;
  /** Why no order is made for now: what happened last. */
  hold(): Promise<Hold | undefined>;
  /** At each CA, what happened last first. */
  holds(): Promise<Hold[]>;
  /** Takes the place of the one at the same CA. */
  saveHold(hold: Hold): Promise<void>;
  saveHolds(holds: readonly Hold[]): Promise<void>;
  removeHold(): Promise<void>;
}

interface Files {
  home: string;
  writeJson(file: string, value: object): Promise<void>;
  readJson<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined>;
}

/** Orders at other CAs than the last one. */
const BESIDE = /^order-[0-9a-f]{8}\.json$/;

function besideName(directoryUrl: string): string {
  return `order-${createHash('sha256').update(directoryUrl).digest('hex').slice(0, 8)}.json`;
}

export function openOrderFiles({ home, writeJson, readJson }: Files): OrderFiles {
  const remove = (file: string): Promise<void> => removeFile(join(home, file));
  const holds = async (): Promise<Hold[]> =>
    ((await readJson<Hold[]>('hold-order.json', HOLDS)) ?? []).toSorted(
      (a, b) => b.since.getTime() - a.since.getTime(),
    );
  const saveHolds = async (all: readonly Hold[]): Promise<void> => {
    const [first] = all;
    if (first === undefined) await remove('hold-order.json');
    else await writeJson('hold-order.json', all.length === 1 ? first : { holds: all });
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
      await remove(besideName(order.directoryUrl));
    },
    removeOrder: () => remove('order.json'),
    async forgetOrders(now) {
      for (const file of (await readdir(home).catch(() => [])).filter((name) => BESIDE.test(name))) {
        const order = await readJson(file, BEGUN_ORDER).catch(() => undefined);
        if ((order?.expiresAt ?? now) <= now) await remove(file);
      }
    },
    hold: async () => (await holds())[0],
    holds,
    async saveHold(hold) {
      // One that names no CA was written by an earlier version, about the one that was configured then.
      const others = (await holds()).filter(
        ({ directoryUrl }) => directoryUrl !== undefined && directoryUrl !== hold.directoryUrl,
      );
      await saveHolds([hold, ...others]);
    },
    saveHolds,
    removeHold: () => remove('hold-order.json'),
  };
}
