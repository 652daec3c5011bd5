// pure

/** Certificates of the test CA of Let's Encrypt: real in every way but that no browser trusts them. */

/** Whether an issuer or the address of a directory is of the test CA: `(STAGING) Tenuous Tomato R13`, and
 * `Fake LE Intermediate X1` before that. Pure. */
export function isStaging(text: string): boolean {
  return /staging|fake le/i.test(text);
}

interface Replaced {
  issuer: string;
  notAfter: Date;
  selfSigned: boolean;
}

/** Why nothing of the test CA may take a place: what stands there is real and good until later. Pure. */
export function realInPlace(replaced: Replaced | undefined, now: Date): string | undefined {
  if (replaced === undefined || replaced.selfSigned || isStaging(replaced.issuer)) return undefined;
  if (replaced.notAfter <= now) return undefined;
  return `a certificate that is none (issuer ${replaced.issuer}) and is valid until ${replaced.notAfter.toISOString()}`;
}
