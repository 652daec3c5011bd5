import { createHash, createPrivateKey } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { CertathonError } from '../lib/errors.ts';
import { ensureDirectory, readFileBounded, writeFileDurable } from '../lib/files.ts';
import type { OpenOptions } from './store.ts';
import { parseStored } from './store-schema.ts';

/** The account at one CA. The URL can be found again from the key, so only the key has to be kept. */
export interface StoredAccount {
  keyPem: string;
  url: string | undefined;
}

export interface AccountStore {
  /** @throws STORE_UNUSABLE when a file is damaged */
  read(): Promise<StoredAccount | undefined>;
  /** The URL and thumbprint of another key are forgotten first: a crash in between must not leave them to it. */
  saveKey(keyPem: string): Promise<void>;
  saveUrl(url: string): Promise<void>;
  saveThumbprint(thumbprint: string): Promise<void>;
  /** For the responder, which needs no key: the thumbprint answers any token (stateless answers). */
  thumbprint(): Promise<string | undefined>;
}

const ACCOUNT = z.object({
  directoryUrl: z.string(),
  url: z.string().optional(),
  thumbprint: z.string().optional(),
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
  const change = async (part: Partial<z.infer<typeof ACCOUNT>>): Promise<void> =>
    writeFileDurable(metaPath, `${JSON.stringify({ ...(await readMeta()), ...part }, null, 2)}\n`);
  return {
    async read() {
      const keyPem = (await readFileBounded(keyPath, 64 * 1024))?.toString();
      if (keyPem === undefined) return undefined;
      if (!isPrivateKey(keyPem))
        throw new CertathonError(
          'STORE_UNUSABLE',
          `The account key ${keyPath} is damaged; move it away to go on with a new account`,
        );
      return { keyPem, url: (await readMeta()).url };
    },
    async saveKey(keyPem) {
      await writeFileDurable(metaPath, `${JSON.stringify({ directoryUrl }, null, 2)}\n`);
      await writeFileDurable(keyPath, keyPem);
    },
    saveUrl: (url) => change({ url }),
    saveThumbprint: (thumbprint) => change({ thumbprint }),
    thumbprint: async () => (await readMeta()).thumbprint,
  };
}

/** What is kept of one CA is in one directory. */
export function accountHome(directory: string, directoryUrl: string): string {
  return join(directory, 'accounts', accountName(directoryUrl));
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
