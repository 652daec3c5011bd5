import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import forge from 'node-forge';
import { echoed } from './echo.ts';

const MOST_NUMBERED = 100;

/** Writes the certificate files of a start and says what stands on the 443 bind line, first = default.
 * Environment certificates come after listed ones; numbered ones count only beside HAPROXY_SSL_CERT; with neither, a
 * self-signed certificate is made, a new one at each start.
 * @param directory stands for /etc/ssl   @returns entries for `crt` */
export function prepareCertificates(
  env: NodeJS.ProcessEnv,
  directory: string,
  listed: string | undefined,
  overriding: string | undefined,
): string[] {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const written = writeEnvironmentCertificates(env, directory);
  const entries = listed === undefined ? written : [...listed.split(','), ...written];
  if (entries.length === 0) {
    const path = join(directory, 'cert.pem');
    writeFileSync(path, selfSigned(), { mode: 0o600 });
    entries.push(path);
  }
  return overriding === undefined ? entries : overriding.split(',');
}

function writeEnvironmentCertificates(env: NodeJS.ProcessEnv, directory: string): string[] {
  if (!env.HAPROXY_SSL_CERT) return [];
  const suffixes = ['', ...Array.from({ length: MOST_NUMBERED + 1 }, (_, number) => String(number))];
  return suffixes.flatMap((suffix) => {
    const value = env[`HAPROXY_SSL_CERT${suffix}`];
    if (!value) return [];
    const path = join(directory, `cert${suffix}.pem`);
    writeFileSync(path, echoed(value), { mode: 0o600 });
    return [path];
  });
}

function selfSigned(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const key = forge.pki.privateKeyFromPem(keyPem);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  certificate.serialNumber = `01${forge.util.bytesToHex(forge.random.getBytesSync(15))}`;
  certificate.validity.notAfter = new Date(Date.now() + 3650 * 24 * 3600 * 1000);
  certificate.setSubject([{ name: 'commonName', value: '*' }]);
  certificate.setIssuer([{ name: 'commonName', value: '*' }]);
  certificate.sign(key, forge.md.sha256.create());
  return keyPem + forge.pki.certificateToPem(certificate);
}
