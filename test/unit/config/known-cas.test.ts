import { describe, expect, it } from 'vitest';
import { parseUrl } from '../../../src/config/ca-url.ts';
import { caName, isTestDirectory, KNOWN_CAS, stagingOf } from '../../../src/config/known-cas.ts';

const OWN = 'https://ca.example/dir';
const TEST = 'https://test.ca.example/dir';

describe('stagingOf()', () => {
  it.each([
    ['the CA has a public test CA', KNOWN_CAS.letsencrypt, {}, KNOWN_CAS['letsencrypt-staging']],
    ['so has Google', KNOWN_CAS.google, {}, KNOWN_CAS['google-staging']],
    ['ZeroSSL has none', KNOWN_CAS.zerossl, {}, undefined],
    ['a test CA has none itself', KNOWN_CAS['letsencrypt-staging'], {}, undefined],
    ['an option names one for any other', OWN, { [OWN]: TEST }, TEST],
    ['an option weighs more than the table', KNOWN_CAS.letsencrypt, { [KNOWN_CAS.letsencrypt]: TEST }, TEST],
    ['that of another CA is none of it', OWN, { [TEST]: OWN }, undefined],
    ['no address is a member of every object', 'constructor', {}, undefined],
  ])('%s', (_what, url, given, expected) => {
    expect(stagingOf(url, given)).toBe(expected);
  });
});

it.each([
  [KNOWN_CAS['letsencrypt-staging'], {}, true],
  [KNOWN_CAS['google-staging'], {}, true],
  [KNOWN_CAS.letsencrypt, {}, false],
  [TEST, { [OWN]: TEST }, true],
  [OWN, { [OWN]: TEST }, false],
])('isTestDirectory(%j, %j) is %j', (url, given, expected) => {
  expect(isTestDirectory(url, given)).toBe(expected);
});

it.each(Object.entries(KNOWN_CAS))('an option takes %s for its address, and back', (name, url) => {
  expect(parseUrl(name, { named: KNOWN_CAS })).toEqual({ value: url });
  expect(caName(url)).toBe(name);
});
