import forge from 'node-forge';
import { describe, expect, it } from 'vitest';
import { renewalId } from '../../../src/acme/renewal-id.ts';
import { makeBundle } from '../../support/bundles.ts';

/** @source RFC 9773, Appendix A: "Example Certificate" */
const OF_THE_RFC = `-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----`;

const KEY = forge.pki.rsa.generateKeyPair(1024);

/** @param serial in hex, as the octets of the INTEGER */
function made(serial: string, { extensions }: { extensions: object[] }): string {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = KEY.publicKey;
  certificate.serialNumber = serial;
  certificate.validity.notBefore = new Date('2026-01-01T00:00:00Z');
  certificate.validity.notAfter = new Date('2026-04-01T00:00:00Z');
  certificate.setSubject([{ name: 'commonName', value: 'leaf' }]);
  certificate.setIssuer([{ name: 'commonName', value: 'CA' }]);
  certificate.setExtensions(extensions);
  certificate.sign(KEY.privateKey, forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate);
}

const id = (key: string, serial: string) =>
  `${Buffer.from(key, 'latin1').toString('base64url')}.${Buffer.from(serial, 'hex').toString('base64url')}`;
const authority = (keyIdentifier: string) => ({ name: 'authorityKeyIdentifier', keyIdentifier });
const usage = { name: 'keyUsage', critical: true, digitalSignature: true };

describe('renewalId()', () => {
  it('is that of the RFC for its example', () => {
    expect(renewalId(OF_THE_RFC)).toBe('aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE');
  });

  it.each([
    ['a serial with a zero byte before it', '00f0e1d2', [authority('0123456789abcdefghij')]],
    ['a serial without one', '70e1d2', [usage, authority('0123456789abcdefghij')]],
    ['a serial of twenty bytes', `00${'ff'.repeat(19)}`, [authority('key'), usage]],
    ['a long extension before it', '01', [{ ...san(300) }, authority('key')]],
  ])('keeps the octets of the certificate with %s', (_what, serial, extensions) => {
    const key = (extensions.find((each) => 'keyIdentifier' in each) as { keyIdentifier: string })
      .keyIdentifier;

    expect(renewalId(made(serial, { extensions }))).toBe(id(key, serial));
  });

  it.each([
    ['a certificate that names no key of its issuer', makeBundle().leaf],
    [
      'one that names its issuer in another way',
      made('01', { extensions: [{ name: 'authorityKeyIdentifier', serialNumber: '02' }] }),
    ],
    ['one without extensions', made('01', { extensions: [] })],
    ['a text that is none', 'shop.example.com'],
    ['nothing', ''],
  ])('does not exist for %s', (_what, pem) => {
    expect(renewalId(pem)).toBeUndefined();
  });
});

function san(count: number) {
  const altNames = Array.from({ length: count }, (_, at) => ({ type: 2, value: `n${at}.example.com` }));
  return { name: 'subjectAltName', altNames };
}
