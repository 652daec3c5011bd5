import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import forge from 'node-forge';

const { asn1, pki } = forge;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** ecdsa-with-SHA256. RFC 5758 3.2 */
const ECDSA_SHA256 = '1.2.840.10045.4.3.2';

export const ISSUER = 'Bench CA';

/** Makes bundles by the ten thousand: one CA and one key for all, P-256, 90 days from an hour ago.
 * node-forge writes the certificate, Node signs it: node-forge knows no elliptic curves. */
export function bundleMaker(): (name: string) => string {
  const [authority, leaf] = [newKey(), newKey()];
  const issuer = ISSUER;
  const caPem = certificateOf({
    serial: 1,
    name: issuer,
    issuer,
    isCa: true,
    key: authority,
    signer: authority,
  });
  const keyPem = leaf.export({ type: 'pkcs8', format: 'pem' }).toString();
  let serial = 1;
  return (name) => {
    serial += 1;
    return `${certificateOf({ serial, name, issuer, isCa: false, key: leaf, signer: authority })}${caPem}${keyPem}`;
  };
}

function newKey(): KeyObject {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

interface Wanted {
  serial: number;
  name: string;
  issuer: string;
  isCa: boolean;
  key: KeyObject;
  signer: KeyObject;
}

function certificateOf({ serial, name, issuer, isCa, key, signer }: Wanted): string {
  const made = pki.createCertificate();
  made.publicKey = STAND_IN;
  made.serialNumber = `01${serial.toString(16).padStart(8, '0')}`;
  made.validity.notBefore = new Date(Date.now() - HOUR_MS);
  made.validity.notAfter = new Date(Date.now() - HOUR_MS + 90 * DAY_MS - 1000);
  made.setSubject([{ name: 'commonName', value: name }]);
  made.setIssuer([{ name: 'commonName', value: issuer }]);
  made.setExtensions([
    { name: 'basicConstraints', cA: isCa },
    isCa ? { name: 'keyUsage', keyCertSign: true } : { name: 'keyUsage', digitalSignature: true },
    ...(isCa ? [] : [{ name: 'extKeyUsage', serverAuth: true }]),
    ...(isCa ? [] : [{ name: 'subjectAltName', altNames: [{ type: 2, value: name }] }]),
  ]);
  made.signatureOid = ECDSA_SHA256;
  made.siginfo.algorithmOid = ECDSA_SHA256;
  const algorithm = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(ECDSA_SHA256).getBytes()),
  ]);
  // The types of node-forge leave it out.
  const body = (
    pki as unknown as { getTBSCertificate(of: forge.pki.Certificate): forge.asn1.Asn1 }
  ).getTBSCertificate(made);
  const fields = body.value as forge.asn1.Asn1[];
  // RFC 5280 4.1: version, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo
  fields[2] = algorithm;
  fields[6] = asn1.fromDer(spkiOf(key));
  const signature = sign('sha256', Buffer.from(asn1.toDer(body).getBytes(), 'binary'), signer);
  const whole = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [
    body,
    algorithm,
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BITSTRING, false, `\0${signature.toString('binary')}`),
  ]);
  const base64 = Buffer.from(asn1.toDer(whole).getBytes(), 'binary').toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function spkiOf(key: KeyObject): string {
  return createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('binary');
}

/** node-forge insists on a key of its own kind; it is replaced in what it writes. */
const STAND_IN = pki.setRsaPublicKey(new forge.jsbn.BigInteger('65537'), new forge.jsbn.BigInteger('3'));
