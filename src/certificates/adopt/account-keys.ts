import { createPrivateKey, createPublicKey, type JsonWebKey, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { accountKeyPkcs8, accountThumbprint } from '../../acme/account-key.ts';
import { CertathonError } from '../../lib/errors.ts';

/** An account key of somebody else's making, as PKCS#8; or why it is of no use, in words without the key. */
export type ReadAccountKey =
  | { ok: true; keyPem: string; thumbprint: string }
  | { ok: false; problem: string };

const JWK = z.looseObject({ kty: z.enum(['RSA', 'EC']), d: z.string() });

/** A private key as JWK, as certbot keeps it: `{"kty":"RSA","n":…,"e":…,"d":…,"p":…,"q":…,"dp":…,"dq":…,"qi":…}`.
 * @source RFC 7518 6.3.2 */
export function accountKeyOfJwk(text: string): ReadAccountKey {
  try {
    const key = JWK.parse(JSON.parse(text)) as JsonWebKey;
    const pem = createPrivateKey({ key, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' });
    return accountKeyOfPem(pem as string);
  } catch {
    // The words of the libraries may quote what they were given.
    return { ok: false, problem: 'it is no private key as JWK' };
  }
}

/** A private key as PEM: PKCS#1 (marathon-acme), SEC1 (lego), PKCS#8. It must be of a kind that CAs take and able
 * to sign: one that is not would keep every order from being made, for ever. */
export function accountKeyOfPem(text: string): ReadAccountKey {
  try {
    const keyPem = accountKeyPkcs8(text);
    const proof = sign('sha256', PROBE, keyPem);
    if (!verify('sha256', PROBE, createPublicKey(keyPem), proof))
      return { ok: false, problem: 'its parts do not belong together' };
    return { ok: true, keyPem, thumbprint: accountThumbprint(keyPem) };
  } catch (error) {
    // Ours have no key in their words.
    const problem = error instanceof CertathonError ? error.message : 'its parts do not belong together';
    return { ok: false, problem };
  }
}

const PROBE = Buffer.from('a key that signs');
