import { createPrivateKey, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { CertathonError } from '../lib/errors.ts';
import { DEFAULT_KEY_TYPE, KEY_PARAMETERS, type KeyType } from '../lib/key-types.ts';

/** A new key for one certificate as PKCS#8 PEM. RSA of 4096 bits takes seconds, so it is made beside the event
 * loop, which goes on answering challenges and health checks. */
export async function createCertificateKey(keyType: KeyType = DEFAULT_KEY_TYPE): Promise<string> {
  const wanted = KEY_PARAMETERS[keyType];
  const generate = promisify(generateKeyPair);
  const { privateKey } =
    'curve' in wanted
      ? await generate('ec', { namedCurve: wanted.curve })
      : await generate('rsa', { modulusLength: wanted.bits });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** A certificate request for exactly these names, all as subject alternative names. There is no common name:
 * CAs ignore or refuse it, and it holds 64 characters only.
 * @param names DNS names, lower-case, without duplicates
 * @param privateKeyPem EC or RSA; SEC1 and PKCS#1 are turned into the PKCS#8 that acme-client needs
 * @returns PEM
 * @throws NAMES_MISSING   @throws CERTIFICATE_UNUSABLE when the key can not be read
 * @source RFC 8555 7.4: "The CSR MUST indicate the exact same set of requested identifiers as the initial newOrder" */
export async function createCsr(names: readonly string[], privateKeyPem: string): Promise<string> {
  if (names.length === 0) throw new CertathonError('NAMES_MISSING', 'Certificate request without a name');
  const key = certificateKeyPkcs8(privateKeyPem);
  // acme-client costs 200 ms to load: only a pass that orders pays for it.
  const { crypto } = await import('acme-client');
  const [, csr] = await crypto.createCsr({ altNames: [...names] }, key);
  return csr.toString();
}

/** A request as the finalize payload wants it: "the base64url-encoded version of the DER format".
 * @param csr DER or PEM   @source RFC 8555 7.4 */
export function csrBase64Url(csr: Uint8Array | string): string {
  if (typeof csr !== 'string') return Buffer.from(csr).toString('base64url');
  const body = csr.replace(/-----(?:BEGIN|END) (?:NEW )?CERTIFICATE REQUEST-----/g, '');
  return Buffer.from(body, 'base64').toString('base64url');
}

/** The private key of a certificate in the form that acme-client takes.   @throws CERTIFICATE_UNUSABLE */
export function certificateKeyPkcs8(privateKeyPem: string): string {
  try {
    return createPrivateKey(privateKeyPem).export({ type: 'pkcs8', format: 'pem' }) as string;
  } catch (cause) {
    throw new CertathonError('CERTIFICATE_UNUSABLE', 'Certificate key is no readable private key in PEM', {
      cause,
    });
  }
}
