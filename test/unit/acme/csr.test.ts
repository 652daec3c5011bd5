import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { crypto } from 'acme-client';
import { describe, expect, it } from 'vitest';
import { createCertificateKey, createCsr, csrBase64Url } from '../../../src/acme/csr.ts';

describe('createCsr()', () => {
  it('asks for all names and has no common name', async () => {
    const names = ['b.example.com', 'a.example.com', `${'x'.repeat(60)}.example.com`];

    const csr = await createCsr(names, createCertificateKey());

    expect(crypto.readCsrDomains(csr)).toEqual({ commonName: null, altNames: names });
    expect(names).toHaveLength(3);
  });

  it.each([
    [
      'SEC1',
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' }),
    ],
    [
      'PKCS#1',
      generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }),
    ],
  ])('takes a key in %s', async (_name, key) => {
    const csr = await createCsr(['a.example.com'], key as string);

    expect(crypto.readCsrDomains(csr).altNames).toEqual(['a.example.com']);
  });

  it('refuses an empty list and an unreadable key', async () => {
    await expect(createCsr([], createCertificateKey())).rejects.toMatchObject({ code: 'NAMES_MISSING' });
    await expect(createCsr(['a.example.com'], 'no key')).rejects.toMatchObject({
      code: 'CERTIFICATE_UNUSABLE',
    });
  });
});

describe('createCertificateKey()', () => {
  it('makes a new P-256 key each time', () => {
    const [one, two] = [createCertificateKey(), createCertificateKey()];

    expect(createPrivateKey(one).asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(one).not.toBe(two);
  });
});

describe('csrBase64Url()', () => {
  it('is the same for PEM and DER, without padding', async () => {
    const pem = await createCsr(['a.example.com'], createCertificateKey());
    const der = Buffer.from(crypto.getPemBodyAsB64u(pem), 'base64url');

    expect(csrBase64Url(pem)).toBe(der.toString('base64url'));
    expect(csrBase64Url(der)).toBe(der.toString('base64url'));
    expect(csrBase64Url(pem)).toMatch(/^[A-Za-z0-9_-]+$/);
  });
});
