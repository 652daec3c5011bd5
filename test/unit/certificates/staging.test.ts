import { describe, expect, it } from 'vitest';
import { currentVerdict } from '../../../src/certificates/found.ts';
import { isTestCertificate, realInPlace } from '../../../src/certificates/staging.ts';
import { NOW, observation, policy, stored } from '../../support/observations.ts';

const [CA, TEST] = ['https://ca.example/dir', 'https://test.example/dir'];
const by = (directoryUrl: string, isTest?: true) => ({
  directoryUrl,
  accountUrl: `${directoryUrl}/acct/1`,
  ...(isTest === undefined ? {} : { isTest }),
});
const later = new Date(NOW.getTime() + 86_400_000);

it.each([
  ['its issuer says so', { issuer: 'CN=(STAGING) Tenuous Tomato R13' }, true],
  ['it was written down', { issuer: 'CN=Company CA', issuedBy: by(TEST, true) }, true],
  ['neither', { issuer: 'CN=Company CA', issuedBy: by(CA) }, false],
])('isTestCertificate(): %s', (_what, certificate, expected) => {
  expect(isTestCertificate(certificate)).toBe(expected);
});

it('realInPlace() lets a test certificate take the place of one of a test CA, whatever its issuer is called', () => {
  const held = { issuer: 'CN=Company CA', notAfter: later, selfSigned: false };

  expect(realInPlace({ ...held, issuedBy: by(TEST, true) }, NOW)).toBeUndefined();
  expect(realInPlace({ ...held, issuedBy: by(CA) }, NOW)).toContain('a certificate that is none');
});

describe('currentVerdict() of a certificate of a test CA', () => {
  const verdict = (directoryUrl: string) =>
    currentVerdict(
      { ...observation(), stored: stored({ issuedBy: by(TEST, true) }), directoryUrl },
      policy(),
    );

  it('is due as soon as another CA is asked', () => {
    expect(verdict(CA)).toEqual({ due: true, reason: 'test-certificate' });
  });

  it('is not while the test CA itself is', () => {
    expect(verdict(TEST)).toMatchObject({ due: false });
  });
});
