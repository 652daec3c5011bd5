import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { issuerTrust, publicRoots } from '../../../src/certificates/issuer-trust.ts';
import { makeBundle, makeIssuer } from '../../support/bundles.ts';

const LETSENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory';

describe('issuerTrust()', () => {
  it.each([
    [LETSENCRYPT, 'roots'],
    ['https://acme.zerossl.com/v2/DV90', 'roots'],
    ['https://dv.acme-v02.api.pki.goog/directory', 'roots'],
    ['https://acme-staging-v02.api.letsencrypt.org/directory', 'test'],
    ['https://ca.example/directory', 'any'],
    ['https://acme-v02.api.letsencrypt.org.example/directory', 'any'],
    ['https://127.0.0.1:14000/dir', 'any'],
  ])('judges certificates from %s by %s', (directoryUrl, kind) => {
    expect(issuerTrust(directoryUrl, undefined)).toMatchObject({ kind });
  });

  it('goes by the roots of a file alone, whatever the CA', () => {
    const root = { commonName: 'Company Root', key: 'ca' };
    const file = makeIssuer(root, root);
    const [ours] = [new X509Certificate(makeIssuer({ commonName: 'Middle', key: 'middle' }, root))];

    for (const url of [LETSENCRYPT, 'https://ca.example/directory']) {
      const trust = issuerTrust(url, file);
      if (trust.kind !== 'roots') throw new Error(trust.kind);
      expect(trust.roots.issuersOf(ours).map(({ subject }) => subject)).toEqual(['CN=Company Root']);
      expect(trust.roots.issuersOf(new X509Certificate(makeBundle().leaf))).toEqual([]);
    }
  });

  it.each([
    ['nothing in it', 'no certificate'],
    ['a damaged certificate', makeBundle().ca.replace(/\n(.{40})/, `\n${'A'.repeat(40)}`)],
  ])('refuses a file with %s at once', (_what, pem) => {
    expect(() => issuerTrust(LETSENCRYPT, pem)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

describe('publicRoots()', () => {
  it('knows each root of Node as the issuer of itself', () => {
    const roots = publicRoots();
    const unknown = rootCertificates
      .map((pem) => new X509Certificate(pem))
      .filter(
        (root) => !roots.issuersOf(root).some(({ fingerprint256 }) => fingerprint256 === root.fingerprint256),
      )
      .map(({ subject }) => subject);

    expect(unknown).toEqual([]);
  });
});
