import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { type Bundle, parseBundle } from '../delivery/bundle.ts';

/** The organization in the placeholder's name, by which it is recognised wherever it is found. */
const ORGANIZATION = 'Certathon placeholder';
const LIFETIME_DAYS = 3650;

/** A self-signed bundle with which a balancer can start before the first certificate is there: marathon-lb
 * ignores HAPROXY_SSL_CERT0…100 while HAPROXY_SSL_CERT is empty, and HAProxy refuses a bind line without any
 * certificate. RSA, since node-forge signs nothing else and every HAProxy loads it.
 * @param serial hex digits; @param now from the caller's clock */
export async function createPlaceholder(
  names: readonly string[],
  serial: string,
  now: Date,
): Promise<Bundle> {
  // node-forge costs 30 ms to load, and few installations use a numbered variable.
  const { default: forge } = await import('node-forge');
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  certificate.serialNumber = `01${serial}`;
  certificate.validity.notBefore = new Date(now.getTime() - 3_600_000);
  certificate.validity.notAfter = new Date(now.getTime() + LIFETIME_DAYS * 86_400_000);
  const subject = [
    { name: 'organizationName', value: ORGANIZATION },
    { name: 'commonName', value: 'not yet issued' },
  ];
  certificate.setSubject(subject);
  certificate.setIssuer(subject);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: names.map((value) => ({ type: 2, value })) },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create());
  const parsed = parseBundle(`${forge.pki.certificateToPem(certificate)}${privateKey}`);
  if (!parsed.ok) throw new Error(`The placeholder is unusable: ${parsed.problem}`);
  return parsed.bundle;
}

/** Is this the placeholder of this program, on whatever machine it was made? It may always be replaced. */
export function isPlaceholder(facts: { issuer: string; selfSigned: boolean }): boolean {
  return facts.selfSigned && facts.issuer.includes(`O=${ORGANIZATION}`);
}
