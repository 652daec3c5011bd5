// pure
import { X509Certificate } from 'node:crypto';
import { CertathonError } from '../lib/errors.ts';

/** Why a certificate is revoked, in the words and with the codes of the CRL reason. Only what its holder may
 * say: the others are for CAs. Let's Encrypt refuses affiliationChanged.
 * @source RFC 5280 5.3.1; Baseline Requirements 4.9.1.1 */
export const REVOCATION_REASONS = {
  unspecified: { code: 0, doc: 'No reason is given.' },
  keyCompromise: {
    code: 1,
    doc: 'Somebody else has, or may have, the private key; it must not be used again.',
  },
  affiliationChanged: { code: 3, doc: 'The holder is called or organized differently.' },
  superseded: { code: 4, doc: 'Another certificate has taken its place.' },
  cessationOfOperation: {
    code: 5,
    doc: 'The names belong to the holder no longer, or are not served any more.',
  },
} as const satisfies Record<string, { code: number; doc: string }>;
export type RevocationReason = keyof typeof REVOCATION_REASONS;

export interface RevocationRequest {
  /** DER, or PEM whose first certificate it is. */
  certificate: Uint8Array | string;
  /** @default unspecified */
  reason?: RevocationReason;
  /** By the account of the client, or by the certificate's own private key, for which no account is needed.
   * Let's Encrypt takes the latter for keyCompromise whatever the reason, and certifies that key never again. */
  by: 'account' | { keyPem: string };
}

/** The payload of revokeCert. Pure.
 * @throws CONFIG_INVALID for an unknown reason   @throws CERTIFICATE_UNUSABLE when there is no certificate
 * @source RFC 8555 7.6: "certificate … in the base64url-encoded version of the DER format" */
export function revocationPayload({ certificate, reason = 'unspecified' }: RevocationRequest): {
  certificate: string;
  reason: number;
} {
  if (!Object.hasOwn(REVOCATION_REASONS, reason))
    throw new CertathonError(
      'CONFIG_INVALID',
      `Reason of a revocation is none of ${Object.keys(REVOCATION_REASONS).join(', ')}`,
    );
  return { certificate: derOf(certificate).toString('base64url'), reason: REVOCATION_REASONS[reason].code };
}

function derOf(certificate: Uint8Array | string): Buffer {
  try {
    return new X509Certificate(certificate).raw;
  } catch {
    // Without the cause: a bundle holds a key, and the library's words may quote their input.
    throw new CertathonError('CERTIFICATE_UNUSABLE', 'What is to be revoked is no readable certificate');
  }
}
