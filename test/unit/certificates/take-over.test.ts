import { describe, expect, it } from 'vitest';
import { takenOver } from '../../../src/certificates/take-over.ts';
import { facts, observedCertificate } from '../../support/observations.ts';

const FIRST = 'HAPROXY_SSL_CERT';
const [A, B, OTHER] = ['a.test', 'b.test', 'other.test'];
const ours = (id: string, ...names: string[]) => observedCertificate({ id, names });

describe('takenOver()', () => {
  it.each([
    ['ours cover all its names', [A], [ours('one', A, B)], false, 'one', []],
    ['ours together cover all its names', [A, B], [ours('one', A), ours('two', B)], false, 'one', []],
    [
      'the one with most names in common',
      [A, B, 'c.test'],
      [ours('one', A), ours('two', B, 'c.test')],
      false,
      'two',
      [],
    ],
    ['it covers all names of the only one', [A, OTHER], [ours('one', A)], false, 'one', []],
    [
      'it covers all names of one, and some of another',
      [A, B, OTHER],
      [ours('one', A), ours('two', B)],
      false,
      undefined,
      ['one', 'two'],
    ],
    ['it covers some, and more', [A, OTHER], [ours('one', A, B)], false, undefined, ['one']],
    ['it covers some, and more, and may be replaced', [A, OTHER], [ours('one', A, B)], true, 'one', []],
    ['it has none of ours', [OTHER], [ours('one', A)], false, undefined, []],
    [
      'it has none of ours, but may be replaced at the first place',
      [OTHER],
      [ours('one', A)],
      true,
      'one',
      [],
    ],
    ['it has no names at all', [], [ours('one', A)], false, undefined, []],
    ['it covers ours by a wildcard', ['*.shop.test'], [ours('one', 'www.shop.test')], false, 'one', []],
  ] as const)('when %s', (_when, names, certificates, replaceForeign, taker, rivals) => {
    const found = [{ at: FIRST, facts: facts({ names: [...names] }) }];

    const takes = takenOver(found, certificates, { replaceForeign, first: FIRST });

    expect([takes.by.get(FIRST), [...takes.rivals.keys()]]).toEqual([taker, rivals]);
  });

  it('leaves what has none of ours at any other place, also where replacing is allowed', () => {
    const found = [{ at: `${FIRST}0`, facts: facts({ names: [OTHER] }) }];

    expect(takenOver(found, [ours('one', A)], { replaceForeign: true, first: FIRST }).by).toEqual(new Map());
  });

  it('gives a place to the one whose names it would be shown for', () => {
    const found = [{ at: `${FIRST}0`, facts: facts({ names: [A, B] }) }];
    const isBefore = (id: string) => id === 'one';

    const { by } = takenOver(found, [ours('one', A), ours('two', B)], {
      replaceForeign: false,
      first: FIRST,
      isBefore,
    });

    expect(by.get(`${FIRST}0`)).toBe('two');
  });
});
