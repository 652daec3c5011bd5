import type { AcmeClient } from '../acme/client.ts';
import { createCertificateKey } from '../acme/csr.ts';
import type { AccountStore } from './store-accounts.ts';

/** How an ACME client is made for an account; constructed by the service, which knows the options. */
export type OpenAcme = (accountKeyPem: string, accountUrl: string | undefined) => AcmeClient;

export interface AccountTools {
  accounts: AccountStore;
  openAcme: OpenAcme;
  /** The key given as an option; it wins over the stored one. */
  givenKeyPem: string | undefined;
  contact: string[];
}

/** A client whose account exists at the CA. The key is on disk before the CA hears of it; the URL is found
 * again from the key, so nothing else can be lost.
 * @throws ACME_* */
export async function openAccount(tools: AccountTools): Promise<AcmeClient> {
  const { accounts } = tools;
  const stored = await accounts.read();
  const keyPem = tools.givenKeyPem ?? stored?.keyPem ?? createCertificateKey();
  const isStored = stored?.keyPem === keyPem;
  if (!isStored) await accounts.saveKey(keyPem);
  const acme = tools.openAcme(keyPem, isStored ? stored.url : undefined);
  try {
    await accounts.saveThumbprint(acme.thumbprint());
    if (isStored && stored.url !== undefined) return acme;
    const { accountUrl } = await acme.ensureAccount({
      termsOfServiceAgreed: true,
      ...(tools.contact.length > 0 ? { contact: tools.contact } : {}),
    });
    await accounts.saveUrl(accountUrl);
    return acme;
  } catch (error) {
    await acme.close();
    throw error;
  }
}
