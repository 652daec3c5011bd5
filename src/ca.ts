import { createAccountKey } from './acme/account-key.ts';
import { type AcmeClient, createAcmeClient } from './acme/client.ts';
import { type AccountTools, openAccount } from './certificates/account.ts';
import { type AccountStore, openAccountStore } from './certificates/store-accounts.ts';
import type { Revocation } from './certificates/store-schema.ts';
import { caOptionsOf } from './config/ca-options.ts';
import type { Config } from './config/config.ts';
import { type Bundle, bundleKey } from './delivery/bundle.ts';
import type { Clock } from './lib/clock.ts';
import { CertathonError } from './lib/errors.ts';
import { inTurn } from './lib/in-turn.ts';
import type { Log } from './lib/log.ts';

/** What waits for it could do without it. */
const MOST_WITHOUT_ACCOUNT_MS = 10_000;

/** The CAs that certificates may come from, each with its account; opened when it is first asked for. */
export interface Cas {
  of(directoryUrl: string): Promise<AccountTools>;
  /** A client without an account, for what needs none. */
  anonymous(directoryUrl: string, signal: AbortSignal): AcmeClient;
  /** The profiles that a CA offered when it was asked last; undefined before. */
  offered(directoryUrl: string): readonly string[] | undefined;
  /** Reads what they offered; makes nothing. */
  recall(directoryUrls: readonly string[]): Promise<void>;
}

export function openCas({
  config,
  clock,
  log,
  signal,
  readOnly,
}: {
  config: Config;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  readOnly: boolean;
}): Cas {
  const opened = new Map<string, Promise<AccountTools>>();
  const offered = new Map<string, readonly string[]>();
  const open = async (directoryUrl: string): Promise<AccountTools> => {
    const accounts = await openAccountStore(config.store, directoryUrl, { readOnly });
    const saveProfiles = (names: readonly string[]): Promise<void> => {
      offered.set(directoryUrl, names);
      return accounts.saveProfiles(names);
    };
    return toolsOf(directoryUrl, { ...accounts, saveProfiles });
  };
  const toolsOf = (directoryUrl: string, accounts: AccountStore): AccountTools => {
    const { caPem, externalAccount, accountKeyPem: given, email } = caOptionsOf(config, directoryUrl);
    return {
      accounts,
      openAcme: (accountKeyPem, accountUrl) =>
        createAcmeClient({
          directoryUrl,
          accountKeyPem,
          ...(accountUrl === undefined ? {} : { accountUrl }),
          ...(caPem === undefined ? {} : { caPem }),
          ...(externalAccount === undefined ? {} : { externalAccount }),
          signal,
          log,
          clock,
          limits: { totalMs: config.requestTimeoutMs },
        }),
      // A given key is the account's at the CA that comes first.
      givenKeyPem: given,
      sharing: { now: undefined },
      contact: email === undefined ? [] : [`mailto:${email}`],
      inTurn: inTurn(),
    };
  };
  return {
    offered: (directoryUrl) => offered.get(directoryUrl),
    async recall(directoryUrls) {
      for (const directoryUrl of directoryUrls) {
        const accounts = await openAccountStore(config.store, directoryUrl, { readOnly: true });
        const known = await accounts.profiles();
        if (known !== undefined) offered.set(directoryUrl, known);
      }
    },
    of(directoryUrl) {
      const found = opened.get(directoryUrl) ?? open(directoryUrl);
      opened.set(directoryUrl, found);
      return found;
    },
    anonymous: (directoryUrl, stop) => {
      const { caPem } = caOptionsOf(config, directoryUrl);
      return createAcmeClient({
        directoryUrl,
        // Nothing is signed with it.
        accountKeyPem: createAccountKey(),
        ...(caPem === undefined ? {} : { caPem }),
        signal: stop,
        log,
        clock,
        limits: { totalMs: Math.min(config.requestTimeoutMs, MOST_WITHOUT_ACCOUNT_MS) },
      });
    },
  };
}

/** Asks a CA to revoke a certificate, by the account of this store or by the certificate's own key.
 * @throws ACME_*, also when the store has no account there: one that is made now has nothing to revoke */
export async function revokeAt(
  tools: AccountTools,
  { reason, by, directoryUrl }: Revocation,
  bundle: Bundle,
): Promise<'revoked' | 'already'> {
  const known = tools.givenKeyPem ?? (await tools.accounts.read())?.keyPem;
  if (by === 'account' && known === undefined)
    throw new CertathonError(
      'ACME_REFUSED',
      `The store holds no account at ${directoryUrl}, so only the key of the certificate can revoke it: --by key`,
    );
  // By the certificate's key no account takes part; the client wants some key all the same.
  const acme = by === 'account' ? await openAccount(tools) : tools.openAcme(createAccountKey(), undefined);
  try {
    const request = { certificate: bundle.pem, reason };
    return await acme.revoke({
      ...request,
      by: by === 'account' ? 'account' : { keyPem: bundleKey(bundle) },
    });
  } finally {
    await acme.close();
  }
}
