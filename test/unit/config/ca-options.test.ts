import { describe, expect, it } from 'vitest';
import { caOptionsOf, casInOrder, givenStagings, isTestCa } from '../../../src/config/ca-options.ts';
import { parseCaSettings } from '../../../src/config/ca-settings.ts';
import { KNOWN_CAS } from '../../../src/config/known-cas.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { CertathonError } from '../../../src/lib/errors.ts';
import { maskSecrets } from '../../../src/lib/mask.ts';
import { makeBundle } from '../../support/bundles.ts';

const HMAC = 'c2VjcmV0LW9mLWFuLWV4dGVybmFsLWFjY291bnQ';
const OWN = 'https://ca.example/dir';
const OTHER = 'https://other.example/dir';
const TEST = 'https://test.example/dir';
const pem =
  makeBundle().bundle.pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/)?.[0] ?? '';

function load(env: Record<string, string>, files: Record<string, string> = {}) {
  return loadConfig({
    command: 'renew',
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [`CERTATHON_${name}`, value])),
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error('no such file');
      return text;
    },
  }).config;
}

function problemsOf(env: Record<string, string>, files: Record<string, string> = {}): string {
  try {
    load(env, files);
  } catch (error) {
    expect(error).toBeInstanceOf(CertathonError);
    return (error as CertathonError).message;
  }
  throw new Error('The options were taken');
}

describe('caOptionsOf()', () => {
  it('reads the first CA from its own options', () => {
    const config = load(
      {
        ...{ ACME_DIRECTORY: 'google', ACME_EAB_KID: 'kid-1', ACME_EAB_HMAC_KEY_FILE: '/eab' },
        ...{ ACME_PROFILE: 'minimal', ACME_PROFILE_MODE: 'required', ACME_EMAIL: 'ops@example.com' },
      },
      { '/eab': `${HMAC}\n` },
    );

    expect(caOptionsOf(config, KNOWN_CAS.google)).toEqual({
      ...{ directoryUrl: KNOWN_CAS.google, name: 'google', profile: 'minimal', isProfileRequired: true },
      ...{ externalAccount: { kid: 'kid-1', hmacKey: HMAC }, email: 'ops@example.com' },
      ...{ caPem: undefined, issuerCaPem: undefined, accountKeyPem: undefined },
    });
    expect(maskSecrets(`the key ${HMAC}`)).toBe('the key [masked]');
  });

  it('reads a further CA from the settings for it, with files, and keeps what is only the first one’s away', () => {
    const settings = {
      zerossl: { eabKid: 'kid-2', eabHmacKeyFile: '/zerossl', email: 'tls@example.com' },
      [OTHER]: { profile: 'short', profileMode: 'required', caFile: '/ca', issuerCaFile: '/roots' },
    };
    const config = load(
      {
        ...{
          ACME_DIRECTORY: OWN,
          ACME_CA_FILE: '/first',
          ISSUER_CA_FILE: '/first',
          ACME_EMAIL: 'ops@example.com',
        },
        ...{
          ACME_PROFILE: 'tlsserver',
          FURTHER_CAS: `zerossl ${OTHER}`,
          CA_SETTINGS: JSON.stringify(settings),
        },
      },
      { '/zerossl': HMAC, '/ca': `${pem}\n`, '/roots': pem, '/first': pem },
    );

    expect(casInOrder(config)).toEqual([OWN, KNOWN_CAS.zerossl, OTHER]);
    expect(caOptionsOf(config, KNOWN_CAS.zerossl)).toMatchObject({
      ...{ name: 'zerossl', profile: undefined, externalAccount: { kid: 'kid-2', hmacKey: HMAC } },
      ...{ email: 'tls@example.com', caPem: undefined, issuerCaPem: undefined },
    });
    expect(caOptionsOf(config, OTHER)).toMatchObject({
      ...{ name: OTHER, profile: 'short', isProfileRequired: true, externalAccount: undefined },
      ...{ caPem: pem.trim(), issuerCaPem: pem.trim(), email: 'ops@example.com' },
    });
  });

  it('asks the test CA of the first for the same profile, and trusts a private one like the first', () => {
    const config = load(
      {
        ...{ ACME_DIRECTORY: OWN, ACME_STAGING: TEST, ACME_PROFILE: 'tlsserver', ACME_CA_FILE: '/first' },
        ...{
          FURTHER_CAS: OTHER,
          CA_SETTINGS: JSON.stringify({ [OTHER]: { staging: 'letsencrypt-staging' } }),
        },
      },
      { '/first': pem },
    );

    expect(caOptionsOf(config, TEST)).toMatchObject({ profile: 'tlsserver', caPem: pem.trim() });
    expect(caOptionsOf(config, OTHER)).toMatchObject({ profile: undefined, caPem: pem.trim() });
    expect(givenStagings(config)).toEqual({ [OWN]: TEST, [OTHER]: KNOWN_CAS['letsencrypt-staging'] });
    expect([OWN, TEST, OTHER].map((each) => isTestCa(config, each))).toEqual([false, true, false]);
  });

  it('takes the first CA for a test CA while it is what the option for one names', () => {
    const config = load({ ACME_DIRECTORY: TEST, ACME_STAGING: TEST });

    expect([isTestCa(config, TEST), givenStagings(config)]).toEqual([true, {}]);
  });
});

