import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { ensureDirectory, readFileBounded, writeFileDurable } from '../lib/files.ts';
import { parseStored } from './store.ts';

/** The account at one CA. The URL can be found again from the key, so only the key has to be kept. */
export interface StoredAccount {
  keyPem: string;
  url: string | undefined;
}

export interface AccountStore {
  read(): Promise<StoredAccount | undefined>;
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
export async function openAccountStore(directory: string, directoryUrl: string): Promise<AccountStore> {
  const home = join(directory, 'accounts', accountName(directoryUrl));
  await ensureDirectory(directory);
  await ensureDirectory(join(directory, 'accounts'));
  await ensureDirectory(home);
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
      const keyPem = await readFileBounded(keyPath, 64 * 1024);
      return keyPem === undefined ? undefined : { keyPem: keyPem.toString(), url: (await readMeta()).url };
    },
    saveKey: (keyPem) => writeFileDurable(keyPath, keyPem),
    saveUrl: (url) => change({ url }),
    saveThumbprint: (thumbprint) => change({ thumbprint }),
    thumbprint: async () => (await readMeta()).thumbprint,
  };
}

/** `https://acme-v02.api.letsencrypt.org/directory` → `acme-v02.api.letsencrypt.org-1f0c2a9b`. */
function accountName(directoryUrl: string): string {
  const host = new URL(directoryUrl).hostname.replaceAll(/[^a-z0-9.-]/g, '_');
  return `${host}-${createHash('sha256').update(directoryUrl).digest('hex').slice(0, 8)}`;
}
