// pure
import type { CertificateFacts } from '../delivery/bundle.ts';

/** Facts of a certificate as a line of a file of ours holds them: with ten thousand of them what reads them has to be
 * quick, and a schema is not. What does not hold is found out again from the bundles.
 *   names, fingerprint, issuer, notBefore, notAfter (epoch milliseconds), selfSigned */
export type KeptFacts = [string[], string, string, number, number, boolean];

export function keptFacts(facts: CertificateFacts): KeptFacts {
  const { names, fingerprint, issuer, notBefore, notAfter, selfSigned } = facts;
  return [names, fingerprint, issuer, notBefore.getTime(), notAfter.getTime(), selfSigned];
}

/** @throws Error for anything else */
export function factsIn(value: unknown): CertificateFacts {
  const [names, fingerprint, issuer, notBefore, notAfter, selfSigned] = Array.isArray(value) ? value : [];
  if (
    !isTexts(names) ||
    typeof fingerprint !== 'string' ||
    typeof issuer !== 'string' ||
    typeof notBefore !== 'number' ||
    typeof notAfter !== 'number' ||
    typeof selfSigned !== 'boolean'
  )
    throw new Error('It is no line of ours');
  return {
    ...{ names, fingerprint, issuer, selfSigned },
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
  };
}

export function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}
