import { createAccountKey } from '../acme/account-key.ts';
import type { AcmeClient } from '../acme/client.ts';
import { CertathonError } from '../lib/errors.ts';
import { settleKey } from './account-key-change.ts';
import type { AccountStore } from './store-accounts.ts';

/** How an ACME client is made for an account; constructed by the service, which knows the options. */
export type OpenAcme = (accountKeyPem: string, accountUrl: string | undefined) => AcmeClient;

export interface AccountTools {
  accounts: AccountStore;
  openAcme: OpenAcme;
  /** The key given as an option; it wins over the stored one. */
  givenKeyPem: string | undefined;
  contact: string[];
  /** Runs one work after the other: orders side by side must not make an account each. */
  inTurn?: <T>(work: () => Promise<T>) => Promise<T>;
  /** Given, those that ask while another is at work share its client. */
  sharing?: Sharing;
}

/** The client that orders side by side at one CA share, and how many they are: a directory, a nonce and a TLS
 * handshake for each of a thousand orders would be three thousand requests for nothing. */
export interface Sharing {
  now: { client: Promise<AcmeClient>; users: number } | undefined;
}

/** A client whose account exists at the CA; its owner closes it. The last of those that share one ends it.
 * @throws ACME_*, STORE_UNUSABLE */
export async function openAccount(tools: AccountTools): Promise<AcmeClient> {
  const { sharing, inTurn = (work) => work() } = tools;
  const open = (): Promise<AcmeClient> => inTurn(() => openAlone(tools));
  if (sharing === undefined) return open();
  sharing.now ??= { client: open(), users: 0 };
  const shared = sharing.now;
  shared.users += 1;
  // Who comes after the last one, or after a failure, opens anew.
  const end = (): void => {
    if (sharing.now === shared) sharing.now = undefined;
  };
  const acme = await shared.client.catch((error: unknown) => {
    end();
    throw error;
  });
  return {
    ...acme,
    async close() {
      shared.users -= 1;
      if (shared.users > 0) return;
      end();
      await acme.close();
    },
  };
}

/** A client whose account exists at the CA. The key is on disk before the CA hears of it; the URL is found
 * again from the key, so nothing else can be lost. A CA that was set up anew may make the client register again
 * on the way; the URL known at the end is kept by `close()`.
 * @throws ACME_*, STORE_UNUSABLE */
async function openAlone(tools: AccountTools): Promise<AcmeClient> {
  const { accounts } = tools;
  if (tools.givenKeyPem === undefined) await settleKey(tools);
  const stored = await accounts.read();
  const keyPem = tools.givenKeyPem ?? stored?.keyPem ?? createAccountKey();
  const isStored = stored?.keyPem === keyPem;
  if (isStored && stored.deactivatedAt !== undefined) throw deactivated(accounts, stored.deactivatedAt);
  if (!isStored) await accounts.saveKey(keyPem);
  const acme = tools.openAcme(keyPem, isStored ? stored.url : undefined);
  try {
    await accounts.saveThumbprint(acme.thumbprint());
    // Costs no request when the URL is known; it tells the client what to register again with.
    const { accountUrl } = await acme.ensureAccount({
      termsOfServiceAgreed: true,
      ...(tools.contact.length > 0 ? { contact: tools.contact } : {}),
    });
    if (accountUrl !== (isStored ? stored.url : undefined)) await accounts.saveUrl(accountUrl);
    return { ...acme, close: () => closeKeepingUrl(acme, accountUrl, accounts) };
  } catch (error) {
    await acme.close();
    throw error;
  }
}

function deactivated({ directoryUrl, home }: AccountStore, at: Date): CertathonError {
  return new CertathonError(
    'ACCOUNT_DEACTIVATED',
    `The account at ${directoryUrl} (${home}) was deactivated at ${at.toISOString()}`,
  );
}

async function closeKeepingUrl(acme: AcmeClient, known: string, accounts: AccountStore): Promise<void> {
  const url = acme.accountUrl();
  try {
    if (url !== undefined && url !== known) await accounts.saveUrl(url);
  } finally {
    await acme.close();
  }
}
