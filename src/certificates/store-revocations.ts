import { join } from 'node:path';
import { z } from 'zod';
import { readFileBounded, writeFileDurable } from '../lib/files.ts';
import { parseStored, REVOCATION, type Revocation } from './store-schema.ts';
import type { Revoked } from './world.ts';

/** Every revocation that was asked for. Of the whole store and kept for ever, since a certificate may be taken out of
 * the store and come back from a balancer, and a lost key stays lost. */
export interface RevocationStore {
  /** Oldest first. @throws STORE_UNUSABLE */
  list(): Promise<Revocation[]>;
  /** Adds it, or replaces the one of the same certificate. Only for the holder of the store's lock. */
  save(revocation: Revocation): Promise<void>;
  /** It was not done, and is not to be. */
  remove(fingerprint: string): Promise<void>;
}

const LARGEST_FILE = 64 * 1024 * 1024;
const FILE = z.object({ revocations: z.array(REVOCATION) });

export function openRevocationStore(directory: string): RevocationStore {
  const path = join(directory, 'revocations.json');
  const list = async (): Promise<Revocation[]> => {
    const text = await readFileBounded(path, LARGEST_FILE);
    return text === undefined ? [] : parseStored(path, text.toString(), FILE).revocations;
  };
  const write = (revocations: Revocation[]): Promise<void> =>
    writeFileDurable(path, `${JSON.stringify({ revocations }, null, 2)}\n`);
  const others = async (fingerprint: string) =>
    (await list()).filter((each) => each.fingerprint !== fingerprint);
  return {
    list,
    save: async (revocation) => write([...(await others(revocation.fingerprint)), revocation]),
    remove: async (fingerprint) => write(await others(fingerprint)),
  };
}

/** What follows from them for every certificate and key. */
export function revokedBy(revocations: readonly Revocation[]): Revoked {
  return {
    fingerprints: new Set(revocations.map(({ fingerprint }) => fingerprint)),
    lostKeys: new Set(revocations.filter(isKeyLost).map(({ keyHash }) => keyHash)),
    asked: revocations.filter(({ state }) => state === 'asked'),
  };
}

/** Somebody else has the key, or the CA certifies it no more: Let's Encrypt takes whatever is revoked by its own key
 * for keyCompromise (acme/revocation.ts). */
export function isKeyLost({ reason, by }: Pick<Revocation, 'reason' | 'by'>): boolean {
  return reason === 'keyCompromise' || by === 'key';
}
