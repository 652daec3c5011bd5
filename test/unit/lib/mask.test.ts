import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { forgetSecret, maskSecrets, registerSecret } from '../../../src/lib/mask.ts';

const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string;
const body = pem.split('\n')[1] as string;

describe('maskSecrets()', () => {
  it.each([
    ['real line ends', pem],
    ['literal backslash-n, as in the environment of marathon-lb', pem.replaceAll('\n', '\\n')],
    ['a JSON string', JSON.stringify({ env: { HAPROXY_SSL_CERT: pem } })],
    ['a key cut off before its end', pem.slice(0, 120)],
  ])('erases a private key written with %s', (_name, text) => {
    const masked = maskSecrets(`before ${text}`);

    expect(masked).not.toContain(body.slice(0, 20));
    expect(masked).toContain('before');
    expect(masked).toContain('[masked]');
  });

  it('keeps certificates and ordinary words', () => {
    const text = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\nkey of shop.example.com';

    expect(maskSecrets(text)).toBe(text);
  });

  it('erases a registered secret also as base64 and inside JSON', () => {
    registerSecret('pass"word-1');

    expect(
      maskSecrets(
        `a pass"word-1 b ${Buffer.from('pass"word-1').toString('base64')} ${JSON.stringify('pass"word-1')}`,
      ),
    ).toBe('a [masked] b [masked] "[masked]"');
  });

  it('keeps what is not a secret any more', () => {
    registerSecret('token-of-yesterday');
    registerSecret('token-of-today');

    forgetSecret('token-of-yesterday');

    expect(maskSecrets('token-of-yesterday, token-of-today')).toBe('token-of-yesterday, [masked]');
  });

  it('erases user and password in an address', () => {
    expect(maskSecrets('GET http://marathon:hunter22@master.mesos:8080/v2/apps')).toBe(
      'GET http://[masked]@master.mesos:8080/v2/apps',
    );
  });
});
