import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { Client } from 'acme-client';
import { describe, expect, it } from 'vitest';
import {
  accountKeyPkcs8,
  accountThumbprint,
  createAccountKey,
  jwkThumbprint,
  keyAuthorization,
} from '../../../src/acme/account-key.ts';

/** The x of this key begins with a zero byte, which must stay. */
const ZERO_LED = createPrivateKey({
  format: 'jwk',
  key: {
    kty: 'EC',
    crv: 'P-256',
    x: 'AMeAkVVav_mDujL41C9LuGCQ8PD85kM5Y9F0IDHb8NY',
    y: 'z8-pe7sF8Ysa-FXcvLrDz9TFUsX6xx7zEPtN25Do00U',
    d: 'UsAURJXjCP0VHPXFYdOJYZSiNqsnYqum52DEUor3SQg',
  },
}).export({ type: 'pkcs8', format: 'pem' }) as string;

function ecKey(namedCurve: string, type: 'pkcs8' | 'sec1' = 'pkcs8'): string {
  return generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type, format: 'pem' }) as string;
}

function rsaKey(modulusLength: number): string {
  return generateKeyPairSync('rsa', { modulusLength }).privateKey.export({
    type: 'pkcs1',
    format: 'pem',
  }) as string;
}

describe('jwkThumbprint()', () => {
  it('gives the value of RFC 7638 3.1', () => {
    const jwk = {
      kty: 'RSA',
      n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
      e: 'AQAB',
      alg: 'RS256',
      kid: '2011-04-29',
    };

    expect(jwkThumbprint(jwk)).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs');
  });
});

describe('accountThumbprint()', () => {
  it.each([
    ['P-256', ecKey('P-256')],
    ['P-384 in SEC1', ecKey('P-384', 'sec1')],
    ['P-521', ecKey('P-521')],
    ['RSA in PKCS#1', rsaKey(2048)],
    ['a coordinate with a leading zero', ZERO_LED],
  ])('agrees with acme-client for %s', async (_name, pem) => {
    const client = new Client({ directoryUrl: 'https://ca.example/dir', accountKey: pem });
    const challenge = {
      type: 'http-01',
      url: 'https://ca.example/1',
      status: 'pending',
      token: 'token',
    } as const;

    const expected = await client.getChallengeKeyAuthorization(challenge);

    expect(keyAuthorization('token', accountThumbprint(pem))).toBe(expected);
  });

  it.each([
    ['no PEM', 'hello', 'Account key is no readable private key in PEM'],
    [
      'a public key',
      ZERO_LED.replaceAll('PRIVATE', 'PUBLIC'),
      'Account key is no readable private key in PEM',
    ],
    [
      'EdDSA',
      generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      'Account key is of a kind that no CA takes: ed25519',
    ],
    ['another curve', ecKey('secp256k1'), 'Account key is of a kind that no CA takes: ec secp256k1'],
    ['a short RSA key', rsaKey(1024), 'Account key is of a kind that no CA takes: rsa 1024'],
  ])('refuses %s without showing it', (_name, pem, message) => {
    expect(() => accountThumbprint(pem)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) }),
    );
    expect(() => accountThumbprint(pem)).not.toThrow(pem.split('\n')[1] || 'never');
  });
});

describe('createAccountKey()', () => {
  it('makes a new P-256 key each time, in PKCS#8', () => {
    const [one, two] = [createAccountKey(), createAccountKey()];

    expect(createPrivateKey(one).asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(one).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(one).not.toBe(two);
  });
});

describe('accountKeyPkcs8()', () => {
  it('turns the older forms into PKCS#8 of the same key', () => {
    const sec1 = ecKey('P-256', 'sec1');

    const pkcs8 = accountKeyPkcs8(sec1);

    expect(pkcs8).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(accountThumbprint(pkcs8)).toBe(accountThumbprint(sec1));
  });
});
