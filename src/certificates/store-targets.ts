import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { z } from 'zod';
import type { DeliveryMemory } from '../delivery/delivery.ts';
import { ensureDirectory, readFileBounded, removeFile, writeFileDurable } from '../lib/files.ts';
import type { Hold } from './model.ts';
import { BEGUN_DELIVERY, DELIVERED, HOLD, parseStored } from './store-schema.ts';

/** What is remembered of each place that certificates are delivered to, whichever certificates those are. */
export interface TargetStore {
  /** The delivery to a target that was begun and not seen to its end. */
  deliveryMemory(target: string): DeliveryMemory;
  /** When balancers of a target were last restarted or reloaded. */
  deliveredAt(target: string): Promise<Date | undefined>;
  saveDeliveredAt(target: string, at: Date): Promise<void>;
  /** Why nothing is delivered there for now. */
  hold(target: string): Promise<Hold | undefined>;
  saveHold(target: string, hold: Hold): Promise<void>;
  removeHold(target: string): Promise<void>;
}

const LARGEST_FILE = 1024 * 1024;

/** @throws STORE_UNUSABLE by each of its functions */
export function openTargetStore(directory: string): TargetStore {
  const home = join(directory, 'targets');
  const pathOf = (kind: string, target: string): string => join(home, `${kind}-${slugOf(target)}.json`);
  const read = async <T>(kind: string, target: string, schema: z.ZodType<T>): Promise<T | undefined> => {
    const path = pathOf(kind, target);
    const text = await readFileBounded(path, LARGEST_FILE);
    return text === undefined ? undefined : parseStored(path, text.toString(), schema);
  };
  const write = async (kind: string, target: string, value: object): Promise<void> => {
    for (const path of [directory, home]) await ensureDirectory(path);
    await writeFileDurable(pathOf(kind, target), `${JSON.stringify(value, null, 2)}\n`);
  };
  const remove = (kind: string, target: string): Promise<void> => removeFile(pathOf(kind, target));
  return {
    deliveryMemory: (target) => ({
      delivery: () => read('delivery', target, BEGUN_DELIVERY),
      saveDelivery: (delivery) => write('delivery', target, delivery),
      removeDelivery: () => remove('delivery', target),
    }),
    deliveredAt: async (target) => (await read('delivered', target, DELIVERED))?.at,
    saveDeliveredAt: (target, at) => write('delivered', target, { at }),
    hold: (target) => read('hold', target, HOLD),
    saveHold: (target, hold) => write('hold', target, hold),
    removeHold: (target) => remove('hold', target),
  };
}

/** An app id or a path as a part of a file name: readable, and never the same for two. */
function slugOf(target: string): string {
  const readable = target
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .slice(-40)
    .replace(/^-/, '');
  return `${readable}-${createHash('sha256').update(target).digest('hex').slice(0, 8)}`;
}
