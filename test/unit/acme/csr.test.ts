import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { crypto } from 'acme-client';
import { describe, expect, it } from 'vitest';
import { createCertificateKey, createCsr, csrBase64Url } from '../../../src/acme/csr.ts';
import { KEY_TYPES, keyTypeOf } from '../../../src/lib/key-types.ts';

describe('createCsr()', () => {
  it('asks for all names and has no common name', async () => {
    const names = ['b.example.com', 'a.example.com', `${'x'.repeat(60)}.example.com`];

    const csr = await createCsr(names, await createCertificateKey());

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
    await expect(createCsr([], await createCertificateKey())).rejects.toMatchObject({
      code: 'NAMES_MISSING',
    });
    await expect(createCsr(['a.example.com'], 'no key')).rejects.toMatchObject({
      code: 'CERTIFICATE_UNUSABLE',
    });
  });
});

describe('createCertificateKey()', () => {
  it.each(KEY_TYPES)('makes a key of type %s that signs a request', async (type) => {
    const key = await createCertificateKey(type);

    expect(keyTypeOf(key)).toBe(type);
    const csr = await createCsr(['a.example.com'], key);
    expect(crypto.readCsrDomains(csr).altNames).toEqual(['a.example.com']);
  });

  it('makes a new P-256 key each time unless told otherwise', async () => {
    const [one, two] = [await createCertificateKey(), await createCertificateKey()];

    expect(createPrivateKey(one).asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(one).not.toBe(two);
  });

  it('lets other work go on while it looks for primes', async () => {
    let [turns, isMade] = [0, false];
    const made = createCertificateKey('rsa3072').finally(() => {
      isMade = true;
    });
    while (!isMade) {
      turns += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }

    expect(keyTypeOf(await made)).toBe('rsa3072');
    expect(turns).toBeGreaterThan(10);
  });
});

describe('csrBase64Url()', () => {
  it('is the same for PEM and DER, without padding', async () => {
    const pem = await createCsr(['a.example.com'], await createCertificateKey());
    const der = Buffer.from(crypto.getPemBodyAsB64u(pem), 'base64url');

    expect(csrBase64Url(pem)).toBe(der.toString('base64url'));
    expect(csrBase64Url(der)).toBe(der.toString('base64url'));
    expect(csrBase64Url(pem)).toMatch(/^[A-Za-z0-9_-]+$/);
  });
});
