import { describe, expect, it } from 'vitest';
import { readAlternates, readChain } from '../../../src/acme/chains.ts';
import type { AcmeAnswer } from '../../../src/acme/refusal.ts';

const CA = 'https://ca.example';
const URL_1 = `${CA}/cert/1`;
const answer = (data: unknown, headers: Record<string, string> = {}): AcmeAnswer => ({
  status: 200,
  headers,
  data,
});

describe('readChain()', () => {
  const block = (label: string) => `-----BEGIN ${label}-----\nMIIB\nAAAA\n-----END ${label}-----`;

  it('keeps the certificates and nothing around them', () => {
    const text = `# leaf\n${block('CERTIFICATE')}\n\n# issuer\n${block('CERTIFICATE')}`;

    expect(readChain(answer(text), CA)).toBe(`${block('CERTIFICATE')}\n${block('CERTIFICATE')}\n`);
  });

  it.each([
    ['nothing', ''],
    ['HTML', '<html></html>'],
    ['JSON', {}],
    ['a key among them', `${block('CERTIFICATE')}\n${block('EC PRIVATE KEY')}`],
    ['a block that does not end', block('CERTIFICATE').slice(0, -5)],
  ])('refuses %s', (_name, data) => {
    expect(() => readChain(answer(data), CA)).toThrow(/^CA answered the certificate/);
  });
});

describe('readAlternates()', () => {
  const alternate = (path: string) => `<${CA}${path}>;rel="alternate"`;

  it.each([
    ['no header', undefined, []],
    ['an empty one', '', []],
    ['other relations', `<${CA}/dir>;rel="index", <${CA}/ca>;rel="up"`, []],
    ['one among others', `<${CA}/dir>;rel="index", ${alternate('/cert/1/1')}`, [`${CA}/cert/1/1`]],
    ['several', `${alternate('/2')}, ${alternate('/1')}`, [`${CA}/2`, `${CA}/1`]],
    ['blanks, no quotes, capitals', `<${CA}/2> ; title="a, b;" ; rel=Alternate`, [`${CA}/2`]],
    ['several relations of one link', `<${CA}/2>;rel="up alternate"`, [`${CA}/2`]],
    ['a word that only begins so', `<${CA}/2>;rel="alternates"`, []],
    ['a relative address', '</cert/2>;rel="alternate"', [`${CA}/cert/2`]],
    ['a comma in the address', `<${CA}/a,b>;rel="alternate"`, [`${CA}/a,b`]],
    ['another scheme', '<file:///etc/passwd>;rel="alternate"', []],
    ['no address', '<http://[>;rel="alternate"', []],
    ['one that is too long', alternate(`/${'x'.repeat(3000)}`), []],
    [
      'the chain itself, and one twice',
      [URL_1, `${CA}/2`, `${CA}/2`].map((url) => `<${url}>;rel="alternate"`).join(),
      [`${CA}/2`],
    ],
    ['what was cut off', `<${CA}/2>;rel="alternate", <${CA}/3`, [`${CA}/2`]],
  ])('reads %s', (_what, link, urls) => {
    const headers = link === undefined ? {} : { link };

    expect(readAlternates(answer('', headers), URL_1)).toEqual(urls);
  });

  it('follows eight links at most', () => {
    const link = Array.from({ length: 100 }, (_, index) => alternate(`/${index}`)).join(', ');

    expect(readAlternates(answer('', { link }), URL_1)).toHaveLength(8);
  });
});
