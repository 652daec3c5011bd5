import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentMark, fromVariable, readVariable, toVariable } from '../../../src/delivery/variable.ts';
import { makeBundle } from '../../support/bundles.ts';

const { pem, bundle, leaf } = makeBundle();
const fingerprint = bundle.facts.fingerprint;

describe('toVariable() and fromVariable()', () => {
  it('bring any PEM there and back, on one line', () => {
    const line = fc.stringMatching(/^[A-Za-z0-9+/= -]{1,64}$/);
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), fc.constantFrom('\n', '\r\n'), (lines, end) => {
        const text = lines.join(end).trimEnd();
        const value = toVariable(`${text}${end}`);

        expect(value).not.toMatch(/[\r\n]/);
        expect(fromVariable(value)).toBe(text.replaceAll('\r', ''));
      }),
    );
  });

  it('write what the start script of marathon-lb expects', () => {
    expect(toVariable('-----BEGIN X-----\nAA\n-----END X-----\n')).toBe(
      '-----BEGIN X-----\\nAA\\n-----END X-----',
    );
  });
});

describe('readVariable()', () => {
  it.each([
    ['literal backslash-n', toVariable(pem)],
    ['real line ends', pem],
    ['CRLF', pem.replaceAll('\n', '\r\n')],
    ['literal backslash-r-backslash-n', pem.replaceAll('\n', '\\r\\n')],
    ['both spellings', pem.replace('\n', '\\n')],
  ])('reads a bundle with %s as the same', (_what, value) => {
    expect(readVariable(value)).toEqual({ kind: 'certificate', facts: bundle.facts, pem });
  });

  it.each([
    ['nothing', undefined, { kind: 'empty' }],
    ['an empty text', '', { kind: 'empty' }],
    ['white space', ' \n', { kind: 'empty' }],
    ['a secret', { secret: 'tls/key' }, { kind: 'secret', secret: 'tls/key' }],
    ['a word', 'changeme', { kind: 'unreadable', problem: 'it holds no certificate in PEM form' }],
    [
      'a certificate without key',
      leaf,
      { kind: 'unreadable', problem: 'it holds no private key in PEM form' },
    ],
    [
      'line ends escaped twice',
      pem.replaceAll('\n', '\\\\n'),
      { kind: 'unreadable', problem: 'it holds no certificate in PEM form' },
    ],
  ])('reads %s', (_what, value, content) => {
    expect(readVariable(value)).toEqual(content);
  });
});

describe('contentMark()', () => {
  it('is one for one certificate, and the kind of anything else', () => {
    expect(
      [pem, toVariable(pem), '', { secret: 'x' }, 'odd'].map((value) => contentMark(readVariable(value))),
    ).toEqual([fingerprint, fingerprint, 'empty', 'secret', 'unreadable']);
  });
});
