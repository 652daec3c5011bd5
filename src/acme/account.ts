import { CertathonError } from '../lib/errors.ts';
import { accountKeyPkcs8, accountPublicJwk } from './account-key.ts';
import { wasLost } from './refusal.ts';
import type { Session } from './session.ts';

/** What changes an account of AcmeClient, where it is documented.   @source RFC 8555 7.3.5, 7.3.6 */
export function createAccount({
  session,
  options,
}: {
  session: Session;
  options: { accountKeyPem: string };
}) {
  const knownUrl = (): string => {
    const url = session.accountUrl();
    if (url === undefined)
      throw new CertathonError('UNEXPECTED', 'Asked to change an account before it was looked up');
    return url;
  };
  return {
    async changeKey(newKeyPem: string): Promise<void> {
      const account = knownUrl();
      const { keyChange: url } = await session.directory();
      if (url === undefined)
        throw new CertathonError('ACME_REFUSED', 'CA offers no change of account keys in its directory');
      const newKey = accountKeyPkcs8(newKeyPem);
      // "The inner JWS … MUST NOT have a nonce"; its url is that of the outer one.
      const payload = await session.signedBy(newKey, url, {
        account,
        oldKey: accountPublicJwk(options.accountKeyPem),
      });
      await session.post({ kind: 'account', url, payload, what: 'the change of the account key' });
    },
    async deactivateAccount(): Promise<void> {
      const url = knownUrl();
      const request = { kind: 'account' as const, url, what: 'the deactivation of the account' };
      const ask = () => session.post({ ...request, payload: { status: 'deactivated' } });
      await ask().catch((error: unknown) => {
        if (!wasLost(error)) throw error;
        // What got through shows itself as an account that is over.
        return ask().catch((again: unknown) => {
          const isOver = again instanceof CertathonError && again.code === 'ACCOUNT_DEACTIVATED';
          if (!isOver) throw again;
        });
      });
    },
  };
}
