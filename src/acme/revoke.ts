import { CertathonError } from '../lib/errors.ts';
import { certificateKeyPkcs8 } from './csr.ts';
import type { AcmeAnswer } from './refusal.ts';
import { refusalClass, wasLost } from './refusal.ts';
import { type RevocationRequest, revocationPayload } from './revocation.ts';
import type { Session, SignedRequest } from './session.ts';

/** The revocation of AcmeClient, where it is documented.   @source RFC 8555 7.6 */
export function createRevocation(session: Session) {
  return async (request: RevocationRequest): Promise<'revoked' | 'already'> => {
    const payload = revocationPayload(request);
    const { by } = request;
    const keyPem = by === 'account' ? undefined : certificateKeyPkcs8(by.keyPem);
    const { revokeCert: url } = await session.directory();
    if (url === undefined)
      throw new CertathonError('ACME_REFUSED', 'CA offers no revocation in its directory');
    const signed: SignedRequest = { kind: 'revocation', url, payload, what: 'the revocation' };
    const hand = (): Promise<AcmeAnswer> =>
      keyPem === undefined ? session.post(signed) : session.postByKey(signed, keyPem);
    let isRepeat = false;
    try {
      await hand().catch((error: unknown) => {
        if (!wasLost(error)) throw error;
        isRepeat = true;
        return hand();
      });
      return 'revoked';
    } catch (error) {
      if (refusalClass(error) !== 'done') throw error;
      // Of a repeat it says that the first one got through.
      return isRepeat ? 'revoked' : 'already';
    }
  };
}
