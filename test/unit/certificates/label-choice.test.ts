import { describe, expect, it } from 'vitest';
import { portOptions } from '../../../src/certificates/label-choice.ts';

const zerossl = { name: 'zerossl', directoryUrl: 'https://acme.zerossl.example/directory' };
const allowed = {
  keyTypes: ['ec-p384', 'rsa-2048'],
  profiles: ['tlsserver', 'shortlived'],
  cas: [zerossl, { name: 'default', directoryUrl: 'https://acme.example/directory' }],
  defaults: { keyType: 'ec-p256', profile: 'tlsserver', directoryUrl: 'https://acme.example/directory' },
};
const options = (labels: Record<string, string>, index = 0) =>
  portOptions({ id: '/shop', labels, portCount: 1 }, index, allowed);

describe('portOptions()', () => {
  it.each<[string, Record<string, string>, object]>([
    ['nothing', {}, {}],
    ['a key type', { CERTATHON_0_KEY_TYPE: 'rsa-2048' }, { keyType: 'rsa-2048' }],
    ['a key type, spelt otherwise', { CERTATHON_0_KEY_TYPE: ' EC-P384 ' }, { keyType: 'ec-p384' }],
    ['a profile', { CERTATHON_0_PROFILE: 'shortlived' }, { profile: 'shortlived' }],
    ['a CA by its name', { CERTATHON_0_CA: 'ZeroSSL' }, { directoryUrl: zerossl.directoryUrl }],
    ['a certificate of its own', { CERTATHON_0_CERTIFICATE: 'own' }, { own: true }],
    ['what holds anyhow', { CERTATHON_0_KEY_TYPE: 'ec-p256', CERTATHON_0_PROFILE: 'tlsserver' }, {}],
    ['the CA that holds anyhow', { CERTATHON_0_CA: 'default' }, {}],
    ['something for all ports', { CERTATHON_PROFILE: 'shortlived' }, { profile: 'shortlived' }],
    ['something for another port', { CERTATHON_1_PROFILE: 'shortlived' }, {}],
    [
      'something for all ports and for this one',
      { CERTATHON_KEY_TYPE: 'rsa-2048', CERTATHON_0_KEY_TYPE: 'ec-p384' },
      { keyType: 'ec-p384' },
    ],
    [
      'for this port what holds anyhow',
      { CERTATHON_CERTIFICATE: 'own', CERTATHON_0_CERTIFICATE: 'shared' },
      {},
    ],
    ['a blank', { CERTATHON_KEY_TYPE: 'rsa-2048', CERTATHON_0_KEY_TYPE: ' ' }, { keyType: 'rsa-2048' }],
  ])('chooses %s', (_what, labels, choice) => {
    expect(options(labels)).toEqual({ isEnabled: true, choice, refused: [] });
  });

  it.each([
    ['off', false],
    ['FALSE', false],
    ['0', false],
    ['no', false],
    ['on', true],
    ['true', true],
    ['', true],
  ])('reads %j as a switch', (text, isEnabled) => {
    expect(options({ CERTATHON_0_ENABLED: text }).isEnabled).toBe(isEnabled);
  });

  it.each([
    ['KEY_TYPE', 'rsa-1024', 'ec-p256, ec-p384, rsa-2048'],
    ['PROFILE', 'classic', 'tlsserver, shortlived'],
    ['CA', 'https://ca.evil.example/', 'zerossl, default'],
    ['CERTIFICATE', 'mine', 'own, shared'],
    ['ENABLED', 'maybe', 'true, yes, on, 1, false, no, off, 0'],
  ])(
    'reports a %s that is not allowed, and goes on with what the operator configured',
    (option, value, choices) => {
      const labels = { [`CERTATHON_${option}`]: 'constructor', [`CERTATHON_0_${option}`]: value };

      expect(options(labels)).toEqual({
        isEnabled: true,
        choice: {},
        refused: [
          {
            name: value,
            source: `label CERTATHON_0_${option} of /shop`,
            reason: `choices that the operator allows: ${choices}`,
            option: true,
          },
        ],
      });
    },
  );

  it('shows what is not allowed cut and without what a terminal would obey', () => {
    const { refused } = options({ CERTATHON_0_CA: `\u001b[31m${'x'.repeat(2_000)}` });

    expect(refused[0]?.name).toMatch(/^\\u\{1b\}\[31mx+…$/);
    expect(refused[0]?.name.length).toBeLessThan(120);
  });
});
