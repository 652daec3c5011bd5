import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { CertathonError } from '../lib/errors.ts';
import { createRoots, type IssuerTrust, type Roots } from './issuer-roots.ts';

/** Hosts of the directories that issue under public roots only. */
const PUBLIC_CAS = [
  'acme-v02.api.letsencrypt.org',
  'acme.zerossl.com',
  'dv.acme-v02.api.pki.goog',
  'acme.ssl.com',
  'acme-api.actalis.com',
];
const STAGING = 'acme-staging-v02.api.letsencrypt.org';
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The public roots that this version of Node carries (those of Mozilla). One for the whole program. */
export function publicRoots(): Roots {
  return createRoots(() => rootCertificates);
}

/** What the certificates of a CA have to end at:
 * - the roots of a file, when one is given (--issuer-ca-file), whatever the CA;
 * - the public roots for the well-known public CAs;
 * - for Let's Encrypt's staging a name only, since its roots are in no store;
 * - nothing for any other directory: it is a private CA, whose certificates hang from other roots than the ones
 *   by which its HTTPS is trusted (--acme-ca-file), and which may make new ones at each start.
 * @throws CONFIG_INVALID when the file holds no certificate */
export function issuerTrust(
  directoryUrl: string,
  issuerCaPem: string | undefined,
  publicOnes: Roots = publicRoots(),
): IssuerTrust {
  if (issuerCaPem !== undefined)
    return { kind: 'roots', roots: givenRoots(issuerCaPem), words: 'the roots of --issuer-ca-file' };
  const host = new URL(directoryUrl).hostname;
  if (PUBLIC_CAS.includes(host)) return { kind: 'roots', roots: publicOnes, words: 'the public roots' };
  return { kind: host === STAGING ? 'test' : 'any' };
}

/** Read at once, so that a wrong file is found at the start and not when a certificate was obtained. */
function givenRoots(pem: string): Roots {
  const blocks = pem.match(CERTIFICATE) ?? [];
  try {
    if (blocks.length === 0) throw new Error('it holds no certificate in PEM form');
    for (const block of blocks) new X509Certificate(block);
  } catch (cause) {
    throw new CertathonError(
      'CONFIG_INVALID',
      'The file of --issuer-ca-file holds no readable certificates',
      {
        cause,
      },
    );
  }
  return createRoots(() => blocks);
}
