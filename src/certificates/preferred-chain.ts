// pure
import { X509Certificate } from 'node:crypto';

/** Whether a chain ends where the operator prefers: its topmost certificate was issued by a CA of this common
 * name or organization. `ISRG Root X2` picks one of the chains of Let's Encrypt. Pure.
 * @param chainPem the leaf first   @returns false also for a chain that can not be read */
export function endsBelow(chainPem: string, preferred: string): boolean {
  const wanted = preferred.toLowerCase();
  return (topmostIssuer(chainPem) ?? '')
    .split('\n')
    .map((line) => /^(?:CN|O)=(.*)$/.exec(line)?.[1]?.toLowerCase())
    .includes(wanted);
}

/** The issuer of the last certificate of a chain, one attribute a line, as Node writes it. Pure. */
export function topmostIssuer(chainPem: string): string | undefined {
  const last = chainPem.slice(Math.max(0, chainPem.lastIndexOf('-----BEGIN CERTIFICATE-----')));
  try {
    return new X509Certificate(last).issuer;
  } catch {
    return undefined;
  }
}
