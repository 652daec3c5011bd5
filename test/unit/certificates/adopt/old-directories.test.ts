import { describe, expect, it } from 'vitest';
import {
  accountUrlToday,
  isSameDirectory,
  oldDirectory,
} from '../../../../src/certificates/adopt/old-directories.ts';
import { type KindRules, parseKind } from '../../../../src/config/kinds.ts';
import { CA_OPTIONS } from '../../../../src/config/options-cas.ts';

const V2 = 'https://acme-v02.api.letsencrypt.org/directory';

describe('oldDirectory()', () => {
  it.each([
    ['acme-v01.api.letsencrypt.org/directory', V2, true],
    ['acme-v02.api.letsencrypt.org/directory', V2, false],
    ['acme-v02.api.letsencrypt.org', V2, false],
    [
      'acme-staging.api.letsencrypt.org/directory',
      'https://acme-staging-v02.api.letsencrypt.org/directory',
      true,
    ],
    ['acme-staging-v02.api.letsencrypt.org', 'https://acme-staging-v02.api.letsencrypt.org/directory', false],
    ['acme.zerossl.com/v2/DV90', 'https://acme.zerossl.com/v2/DV90', false],
    ['ca.example:14000/dir', 'https://ca.example:14000/dir', false],
    ['ca.example:14000', undefined, false],
  ])('takes %s for %s', (place, directoryUrl, isOld) => {
    expect(oldDirectory(place)).toMatchObject({ host: place.replace(/\/.*/, ''), directoryUrl, isOld });
  });

  it.each(['', 'user:password@ca.example/dir', 'ca.example/dir?x=1', 'ca example/dir', 'ca.example:x/dir'])(
    'takes %j for none',
    (place) => {
      expect(oldDirectory(place)).toBeUndefined();
    },
  );
});

it.each(['acme-v01.api.letsencrypt.org', 'acme-staging.api.letsencrypt.org'])(
  'accounts of %s go to the CA that the option sends its address to',
  (host) => {
    const option = CA_OPTIONS.find(({ kind }) => kind === 'url') as KindRules;

    expect(parseKind('url', `https://${host}/directory`, option)).toMatchObject({
      value: oldDirectory(host)?.directoryUrl,
    });
  },
);

describe('accountUrlToday()', () => {
  const host = 'acme-v02.api.letsencrypt.org';
  it.each([
    [`https://${host}/acme/acct/1`, host, true],
    ['https://acme-v01.api.letsencrypt.org/acme/reg/1', host, false],
    ['https://acme-v01.api.letsencrypt.org/acme/reg/1', 'acme-v01.api.letsencrypt.org', false],
    [`https://${host}/acme/reg/1`, host, false],
    [`http://${host}/acme/acct/1`, host, false],
    ['https://evil.example/acme/acct/1', host, false],
    [`https://user:password@${host}/acme/acct/1`, host, false],
    ['no address', host, false],
    [undefined, host, false],
  ])('says of %s at %s whether it can be used: %s', (url, at, isUsed) => {
    expect(accountUrlToday(url, at)).toBe(isUsed ? url : undefined);
  });
});

describe('isSameDirectory()', () => {
  it.each([
    [V2, `${V2}/`, true],
    ['http://127.0.0.1:14000/dir', 'https://127.0.0.1:14000/dir', true],
    [V2, 'https://acme-v02.api.letsencrypt.org/other', false],
    [V2, 'https://acme-staging-v02.api.letsencrypt.org/directory', false],
  ])('compares %s and %s: %s', (one, other, isSame) => {
    expect(isSameDirectory(one, other)).toBe(isSame);
  });
});
