import { createPrivateKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { accountThumbprint } from '../../../../src/acme/account-key.ts';
import { accountKeyOfJwk, accountKeyOfPem } from '../../../../src/certificates/adopt/account-keys.ts';
import { oldKey, pkcs1, sec1 } from '../../../support/predecessors.ts';

const RSA = oldKey('rsa');
const jwkOf = (pem: string): JsonWebKey => createPrivateKey(pem).export({ format: 'jwk' });

describe('account keys of predecessors', () => {
  it.each([
    ['an RSA key as JWK', RSA, () => accountKeyOfJwk(JSON.stringify(jwkOf(RSA)))],
    ['an RSA key as PKCS#1', RSA, () => accountKeyOfPem(pkcs1(RSA))],
    ['a P-384 key as SEC1', oldKey('P-384'), () => accountKeyOfPem(sec1(oldKey('P-384')))],
    ['a P-256 key as JWK', oldKey('P-256'), () => accountKeyOfJwk(JSON.stringify(jwkOf(oldKey('P-256'))))],
    ['a key as PKCS#8', RSA, () => accountKeyOfPem(RSA)],
  ])('become PKCS#8 without another thumbprint: %s', (_what, keyPem, read) => {
    expect(read()).toEqual({ ok: true, keyPem, thumbprint: accountThumbprint(keyPem) });
  });

  const small = () =>
    generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({
      type: 'pkcs1',
      format: 'pem',
    }) as string;
  const { d: _secret, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...publicPart } = jwkOf(RSA);
  const mixed = { ...jwkOf(RSA), n: jwkOf(oldKey('rsa', 'second')).n };
  it.each([
    ['nothing', () => accountKeyOfPem(''), 'Account key is no readable private key in PEM'],
    ['half a key', () => accountKeyOfPem(RSA.slice(0, 800)), 'Account key is no readable private key in PEM'],
    [
      'an RSA key that no CA takes',
      () => accountKeyOfPem(small()),
      /^Account key is of a kind that no CA takes: rsa 1024/,
    ],
    ['no JSON', () => accountKeyOfJwk(RSA), 'it is no private key as JWK'],
    ['a public key', () => accountKeyOfJwk(JSON.stringify(publicPart)), 'it is no private key as JWK'],
    [
      'a symmetric key',
      () => accountKeyOfJwk('{"kty":"oct","k":"c2VjcmV0","d":""}'),
      'it is no private key as JWK',
    ],
    ['parts of two keys', () => accountKeyOfJwk(JSON.stringify(mixed)), 'its parts do not belong together'],
  ])('are refused without quoting them: %s', (_what, read, problem) => {
    expect(read()).toEqual({ ok: false, problem: expect.stringMatching(problem) });
  });
});
