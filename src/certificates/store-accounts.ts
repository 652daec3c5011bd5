import { createHash, createPrivateKey } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CertathonError } from '../lib/errors.ts';
import { ensureDirectory, readFileBounded, removeFile, writeFileDurable } from '../lib/files.ts';
import type { OpenOptions } from './store.ts';
import { parseStored } from './store-schema.ts';

/** The account at one CA. The URL can be found again from the key, so only the key has to be kept. */
export interface StoredAccount {
  keyPem: string;
  url: string | undefined;
  /** When the account of this key was deactivated. */
  deactivatedAt?: Date | undefined;
}

export interface AccountStore {
  readonly directoryUrl: string;
  /** The directory that everything of the account is in. */
  readonly home: string;
  /** @throws STORE_UNUSABLE when a file is damaged */
  read(): Promise<StoredAccount | undefined>;
  /** The URL and thumbprint of another key are forgotten first: a crash in between must not leave them to it. */
  saveKey(keyPem: string): Promise<void>;
  saveUrl(url: string): Promise<void>;
  saveThumbprint(thumbprint: string): Promise<void>;
  /** For the responder, which needs no key: the thumbprint answers any token (stateless answers). */
  thumbprint(): Promise<string | undefined>;
  /** A key that the account shall have, or has already: which of the two, only the CA knows (RFC 8555 7.3.5). */
  nextKey(): Promise<string | undefined>;
  saveNextKey(keyPem: string): Promise<void>;
  /** The next key is the account's. */
  takeNextKey(thumbprint: string): Promise<void>;
  dropNextKey(): Promise<void>;
  saveDeactivated(at: Date): Promise<void>;
  /** Sets the key of an account that is over aside, so that another one can be made. */
  retire(): Promise<void>;
  /** The profiles that the CA offered when it was asked last; undefined before. */
  profiles(): Promise<readonly string[] | undefined>;
  /** Writes only what is new. */
  saveProfiles(names: readonly string[]): Promise<void>;
}

const ACCOUNT = z.object({
  directoryUrl: z.string(),
  url: z.string().optional(),
  thumbprint: z.string().optional(),
  deactivatedAt: z.coerce.date().optional(),
  /** Of the CA, not of the account. */
  profiles: z.array(z.string()).optional(),
});

/** Opens the account of one CA; staging and production stand side by side, each under a name of its own. */
export async function openAccountStore(
  directory: string,
  directoryUrl: string,
  { readOnly = false }: OpenOptions = {},
): Promise<AccountStore> {
  const home = accountHome(directory, directoryUrl);
  if (!readOnly)
    for (const path of [directory, join(directory, 'accounts'), home]) await ensureDirectory(path);
  const keyPath = join(home, 'account.key');
  const metaPath = join(home, 'account.json');
  const readMeta = async (): Promise<z.infer<typeof ACCOUNT>> => {
    const text = await readFileBounded(metaPath, 64 * 1024);
    return text === undefined ? { directoryUrl } : parseStored(metaPath, text.toString(), ACCOUNT);
  };
  const nextPath = join(home, 'account.key.next');
  const readKey = async (path: string): Promise<string | undefined> => {
    const keyPem = (await readFileBounded(path, 64 * 1024))?.toString();
    if (keyPem !== undefined && !isPrivateKey(keyPem))
      throw new CertathonError(
        'STORE_UNUSABLE',
        `The account key ${path} is damaged; move it away to go on with a new account`,
      );
    return keyPem;
  };
  const change = async (part: Partial<z.infer<typeof ACCOUNT>>): Promise<void> =>
    writeFileDurable(metaPath, `${JSON.stringify({ ...(await readMeta()), ...part }, null, 2)}\n`);
  return {
    directoryUrl,
    home,
    async read() {
      const keyPem = await readKey(keyPath);
      if (keyPem === undefined) return undefined;
      const { url, deactivatedAt } = await readMeta();
      return { keyPem, url, ...(deactivatedAt === undefined ? {} : { deactivatedAt }) };
    },
    async saveKey(keyPem) {
      const { profiles } = await readMeta();
      const meta = { directoryUrl, ...(profiles === undefined ? {} : { profiles }) };
      await writeFileDurable(metaPath, `${JSON.stringify(meta, null, 2)}\n`);
      await writeFileDurable(keyPath, keyPem);
    },
    saveUrl: (url) => change({ url }),
    saveThumbprint: (thumbprint) => change({ thumbprint }),
    thumbprint: async () => (await readMeta()).thumbprint,
    nextKey: () => readKey(nextPath),
    saveNextKey: (keyPem) => writeFileDurable(nextPath, keyPem),
    async takeNextKey(thumbprint) {
      const keyPem = await readKey(nextPath);
      if (keyPem === undefined) return;
      await writeFileDurable(keyPath, keyPem);
      await change({ thumbprint });
      await removeFile(nextPath);
    },
    dropNextKey: () => removeFile(nextPath),
    saveDeactivated: (deactivatedAt) => change({ deactivatedAt }),
    async retire() {
      const keyPem = await readKey(keyPath);
      if (keyPem === undefined) return;
      const name = createHash('sha256').update(keyPem).digest('hex').slice(0, 8);
      await writeFileDurable(join(home, `account-${name}.key.deactivated`), keyPem);
      await removeFile(keyPath);
      await removeFile(metaPath);
    },
    profiles: async () => (await readMeta()).profiles,
    async saveProfiles(names) {
      const before = (await readMeta()).profiles;
      if (before?.join() !== names.join()) await change({ profiles: [...names] });
    },
  };
}

/** What is kept of one CA is in one directory. */
export function accountHome(directory: string, directoryUrl: string): string {
  return join(directory, 'accounts', accountName(directoryUrl));
}

/** The directories of the CAs at which the store has an account, sorted. */
export async function storedAccounts(directory: string): Promise<string[]> {
  const homes = await readdir(join(directory, 'accounts')).catch(() => []);
  const found = await Promise.all(
    homes.map(async (home) => {
      const path = join(directory, 'accounts', home, 'account.json');
      const text = await readFileBounded(path, 64 * 1024).catch(() => undefined);
      return text === undefined ? [] : [parseStored(path, text.toString(), ACCOUNT).directoryUrl];
    }),
  );
  return found.flat().sort();
}

function isPrivateKey(pem: string): boolean {
  try {
    createPrivateKey(pem);
    return true;
  } catch {
    return false;
  }
}

/** `https://acme-v02.api.letsencrypt.org/directory` → `acme-v02.api.letsencrypt.org-1f0c2a9b`. */
function accountName(directoryUrl: string): string {
  const host = new URL(directoryUrl).hostname.replaceAll(/[^a-z0-9.-]/g, '_');
  return `${host}-${createHash('sha256').update(directoryUrl).digest('hex').slice(0, 8)}`;
}
