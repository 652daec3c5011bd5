import { describe, expect, it } from 'vitest';
import { type CaaRecord, caaFault, placesOf } from '../../../src/certificates/caa.ts';

const ACCOUNT = 'https://acme.example/acct/1';
const who = { identities: ['letsencrypt.org'], accountUrl: ACCOUNT, method: 'http-01' };
const issue = (value: string): CaaRecord => ({ critical: 0, issue: value, type: 'CAA' });
const wild = (value: string): CaaRecord => ({ critical: 0, issuewild: value });

it.each([
  ['www.example.com', ['www.example.com', 'example.com', 'com']],
  ['*.www.example.com', ['www.example.com', 'example.com', 'com']],
])('placesOf(%j) climbs to below the root', (name, places) => {
  expect(placesOf(name)).toEqual(places);
});

describe('caaFault() allows', () => {
  it.each<[string, string, CaaRecord[]]>([
    ['no record at all', 'a.test', []],
    [
      'records about other things',
      'a.test',
      [
        { critical: 0, iodef: 'mailto:x@a.test' },
        { critical: 128, contactemail: 'x' },
      ],
    ],
    ['the CA', 'a.test', [issue('letsencrypt.org')]],
    ['the CA in capitals and with a dot', 'a.test', [issue('LetsEncrypt.org.')]],
    ['the CA among others', 'a.test', [issue('pki.goog'), issue(' letsencrypt.org ')]],
    ['the account', 'a.test', [issue(`letsencrypt.org; accounturi=${ACCOUNT}`)]],
    ['the method among others', 'a.test', [issue('letsencrypt.org; validationmethods=dns-01,http-01')]],
    ['a parameter that nobody knows', 'a.test', [issue('letsencrypt.org; something=else')]],
    ['a critical record that is known', 'a.test', [{ critical: 128, issue: 'letsencrypt.org' }]],
    [
      'one of two records about accounts',
      'a.test',
      [issue('letsencrypt.org; accounturi=https://x/2'), issue(`letsencrypt.org;accounturi=${ACCOUNT}`)],
    ],
    ['a wildcard by its own record', '*.a.test', [issue('pki.goog'), wild('letsencrypt.org')]],
    ['a wildcard by the record for all', '*.a.test', [issue('letsencrypt.org')]],
    ['a name without regard to wildcards', 'a.test', [wild('pki.goog')]],
  ])('%s', (_what, name, records) => {
    expect(caaFault(name, records, who)).toBeUndefined();
  });

  it('any account while there is none yet', () => {
    const records = [issue('letsencrypt.org; accounturi=https://x/2')];

    expect(caaFault('a.test', records, { ...who, accountUrl: undefined })).toBeUndefined();
  });
});

describe('caaFault() forbids', () => {
  it.each<[string, string, CaaRecord[], string]>([
    ['another CA', 'a.test', [issue('pki.goog')], 'they allow "pki.goog", and not letsencrypt.org'],
    ['nobody', 'a.test', [issue(';')], 'they allow ";", and not letsencrypt.org'],
    [
      'what can not be read',
      'a.test',
      [issue('letsencrypt.org; %%%')],
      'they allow "letsencrypt.org; %%%", and not',
    ],
    [
      'another account',
      'a.test',
      [issue('letsencrypt.org; accounturi=https://x/2')],
      `allows another account than ${ACCOUNT}`,
    ],
    [
      'two accounts in one record',
      'a.test',
      [issue(`letsencrypt.org; accounturi=${ACCOUNT}; accounturi=${ACCOUNT}`)],
      'names several accounts',
    ],
    [
      'other methods',
      'a.test',
      [issue('letsencrypt.org; validationmethods=dns-01')],
      'does not allow http-01',
    ],
    [
      'a critical tag that nobody knows',
      'a.test',
      [{ critical: 128, future: 'x' }, issue('letsencrypt.org')],
      'a critical record that is none of issue and issuewild (future)',
    ],
    ['a wildcard by its own record', '*.a.test', [issue('letsencrypt.org'), wild(';')], 'they allow ";"'],
  ])('%s', (_what, name, records, words) => {
    expect(caaFault(name, records, who)).toContain(words);
  });
});
