import { accountThumbprint, createAccountKey } from '../acme/account-key.ts';
import type { AcmeClient } from '../acme/client.ts';
import { CertathonError } from '../lib/errors.ts';
import type { AccountTools } from './account.ts';

/** The change of an account's key (RFC 8555 7.3.5). The new key is on disk before the CA hears of it, and takes the place of
 * the old one after the CA has said so. Whatever ends it in between, the next opening asks the CA which key it knows. */

type KeyTools = Pick<AccountTools, 'accounts' | 'openAcme'>;

/** @param acme the account, opened with the key that it has
 * @returns the thumbprint of the new key
 * @throws ACME_* when the account keeps its key, or when which one it has can not be found out now */
export async function changeAccountKey(acme: AcmeClient, tools: KeyTools): Promise<string> {
  const { accounts } = tools;
  const next = createAccountKey();
  const thumbprint = accountThumbprint(next);
  await accounts.saveNextKey(next);
  try {
    await acme.changeKey(next);
  } catch (error) {
    const settled = await settleKey(tools).catch(() => undefined);
    if (settled === 'new') return thumbprint;
    if (settled === 'old') throw error;
    throw new CertathonError(
      'ACME_UNREACHABLE',
      `Whether the account at ${accounts.directoryUrl} has the new key or the old one is asked at its next use`,
      { cause: error },
    );
  }
  await accounts.takeNextKey(thumbprint);
  return thumbprint;
}

/** Ends a change of keys that was cut off: the key that the CA knows is the account's.
 * @returns undefined when there was nothing to find out
 * @throws ACME_*, STORE_UNUSABLE */
export async function settleKey({ accounts, openAcme }: KeyTools): Promise<'new' | 'old' | undefined> {
  const next = await accounts.nextKey();
  if (next === undefined) return undefined;
  const stored = await accounts.read();
  const thumbprint = accountThumbprint(next);
  if (stored === undefined || (await isKnown(next, stored.url, openAcme))) {
    await accounts.takeNextKey(thumbprint);
    return 'new';
  }
  await accounts.dropNextKey();
  return 'old';
}

/** Is a key that of the account with this address? A key with an account of its own is not. */
async function isKnown(
  keyPem: string,
  url: string | undefined,
  openAcme: KeyTools['openAcme'],
): Promise<boolean> {
  const acme = openAcme(keyPem, undefined);
  try {
    const seen = await acme.lookUpAccount();
    return seen !== undefined && (seen.url === undefined || url === undefined || seen.url === url);
  } finally {
    await acme.close();
  }
}
