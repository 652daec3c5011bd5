import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
} from 'node:crypto';
import { CertathonError } from '../lib/errors.ts';

/** Curves and the smallest RSA key that public CAs take for accounts. */
const CURVES = ['P-256', 'P-384', 'P-521'];
const SMALLEST_RSA_BITS = 2048;

/** A new account key: ECDSA P-256 as PKCS#8 PEM. It must never become the key of a certificate. */
export function createAccountKey(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  }) as string;
}

/** The thumbprint of an account key: it proves, without any secret, that whoever serves it agrees to
 * validations for that account.
 * @param accountKeyPem private key, EC or RSA, PKCS#8, SEC1 or PKCS#1
 * @throws CONFIG_INVALID when the text is no such key; the key itself is in no message */
export function accountThumbprint(accountKeyPem: string): string {
  return jwkThumbprint(publicJwk(accountKeyPem));
}

/** "token || '.' || base64url(Thumbprint(accountKey))", the exact body of an http-01 answer.
 * @source RFC 8555 8.1 */
export function keyAuthorization(token: string, thumbprint: string): string {
  return `${token}.${thumbprint}`;
}

/** SHA-256 over the required members only, in lexicographic order, without blanks; base64url.
 * @source RFC 7638 3.2 */
export function jwkThumbprint(jwk: JsonWebKey): string {
  return createHash('sha256')
    .update(JSON.stringify(requiredMembers(jwk)))
    .digest('base64url');
}

/** The public part of an account key, as a change of keys tells the CA the old one (RFC 8555 7.3.5).
 * @throws CONFIG_INVALID */
export function accountPublicJwk(accountKeyPem: string): JsonWebKey {
  return requiredMembers(publicJwk(accountKeyPem));
}

function requiredMembers({ crv, e, kty, n, x, y }: JsonWebKey): JsonWebKey {
  return kty === 'EC' ? ({ crv, kty, x, y } as JsonWebKey) : ({ e, kty, n } as JsonWebKey);
}

/** The account key as PKCS#8, checked to be one that a CA takes; what acme-client signs with.
 * @throws CONFIG_INVALID */
export function accountKeyPkcs8(accountKeyPem: string): string {
  publicJwk(accountKeyPem);
  return createPrivateKey(accountKeyPem).export({ type: 'pkcs8', format: 'pem' }) as string;
}

function publicJwk(accountKeyPem: string): JsonWebKey {
  const key = readKey(accountKeyPem);
  const jwk = ['ec', 'rsa'].includes(key.asymmetricKeyType ?? '') ? key.export({ format: 'jwk' }) : {};
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (jwk.kty === 'EC' ? CURVES.includes(jwk.crv ?? '') : bits >= SMALLEST_RSA_BITS) return jwk;
  throw new CertathonError(
    'CONFIG_INVALID',
    `Account key is of a kind that no CA takes: ${key.asymmetricKeyType} ${jwk.crv ?? bits}; P-256, P-384, P-521 or RSA from ${SMALLEST_RSA_BITS} bits are`,
  );
}

function readKey(accountKeyPem: string) {
  try {
    createPrivateKey(accountKeyPem);
    return createPublicKey(accountKeyPem);
  } catch (cause) {
    throw new CertathonError('CONFIG_INVALID', 'Account key is no readable private key in PEM', { cause });
  }
}
