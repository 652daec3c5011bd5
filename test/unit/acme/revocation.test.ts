import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  REVOCATION_REASONS,
  type RevocationReason,
  revocationPayload,
} from '../../../src/acme/revocation.ts';
import { makeBundle } from '../../support/bundles.ts';

const made = makeBundle();
const der = new X509Certificate(made.leaf).raw;

describe('revocationPayload()', () => {
  it.each([
    ['DER', der],
    ['PEM', made.leaf],
    ['a bundle', made.pem],
  ])('takes the certificate as %s', (_form, certificate) => {
    expect(revocationPayload({ certificate, by: 'account' })).toEqual({
      certificate: der.toString('base64url'),
      reason: 0,
    });
  });

  it('knows the reasons that a holder may give by the codes of RFC 5280', () => {
    const codes = Object.keys(REVOCATION_REASONS).map((reason) => {
      const payload = revocationPayload({
        certificate: der,
        reason: reason as RevocationReason,
        by: 'account',
      });
      return [reason, payload.reason];
    });

    expect(Object.fromEntries(codes)).toEqual({
      unspecified: 0,
      keyCompromise: 1,
      affiliationChanged: 3,
      superseded: 4,
      cessationOfOperation: 5,
    });
  });

  it.each([
    ['a reason for CAs', { certificate: der, reason: 'cACompromise' }, 'CONFIG_INVALID'],
    ['a word of every object', { certificate: der, reason: 'toString' }, 'CONFIG_INVALID'],
    ['a key', { certificate: made.key }, 'CERTIFICATE_UNUSABLE'],
    ['nothing', { certificate: '' }, 'CERTIFICATE_UNUSABLE'],
  ])('refuses %s without quoting it', (_what, wrong, code) => {
    const request = { ...wrong, by: 'account' } as Parameters<typeof revocationPayload>[0];

    expect(() => revocationPayload(request)).toThrow(
      expect.objectContaining({ code, message: expect.not.stringContaining('PRIVATE') }),
    );
  });
});
