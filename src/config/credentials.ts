// pure
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { jsonObject } from './json-object.ts';

/** A service account of DC/OS: what a login needs. */
export interface ServiceAccount {
  uid: string;
  /** PEM of an RSA key. */
  privateKey: string;
  loginEndpoint: string;
}

type Read<T> = { value: T } | { problem: string };

/** The shortest RSA key that a signature by RS256 may have. @source RFC 7518 3.3 */
const SHORTEST_RSA_BITS = 2_048;

/** A token goes into a header as it is: of visible ASCII, without spaces. */
export function parseToken(text: string): Read<string> {
  return /^[!-~]+$/.test(text)
    ? { value: text }
    : { problem: 'is not a token: it has spaces or odd letters' };
}

/** The fewest bytes of an HMAC key: the shortest hash that any of its uses has. */
const SHORTEST_HMAC = 16;

/** An HMAC key as CAs hand it out, in base64url or base64; base64url afterwards. */
export function parseHmacKey(text: string): Read<string> {
  const isEncoded = /^[A-Za-z0-9_+/-]+={0,2}$/.test(text);
  const bytes = Buffer.from(text, 'base64url');
  return isEncoded && bytes.length >= SHORTEST_HMAC
    ? { value: bytes.toString('base64url') }
    : { problem: `is not an HMAC key of at least ${SHORTEST_HMAC} bytes in base64url` };
}

/** PEM; a variable of Marathon often carries its line ends as backslash and n. */
export function parsePrivateKey(text: string): Read<string> {
  const key = privateKeyOf(text);
  return key === undefined
    ? { problem: 'is not a private key in PEM without a passphrase' }
    : { value: key.pem };
}

/** The JSON that DC/OS keeps as the secret of a service account:
 *   {"scheme":"RS256","uid":"certathon","private_key":"-----BEGIN…","login_endpoint":"https://master.mesos/acs/…"}
 * What is wrong with it is said without a value: it is a secret as a whole. */
export function parseServiceAccount(text: string): Read<ServiceAccount> {
  const json = jsonObject(text);
  if (json === undefined) return { problem: 'is not the JSON of a service account' };
  const { scheme = 'RS256', uid, private_key: pem, login_endpoint: address } = json;
  if (scheme !== 'RS256') return { problem: 'is of another scheme than RS256' };
  if (typeof uid !== 'string' || !/^[^\p{Cc}]{1,256}$/u.test(uid))
    return { problem: 'has no uid that can be used' };
  const key = typeof pem === 'string' ? privateKeyOf(pem) : undefined;
  if (key === undefined)
    return { problem: 'has no private_key that is a private key in PEM without a passphrase' };
  const { asymmetricKeyType, asymmetricKeyDetails } = key.key;
  if (asymmetricKeyType !== 'rsa' || (asymmetricKeyDetails?.modulusLength ?? 0) < SHORTEST_RSA_BITS)
    return { problem: `has a private_key that is no RSA key of at least ${SHORTEST_RSA_BITS} bits` };
  const url = typeof address === 'string' && URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || `${url.username}${url.password}` !== '')
    return { problem: 'has no login_endpoint that is an http(s) address without a password' };
  return { value: { uid, privateKey: key.pem, loginEndpoint: url.href } };
}

function privateKeyOf(text: string): { pem: string; key: KeyObject } | undefined {
  const pem = `${text.replaceAll('\\n', '\n').trim()}\n`;
  try {
    return { pem, key: createPrivateKey(pem) };
  } catch {
    return undefined;
  }
}
