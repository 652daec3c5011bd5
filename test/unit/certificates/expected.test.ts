import { describe, expect, it } from 'vitest';
import { expectationsOf } from '../../../src/certificates/expected.ts';
import { observedCertificate, stored } from '../../support/observations.ts';

const of = (fingerprint: string, ...names: string[]) => stored({ fingerprint, names });
const all = (life: 'wanted' | 'replaced', ...each: ReturnType<typeof of>[]) =>
  each.map((one) => observedCertificate({ id: one.fingerprint, names: one.names, stored: one, life }));

describe('expectationsOf()', () => {
  it.each([
    [
      'every name that the target serves',
      [of('1', 'a.test', 'b.test')],
      ['a.test'],
      [],
      [{ names: ['a.test'], fingerprint: '1' }],
    ],
    [
      'all names, where it serves none of them',
      [of('1', 'a.test')],
      [],
      [],
      [{ names: ['a.test'], fingerprint: '1' }],
    ],
    [
      'no name that another current one covers as well',
      [of('1', 'a.test', 'b.test')],
      ['a.test', 'b.test'],
      all('wanted', of('2', 'b.test')),
      [{ names: ['a.test'], fingerprint: '1' }],
    ],
    [
      'a name of one that is replaced all the same',
      [of('1', 'a.test')],
      ['a.test'],
      all('replaced', of('2', 'a.test')),
      [{ names: ['a.test'], fingerprint: '1' }],
    ],
    [
      'nothing, where two that are delivered have the same names',
      [of('1', 'a.test'), of('2', 'a.test')],
      ['a.test'],
      [],
      [],
    ],
    [
      'what is delivered is not counted twice',
      [of('1', 'a.test')],
      ['a.test'],
      all('wanted', of('1', 'a.test')),
      [{ names: ['a.test'], fingerprint: '1' }],
    ],
    [
      'one name below a wildcard',
      [of('1', '*.shop.test')],
      [],
      [],
      [{ names: [expect.stringMatching(/^[a-z0-9-]+\.shop\.test$/)], fingerprint: '1' }],
    ],
  ])('%s', (_what, delivered, served, certificates, expected) => {
    expect(expectationsOf(delivered, new Set(served), certificates)).toEqual(expected);
  });

  it('asks for one name of each when there are more than 200', () => {
    const names = (id: number) => Array.from({ length: 90 }, (_, index) => `n${index}.app${id}.test`);
    const delivered = [1, 2, 3].map((id) => of(String(id), ...names(id)));

    const asked = expectationsOf(delivered, new Set(delivered.flatMap((each) => each.names)), []);

    expect(asked.map((each) => each.names)).toEqual([['n0.app1.test'], ['n0.app2.test'], ['n0.app3.test']]);
  });
});
