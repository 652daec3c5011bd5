import { rootCertificates } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { endsBelow, topmostIssuer } from '../../../src/certificates/preferred-chain.ts';
import { makeIssuer, makeLeaf } from '../../support/bundles.ts';

const middle = { commonName: 'Middle', key: 'middle' };
const root = { commonName: 'Root X1', key: 'ca' };
const chain = `${makeLeaf(middle).leaf}${makeIssuer(middle, root)}`;

describe('endsBelow()', () => {
  it.each([
    ['its issuer', chain, 'Root X1', true],
    ['its issuer in other letters', chain, 'root x1', true],
    ['a part of its issuer', chain, 'Root', false],
    ['the issuer of the leaf', chain, 'Middle', false],
    ['what the name is made of', chain, 'CN=Root X1', false],
    ['the issuer of a leaf alone', makeLeaf(middle).leaf, 'Middle', true],
    ['no certificate', 'garbage', 'Root X1', false],
    ['nothing', '', '', false],
  ])('says whether a chain ends below %s', (_what, pem, preferred, ends) => {
    expect(endsBelow(pem, preferred)).toBe(ends);
  });

  it.each([
    ['Internet Security Research Group', true],
    ['ISRG Root X1', true],
    ['US', false],
  ])('goes by common name and organization of a real root: %s', (preferred, ends) => {
    const real = rootCertificates.find((pem) => topmostIssuer(pem)?.includes('ISRG Root X1')) ?? '';

    expect(endsBelow(real, preferred)).toBe(ends);
  });
});
