import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

export interface ServerCertificate {
  /** PEM of the authority that signed it: what a client trusts. */
  caPem: string;
  certificatePem: string;
  keyPem: string;
}

const LIFETIME_MS = 30 * 24 * 3600 * 1000;

/** A server certificate for loopback addresses, signed by an authority made for it alone and thrown away. */
export function makeServerCertificate(addresses: readonly string[]): ServerCertificate {
  const authorityKey = newKey();
  const authority = forge.pki.createCertificate();
  const authorityName = [{ name: 'commonName', value: 'lab authority' }];
  fill(authority, authorityKey, authorityName, authorityName);
  authority.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
  ]);
  authority.sign(authorityKey, forge.md.sha256.create());
  const key = newKey();
  const leaf = forge.pki.createCertificate();
  fill(leaf, key, [{ name: 'commonName', value: 'lab acme server' }], authorityName);
  leaf.setExtensions([
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', serverAuth: true },
    {
      name: 'subjectAltName',
      altNames: [{ type: 2, value: 'localhost' }, ...addresses.map((ip) => ({ type: 7, ip }))],
    },
  ]);
  leaf.sign(authorityKey, forge.md.sha256.create());
  return {
    caPem: forge.pki.certificateToPem(authority),
    certificatePem: forge.pki.certificateToPem(leaf),
    keyPem: forge.pki.privateKeyToPem(key),
  };
}

/** Node makes RSA keys some hundred times faster than node-forge does. */
function newKey(): forge.pki.rsa.PrivateKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return forge.pki.privateKeyFromPem(privateKey.export({ type: 'pkcs1', format: 'pem' }).toString());
}

function fill(
  certificate: forge.pki.Certificate,
  key: forge.pki.rsa.PrivateKey,
  subject: forge.pki.CertificateField[],
  issuer: forge.pki.CertificateField[],
): void {
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  certificate.serialNumber = `01${forge.util.bytesToHex(forge.random.getBytesSync(15))}`;
  certificate.validity.notBefore = new Date(Date.now() - 60_000);
  certificate.validity.notAfter = new Date(Date.now() + LIFETIME_MS);
  certificate.setSubject(subject);
  certificate.setIssuer(issuer);
}
