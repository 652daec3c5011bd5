import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeServerCertificate } from './authority-certificate.ts';

/** A volume as an operator prepares it before the first balancer starts: HAProxy refuses a directory that is not there,
 * and a bind line without any certificate.
 *   certs/ empty   default.pem for names that have no bundle */
export async function makeSharedDirectory(path: string): Promise<void> {
  await mkdir(join(path, 'certs'), { recursive: true, mode: 0o700 });
  const { certificatePem, caPem, keyPem } = makeServerCertificate([]);
  await writeFile(join(path, 'default.pem'), `${certificatePem}${caPem}${keyPem}`, { mode: 0o600 });
}
