import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DEFAULT_SLOT, SLOTS } from '../../../src/delivery/slot-model.ts';
import { prepareCertificates } from '../../../src/lab/balancer/certificates.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const directory = temporaryDirectory();
let starts = 0;

/** The variables that a start of marathon-lb makes certificate files of, in the order of the bind line. */
function read(variables: readonly string[]): string[] {
  starts += 1;
  const own = join(directory.path, String(starts));
  // A listed one stands first, and saves a start without variables from making its own.
  const env = Object.fromEntries(variables.map((variable) => [variable, variable]));
  const [listed, ...entries] = prepareCertificates(env, own, 'listed.pem', undefined);
  expect(listed).toBe('listed.pem');
  expect(readdirSync(own).sort()).toEqual(entries.map((path) => basename(path)).sort());
  return entries.map((path) => readFileSync(path, 'utf8').trim());
}

test('the slots are the variables that marathon-lb reads, in the order of its bind line', () => {
  const others = ['HAPROXY_SSL_CERT101', 'HAPROXY_SSL_CERT00', 'HAPROXY_SSL_CERT_1', 'HAPROXY_SSL_CERTS'];

  expect(read([...others, ...SLOTS].reverse())).toEqual(SLOTS);
});

test('without the default one none is read, with it any others', () => {
  fc.assert(
    fc.property(fc.subarray([...SLOTS]), (variables) => {
      expect(read(variables)).toEqual(variables.includes(DEFAULT_SLOT) ? variables : []);
    }),
    { numRuns: 10, examples: [[[...SLOTS.slice(1)]], [[DEFAULT_SLOT]], [[]]] },
  );
});
