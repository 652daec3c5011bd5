import { createAcmeClient } from './acme/client.ts';
import type { AccountTools } from './certificates/account.ts';
import { openAccountStore } from './certificates/store-accounts.ts';
import type { Config } from './config/config.ts';
import type { Clock } from './lib/clock.ts';
import type { Log } from './lib/log.ts';

/** The CAs that certificates may come from, each with its account; opened when it is first asked for. */
export interface Cas {
  of(directoryUrl: string): Promise<AccountTools>;
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
  const open = async (directoryUrl: string): Promise<AccountTools> => ({
    accounts: await openAccountStore(config.store, directoryUrl, { readOnly }),
    openAcme: (accountKeyPem, accountUrl) =>
      createAcmeClient({
        directoryUrl,
        accountKeyPem,
        ...(accountUrl === undefined ? {} : { accountUrl }),
        ...(config.acmeCa === undefined ? {} : { caPem: config.acmeCa }),
        signal,
        log,
        clock,
        limits: { totalMs: config.requestTimeoutMs },
      }),
    // A given key is the account's at the CA that is configured.
    givenKeyPem: directoryUrl === config.acmeDirectory ? config.acmeAccountKey : undefined,
    contact: config.acmeEmail === undefined ? [] : [`mailto:${config.acmeEmail}`],
  });
  return {
    of(directoryUrl) {
      const found = opened.get(directoryUrl) ?? open(directoryUrl);
      opened.set(directoryUrl, found);
      return found;
    },
  };
}
