import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { keyTypeOf } from '../../../src/lib/key-types.ts';

const rsa = (modulusLength: number, type: 'pkcs1' | 'pkcs8' = 'pkcs8') =>
  generateKeyPairSync('rsa', { modulusLength }).privateKey.export({ type, format: 'pem' }) as string;
const ec = (namedCurve: string, type: 'sec1' | 'pkcs8' = 'pkcs8') =>
  generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type, format: 'pem' }) as string;

describe('keyTypeOf()', () => {
  it.each([
    ['P-256', ec('P-256'), 'ec256'],
    ['P-384 in SEC1', ec('P-384', 'sec1'), 'ec384'],
    ['RSA of 2048 bits in PKCS#1', rsa(2048, 'pkcs1'), 'rsa2048'],
    ['P-521', ec('P-521'), undefined],
    ['RSA of 1024 bits', rsa(1024), undefined],
    [
      'RSA-PSS',
      generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey.export({
        type: 'pkcs8',
        format: 'pem',
      }) as string,
      undefined,
    ],
    ['no key', 'no key', undefined],
  ])('says of %s', (_what, pem, type) => {
    expect(keyTypeOf(pem)).toBe(type);
  });
});
