// pure

export type BundleKeyType = 'ec256' | 'ec384' | 'rsa2048' | 'rsa3072' | 'rsa4096';

/** Bytes of DER: the public key as SubjectPublicKeyInfo, the private one as PKCS#8 (RFC 5280 4.1, RFC 5958).
 * Those of RSA differ by a few bytes from key to key; these are the largest. */
const KEYS: Record<BundleKeyType, { publicDer: number; privateDer: number }> = {
  ec256: { publicDer: 91, privateDer: 138 },
  ec384: { publicDer: 120, privateDer: 185 },
  rsa2048: { publicDer: 294, privateDer: 1219 },
  rsa3072: { publicDer: 422, privateDer: 1796 },
  rsa4096: { publicDer: 550, privateDer: 2376 },
};

/** Everything else in a leaf of Let's Encrypt: serial, issuer, dates, key usages, addresses, policy, two signed
 * timestamps, and what is wrapped around all of it. */
const LEAF_DER = 800;
/** The CA signs with P-384 what has an EC key, and with RSA 2048 what has an RSA key. */
const SIGNATURE_DER = { ec: 104, rsa: 256 };
/** What Let's Encrypt sends above the leaf unless another chain is preferred, as it stands in a variable: YE1, Root
 * YE and ISRG Root X2, or YR1 and Root YR. @source letsencrypt.org/certificates, January 2026 */
const CHAIN = { ec: 3508, rsa: 3904 };

const LINE = 64;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+?-----END CERTIFICATE-----/g;

/** How many bytes the value of a variable will have for a bundle that is not issued yet; rather too many than too
 * few. Pure. A line end counts twice, since it is written as backslash and n there.
 * - ec256, one name of 16 characters: 5,246; rsa4096, a hundred names of 30 characters: 13,956.
 * @param names as they will be ordered
 * @param chainBytes of a bundle that the same CA has issued for the same kind of key (`chainBytes()`) */
export function estimatedBytes(
  keyType: BundleKeyType,
  names: readonly string[],
  chainBytes: number | undefined,
): number {
  const kind = keyType.startsWith('ec') ? 'ec' : 'rsa';
  const { publicDer } = KEYS[keyType];
  // Each name costs a tag and a length, the first one stands in the subject as well.
  const namesDer = names.reduce((sum, name) => sum + name.length + 2, 0);
  const subjectDer = Math.min(names[0]?.length ?? 0, 64) + 15;
  const leaf = LEAF_DER + publicDer + SIGNATURE_DER[kind] + namesDer + subjectDer;
  return pemBytes(leaf, 'CERTIFICATE') + (chainBytes ?? CHAIN[kind]) + keyBytes(keyType);
}

/** What the key takes in a variable. Pure. */
export function keyBytes(keyType: BundleKeyType): number {
  return pemBytes(KEYS[keyType].privateDer, 'PRIVATE KEY');
}

/** What the certificates above the leaf take in a variable. Pure.
 * @param pem a bundle, line ends as they are in a file */
export function chainBytes(pem: string): number {
  const above = (pem.match(CERTIFICATE) ?? []).slice(1);
  return above.reduce((sum, block) => sum + Buffer.byteLength(block.replaceAll(/\s*\n/g, '\\n')) + 2, 0);
}

function pemBytes(der: number, label: string): number {
  const base64 = 4 * Math.ceil(der / 3);
  const lines = Math.ceil(base64 / LINE) + 2;
  return base64 + `-----BEGIN ${label}----------END ${label}-----`.length + 2 * lines;
}
