// pure
import { X509Certificate } from 'node:crypto';
import { isStaging } from './staging.ts';

/** What the chain of a certificate has to end at. `test`: Let's Encrypt's staging, whose roots nobody trusts and
 * which are known by name only. `any`: a CA about whose roots nothing is known. */
export type IssuerTrust = { kind: 'roots'; roots: Roots; words: string } | { kind: 'test' } | { kind: 'any' };

export interface Roots {
  /** Those that issued the certificate. */
  issuersOf(certificate: X509Certificate): X509Certificate[];
}

/** Roots, found by their subject. They are parsed once, and only when somebody asks: Node has 121 of them, which
 * take 25 ms.
 * @param read the roots in PEM, one a text */
export function createRoots(read: () => readonly string[]): Roots {
  let bySubject: Map<string, X509Certificate[]> | undefined;
  return {
    issuersOf(certificate) {
      bySubject ??= Map.groupBy(
        read().map((pem) => new X509Certificate(pem)),
        ({ subject }) => subject,
      );
      const namesakes = bySubject.get(certificate.issuer) ?? [];
      return namesakes.filter((root) => certificate.checkIssued(root) && certificate.verify(root.publicKey));
    },
  };
}

/** `ofEveryOne`: every certificate of this CA has it. */
export interface ChainFault {
  message: string;
  ofEveryOne?: true;
}

/** What is wrong with a chain whose links hold, as clients see it; undefined when nothing is. Pure.
 * The first certificate that a trusted root issued ends the path, as browsers build it: CAs send cross-signed
 * roots on top for old clients, under roots that newer trust stores have dropped.
 * @param chain the leaf first   @param now the most trusted time there is */
export function chainFault(
  chain: readonly X509Certificate[],
  trust: IssuerTrust,
  now: Date,
): ChainFault | undefined {
  const top = chain.at(-1) as X509Certificate;
  let path = chain;
  if (trust.kind === 'roots') {
    const end = chain.findIndex((one) => trust.roots.issuersOf(one).some((root) => !isPast(root, now)));
    if (end === -1)
      return {
        message: `its chain leads to ${nameOf(top.issuer)}, and to none of ${trust.words}`,
        ofEveryOne: true,
      };
    path = chain.slice(0, end + 1);
  }
  if (trust.kind === 'test' && !chain.some(({ issuer }) => isStaging(issuer)))
    return { message: `the test CA was asked, but ${nameOf(top.issuer)} issued it` };
  const message = path.flatMap((one, index) => issuerFault(one, index, now) ?? [])[0];
  return message === undefined ? undefined : { message };
}

function issuerFault(issuer: X509Certificate, index: number, now: Date): string | undefined {
  if (index === 0) return undefined;
  if (!issuer.ca) return `certificate ${index + 1} of the chain is not one of a CA`;
  return isPast(issuer, now)
    ? `certificate ${index + 1} of the chain expired at ${issuer.validTo}`
    : undefined;
}

function isPast({ validTo }: X509Certificate, now: Date): boolean {
  return new Date(validTo) <= now;
}

function nameOf(issuer: string): string {
  return issuer.replaceAll('\n', ', ');
}
