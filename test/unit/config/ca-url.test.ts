import { describe, expect, it } from 'vitest';
import { parseCas } from '../../../src/config/ca-url.ts';
import { KNOWN_CAS } from '../../../src/config/known-cas.ts';

const rules = { named: KNOWN_CAS };
const STAGING = KNOWN_CAS['letsencrypt-staging'];

describe('parseCas()', () => {
  it.each([
    ['letsencrypt-staging', [{ name: 'letsencrypt-staging', directoryUrl: STAGING }]],
    [
      'letsencrypt-staging, https://ca.example/dir',
      [
        { name: 'letsencrypt-staging', directoryUrl: STAGING },
        { name: 'https://ca.example/dir', directoryUrl: 'https://ca.example/dir' },
      ],
    ],
    ['', []],
  ])('%j', (text, value) => {
    expect(parseCas(text, rules)).toEqual({ value });
  });

  it.each(['http://ca.example/dir', 'letsencrypt, no-such-ca', 'https://user@ca.example/', 'constructor'])(
    '%j names what is wrong',
    (text) => {
      expect(parseCas(text, rules)).toEqual({
        problem: expect.stringMatching(/^holds ".*", which is neither an https address nor one of /),
      });
    },
  );
});
