// pure
import type { StoredCertificate } from './model.ts';

/** Certificates of the test CA of Let's Encrypt: real in every way but that no browser trusts them. */

/** Whether an issuer or the address of a directory is of the test CA: `(STAGING) Tenuous Tomato R13`, and
 * `Fake LE Intermediate X1` before that. Pure. */
export function isStaging(text: string): boolean {
  return /staging|fake le/i.test(text);
}

/** Whether a certificate is of a test CA, by what was written down when it was issued or by its issuer. Pure. */
export function isTestCertificate({
  issuer,
  issuedBy,
}: Pick<StoredCertificate, 'issuer' | 'issuedBy'>): boolean {
  return issuedBy?.isTest === true || isStaging(issuer);
}

interface Replaced extends Pick<StoredCertificate, 'issuer' | 'issuedBy'> {
  notAfter: Date;
  selfSigned: boolean;
}

/** Why nothing of the test CA may take a place: what stands there is real and good until later. Pure. */
export function realInPlace(replaced: Replaced | undefined, now: Date): string | undefined {
  if (replaced === undefined || replaced.selfSigned || isTestCertificate(replaced)) return undefined;
  if (replaced.notAfter <= now) return undefined;
  return `a certificate that is none (issuer ${replaced.issuer}) and is valid until ${replaced.notAfter.toISOString()}`;
}