describe('options about CAs', () => {
  it.each([
    [
      'a key id alone',
      { ACME_EAB_KID: 'kid-1' },
      'acmeEabKid (env CERTATHON_ACME_EAB_KID) is set without acmeEabHmacKey',
    ],
    [
      'a key alone',
      { ACME_EAB_HMAC_KEY: HMAC },
      'acmeEabHmacKey (env CERTATHON_ACME_EAB_HMAC_KEY) is set without acmeEabKid',
    ],
    [
      'a key that is none',
      { ACME_EAB_KID: 'kid-1', ACME_EAB_HMAC_KEY: 'short-key!' },
      '[masked] is not an HMAC key of at least 16 bytes',
    ],
    [
      'settings for a stranger',
      { CA_SETTINGS: '{"zerossl":{"profile":"x"}}' },
      'which neither furtherCas nor labelCas nor acmeStaging names',
    ],
    [
      'settings for the first',
      { CA_SETTINGS: '{"letsencrypt":{"profile":"x"}}' },
      'that one has options of its own',
    ],
    [
      'a file that is not there',
      { FURTHER_CAS: 'zerossl', CA_SETTINGS: '{"zerossl":{"caFile":"/none"}}' },
      'caFile of https://acme.zerossl.com/v2/DV90 cannot be read: no such file',
    ],
    [
      'a file without a certificate',
      { FURTHER_CAS: 'zerossl', CA_SETTINGS: '{"zerossl":{"caFile":"/text"}}' },
      'holds no certificate in PEM',
    ],
  ])('%s is reported', (_what, env, words) => {
    expect(problemsOf(env, { '/text': 'hello' })).toContain(words);
  });

  it.each([
    ['no JSON', 'zerossl', 'is not JSON with an object by CA'],
    ['a list', '[]', 'is not JSON with an object by CA'],
    ['an unknown CA', '{"nobody":{}}', 'has the key "nobody", which is neither an https address nor one of'],
    ['no object', '{"google":"x"}', 'says of google what is no object'],
    ['an unknown key', '{"google":{"key":"x"}}', 'says of google "key", which is none of eabKid'],
    ['a number', '{"google":{"profile":1}}', 'what profile is, but not in one line of text'],
    ['half of an account', '{"google":{"eabKid":"x"}}', 'only one of eabKid and eabHmacKey'],
    [
      'both keys',
      `{"google":{"eabKid":"x","eabHmacKey":"${HMAC}","eabHmacKeyFile":"/f"}}`,
      'both eabHmacKey and',
    ],
    [
      'a short key',
      '{"google":{"eabKid":"x","eabHmacKey":"abc"}}',
      'what eabHmacKey is, but that is not an HMAC key',
    ],
    [
      'a mode that is none',
      '{"google":{"profileMode":"yes"}}',
      'what profileMode is, but that is neither wanted nor required',
    ],
    [
      'an address that is none',
      '{"google":{"email":"ops"}}',
      'what email is, but that is not an e-mail address',
    ],
    [
      'a test CA that is none',
      '{"google":{"staging":"http://x/"}}',
      'what staging is, but that is neither an https address',
    ],
  ])('settings with %s are refused', (_what, text, words) => {
    const read = parseCaSettings(text, { named: KNOWN_CAS });

    expect('problem' in read && read.problem).toContain(words);
    expect(JSON.stringify(read)).not.toContain(HMAC);
  });
});
