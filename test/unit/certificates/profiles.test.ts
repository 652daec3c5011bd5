import { expect, it } from 'vitest';
import { mostNamesOf, profileToSend } from '../../../src/certificates/profiles.ts';

it.each([
  ['none is wanted', undefined, ['classic'], {}],
  ['it is offered', 'tlsserver', ['classic', 'tlsserver'], { send: 'tlsserver' }],
  ['it is not offered', 'tlsserver', ['classic'], { missing: 'tlsserver' }],
  ['the CA has no profiles', 'tlsserver', [], { missing: 'tlsserver' }],
])('profileToSend() sends only what is offered: %s', (_what, wanted, offered, expected) => {
  expect(profileToSend(wanted, offered)).toEqual(expected);
});

it.each([
  [undefined, undefined, 100],
  ['classic', ['classic'], 100],
  ['tlsserver', undefined, 25],
  ['tlsserver', ['classic', 'tlsserver'], 25],
  ['tlsserver', ['classic'], 100],
  ['minimal', ['minimal'], 100],
  ['constructor', undefined, 100],
])('mostNamesOf(%j) where %j are offered is %i', (profile, offered, most) => {
  expect(mostNamesOf(profile, offered)).toBe(most);
});
