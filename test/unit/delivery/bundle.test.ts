import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bundleChain, bundleKey, parseBundle } from '../../../src/delivery/bundle.ts';
import { makeBundle, NOT_AFTER, NOT_BEFORE } from '../../support/bundles.ts';

const good = makeBundle({ names: ['Shop.example.com', 'a.example.com'] });
const other = makeBundle({ key: 'second' });
const torn = (pem: string) => pem.slice(0, Math.floor(pem.length / 2));
const damaged = (pem: string) => pem.replace(/\n(.{20})/, '\nAAAAAAAAAAAAAAAAAAAA');

describe('parseBundle()', () => {
  it('tells the facts of the leaf', () => {
    const parsed = parseBundle(good.pem);

    expect(parsed).toEqual({
      ok: true,
      bundle: {
        pem: good.pem,
        facts: {
          names: ['a.example.com', 'shop.example.com'],
          fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
          issuer: 'CN=Test CA',
          notBefore: NOT_BEFORE,
          notAfter: NOT_AFTER,
          selfSigned: false,
        },
      },
    });
  });

  it.each([
    ['CRLF', good.pem.replaceAll('\n', '\r\n')],
    [
      'white space at line ends and blank lines between the parts',
      good.pem.replaceAll('\n', ' \n').replaceAll('----- \n--', '-----\n\n--'),
    ],
    ['text around its parts', `subject=CN = leaf\n${good.pem}\nKey Attributes: <No Attributes>\n`],
    ['the key first', `${good.key}${good.leaf}${good.ca}`],
    ['the key in the middle', `${good.leaf}${good.key}${good.ca}`],
  ])('reads one with %s, as the same PEM', (_what, text) => {
    const parsed = parseBundle(text);

    expect(parsed).toMatchObject({ ok: true, bundle: { pem: good.pem } });
  });

  it('reads one without a chain, and one signed by itself', () => {
    const alone = parseBundle(`${good.leaf}${good.key}`);
    const own = parseBundle(makeBundle({ selfSigned: true }).pem);

    expect([alone, own]).toMatchObject([
      { ok: true, bundle: { facts: { selfSigned: false } } },
      { ok: true, bundle: { facts: { selfSigned: true } } },
    ]);
  });

  it('reads a certificate without any alternative name as one for no name', () => {
    expect(parseBundle(makeBundle({ names: [], commonName: 'shop.example.com' }).pem)).toMatchObject({
      ok: true,
      bundle: { facts: { names: [] } },
    });
  });

  it('takes a name with commas for one, not for several', () => {
    const { facts } = makeBundle({ names: ['x, DNS:evil.example, DNS:y', 'good.example'] }).bundle;

    expect(facts.names).toHaveLength(2);
    expect(facts.names).toContain('good.example');
    expect(facts.names).not.toContain('evil.example');
  });

  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'sec1',
    format: 'pem',
  });
  it.each([
    ['nothing', '', 'it holds no certificate in PEM form'],
    ['garbage', 'not a bundle', 'it holds no certificate in PEM form'],
    ['only a key', good.key, 'it holds no certificate in PEM form'],
    ['no key', `${good.leaf}${good.ca}`, 'it holds no private key in PEM form'],
    [
      'a key with a passphrase',
      `${good.leaf}${good.key.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE')}`,
      'it holds no private key in PEM form',
    ],
    ['a torn end', torn(good.pem), 'it holds no private key in PEM form'],
    ['a torn key', `${good.leaf}${torn(good.key)}`, 'it holds no private key in PEM form'],
    ['two keys', `${good.pem}${other.key}`, 'it holds 2 private keys'],
    [
      'the key of another one',
      `${good.leaf}${good.ca}${other.key}`,
      'the private key does not belong to the first certificate',
    ],
    [
      'a key of another kind',
      `${good.leaf}${ec}`,
      'the private key does not belong to the first certificate',
    ],
    [
      'the chain before the leaf',
      `${good.ca}${good.leaf}${good.key}`,
      'the private key does not belong to the first certificate',
    ],
    [
      'a chain of somebody else',
      `${good.leaf}${makeBundle({ issuer: 'Other CA' }).ca}${good.key}`,
      'certificate 2 of the chain did not issue certificate 1',
    ],
    [
      'two leaves',
      `${good.leaf}${other.leaf}${good.key}`,
      'certificate 2 of the chain did not issue certificate 1',
    ],
    [
      'a damaged certificate',
      `${damaged(good.leaf)}${good.key}`,
      'a certificate or the key in it can not be decoded',
    ],
    [
      'a damaged key',
      `${good.leaf}${damaged(good.key)}`,
      'a certificate or the key in it can not be decoded',
    ],
    [
      'line ends turned into spaces',
      good.pem.replaceAll('\n', ' '),
      'a certificate or the key in it can not be decoded',
    ],
    ['line ends as backslash and n', good.pem.replaceAll('\n', '\\n'), 'it holds no certificate in PEM form'],
    ['1 MiB of letters', 'A'.repeat(1024 * 1024), 'it has 1048576 characters, more than any bundle'],
    [
      '250,000 beginnings',
      '-----BEGIN CERTIFICATE-----'.repeat(9_000),
      'it holds no certificate in PEM form',
    ],
  ])('says what is wrong with %s', (_what, text, problem) => {
    expect(parseBundle(text)).toEqual({ ok: false, problem });
  });

  it('quotes nothing of a key that it can not read', () => {
    const parsed = parseBundle(`${good.leaf}${damaged(good.key)}`);

    expect(JSON.stringify(parsed)).not.toContain(good.key.split('\n')[2]);
  });
});

describe('bundleChain() and bundleKey()', () => {
  it('take a bundle apart again', () => {
    expect(bundleChain(good.bundle).map(({ subject }) => subject)).toEqual(['CN=leaf', 'CN=Test CA']);
    expect(bundleKey(good.bundle)).toBe(good.key);
  });
});
