// pure

import type { KeyObject } from 'node:crypto';
import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';

/** Facts of a certificate that are safe to show. */
export interface CertificateFacts {
  /** Lower-case DNS names of the subject alternative names, sorted. */
  names: string[];
  /** SHA-256 of the leaf's DER, lower-case hex without colons. */
  fingerprint: string;
  issuer: string;
  notBefore: Date;
  notAfter: Date;
  selfSigned: boolean;
}

/** A bundle as HAProxy loads it: leaf, chain, key. Holds a private key: never log or print it. */
export interface Bundle {
  pem: string;
  facts: CertificateFacts;
}
export type ParsedBundle = { ok: true; bundle: Bundle } | { ok: false; problem: string };

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+?-----END CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN ((?:EC |RSA )?PRIVATE KEY)-----[A-Za-z0-9+/=\s]+?-----END \1-----/g;
/** Far above any real bundle (four RSA-4096 blocks are 8 KiB); keeps a hostile value from costing time. */
export const LARGEST_BUNDLE = 256 * 1024;

/** Reads a PEM text that should be a bundle, in any order of blocks, and says in words what is wrong with it.
 * The key must fit the first certificate, each further certificate must have issued the one before. */
export function parseBundle(text: string): ParsedBundle {
  if (text.length > LARGEST_BUNDLE)
    return { ok: false, problem: `it has ${text.length} characters, more than any bundle` };
  const blocks = text.match(CERTIFICATE) ?? [];
  const keys = text.match(PRIVATE_KEY) ?? [];
  if (blocks.length === 0) return { ok: false, problem: 'it holds no certificate in PEM form' };
  if (keys.length === 0) return { ok: false, problem: 'it holds no private key in PEM form' };
  if (keys.length > 1) return { ok: false, problem: `it holds ${keys.length} private keys` };
  let chain: X509Certificate[];
  let key: KeyObject;
  try {
    chain = blocks.map((block) => new X509Certificate(block));
    key = createPrivateKey(keys[0] as string);
  } catch {
    // The library's words may quote parts of its input, which may be a key.
    return { ok: false, problem: 'a certificate or the key in it can not be decoded' };
  }
  const leaf = chain[0] as X509Certificate;
  if (!leaf.checkPrivateKey(key))
    return { ok: false, problem: 'the private key does not belong to the first certificate' };
  for (const [index, issuer] of chain.slice(1).entries()) {
    const issued = chain[index] as X509Certificate;
    if (!issued.checkIssued(issuer) || !issued.verify(issuer.publicKey)) {
      return {
        ok: false,
        problem: `certificate ${index + 2} of the chain did not issue certificate ${index + 1}`,
      };
    }
  }
  const pem = `${[...blocks, keys[0] as string].map(cleanBlock).join('\n')}\n`;
  return { ok: true, bundle: { pem, facts: certificateFacts(leaf) } };
}

/** The showable facts of a leaf certificate. */
export function certificateFacts(leaf: X509Certificate): CertificateFacts {
  // Node quotes a name that holds a comma, so that it can not be taken for several.
  const entries = (leaf.subjectAltName ?? '').match(/[^",]*(?:"(?:[^"\\]|\\.)*")?[^",]*/g) ?? [];
  const names = entries
    .map((entry) => entry.trim())
    .filter((entry) => entry.startsWith('DNS:'))
    .map((entry) => entry.slice(4).toLowerCase());
  return {
    names: [...new Set(names)].sort(),
    fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
    issuer: leaf.issuer.replaceAll('\n', ', '),
    notBefore: new Date(leaf.validFrom),
    notAfter: new Date(leaf.validTo),
    // checkIssued() says no to one that is signed by itself and may not sign others.
    selfSigned: leaf.subject === leaf.issuer && leaf.verify(leaf.publicKey),
  };
}

/** The certificates of a bundle, the leaf first. */
export function bundleChain({ pem }: Bundle): X509Certificate[] {
  return (pem.match(CERTIFICATE) ?? []).map((block) => new X509Certificate(block));
}

/** The identity of a key, whichever certificates it is used for: SHA-256 of its public part (SubjectPublicKeyInfo).
 * @param keyPem a private key in PEM */
export function keyHash(keyPem: string): string {
  const der = createPublicKey(keyPem).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex');
}

/** The private key of a bundle in PEM. Never log or print it. */
export function bundleKey({ pem }: Bundle): string {
  return `${(pem.match(PRIVATE_KEY) ?? []).join('')}\n`;
}

function cleanBlock(block: string): string {
  return block
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n');
}
