import { accountThumbprint } from '../acme/account-key.ts';
import type { AcmeClient } from '../acme/client.ts';
import { CertathonError, describeError } from '../lib/errors.ts';
import type { AccountTools } from './account.ts';

/** An account as a person may see it; no key. */
export interface AccountLook {
  directoryUrl: string;
  /** Where its key comes from; undefined when there is none. */
  key: 'given' | 'stored' | undefined;
  thumbprint?: string;
  url?: string;
  /** As the CA says it: valid, deactivated, revoked; `unknown` when it knows none by this key. */
  status?: string;
  contact?: readonly string[];
  /** The address of the terms, and whether the CA says that they were agreed to. */
  termsOfService?: string;
  termsOfServiceAgreed?: boolean;
  /** When it was deactivated from here. */
  deactivatedAt?: Date;
  /** A change of its key was cut off; the next use of the account finds out which key it has. */
  isKeyOpen?: true;
  /** Why the CA could not be asked. */
  problem?: { code: string; message: string };
}

/** Asks the CA about the account by its key. Makes and changes nothing.
 * @throws STORE_UNUSABLE, the reason of an aborted signal */
export async function lookAtAccount(
  { accounts, givenKeyPem, openAcme }: AccountTools,
  signal: AbortSignal,
): Promise<AccountLook> {
  const { directoryUrl } = accounts;
  const stored = await accounts.read();
  const next = givenKeyPem === undefined ? await accounts.nextKey() : undefined;
  const keyPem = givenKeyPem ?? stored?.keyPem ?? next;
  if (keyPem === undefined) return { directoryUrl, key: undefined };
  const isOwn = stored?.keyPem === keyPem;
  const look: AccountLook = {
    directoryUrl,
    key: givenKeyPem === undefined ? 'stored' : 'given',
    thumbprint: accountThumbprint(keyPem),
    ...(isOwn && stored.url !== undefined ? { url: stored.url } : {}),
    ...(isOwn && stored.deactivatedAt !== undefined ? { deactivatedAt: stored.deactivatedAt } : {}),
    ...(next === undefined ? {} : { isKeyOpen: true as const }),
  };
  const acme = openAcme(keyPem, undefined);
  try {
    const { meta } = await acme.directory();
    const seen = await acme.lookUpAccount();
    return {
      ...look,
      ...(meta.termsOfService === undefined ? {} : { termsOfService: meta.termsOfService }),
      ...(seen ?? { status: 'unknown' }),
    };
  } catch (error) {
    if (signal.aborted || !(error instanceof CertathonError)) throw error;
    return { ...look, problem: { code: error.code, message: describeError(error) } };
  } finally {
    await acme.close();
  }
}

/** Ends the account for good, at the CA and in the store. @returns `already` when it was over before
 * @throws CONFIG_INVALID without an account, ACME_*, STORE_UNUSABLE */
export async function deactivateAccount(
  { accounts, givenKeyPem, openAcme }: AccountTools,
  now: Date,
): Promise<'deactivated' | 'already'> {
  const keyPem = givenKeyPem ?? (await accounts.read())?.keyPem;
  if (keyPem === undefined) throw withoutAccount(accounts.directoryUrl);
  const over = await withAcme(openAcme(keyPem, undefined), async (acme) => {
    const seen = await acme.lookUpAccount();
    if (seen === undefined) throw withoutAccount(accounts.directoryUrl, 'The CA knows none by its key');
    if (seen.url === undefined || seen.status !== 'valid') return 'already' as const;
    return withAcme(openAcme(keyPem, seen.url), async (own) => {
      await own.deactivateAccount();
      return 'deactivated' as const;
    });
  });
  // A given key is known by the copy in the store, so that it is not tried again.
  if ((await accounts.read())?.keyPem !== keyPem) await accounts.saveKey(keyPem);
  await accounts.saveDeactivated(now);
  return over;
}

export function withoutAccount(directoryUrl: string, why = 'The store holds none'): CertathonError {
  return new CertathonError('CONFIG_INVALID', `There is no account at ${directoryUrl}: ${why}`);
}

async function withAcme<T>(acme: AcmeClient, work: (acme: AcmeClient) => Promise<T>): Promise<T> {
  try {
    return await work(acme);
  } finally {
    await acme.close();
  }
}
