import { describe, expect, it } from 'vitest';
import { type DirectoryFile, inDirectory, indexOf } from '../../../src/certificates/in-directory.ts';
import { isBundleFile } from '../../../src/delivery/directory-layout.ts';
import { daysFrom, facts, OURS, THEIRS } from '../../support/observations.ts';

const WANTED = ['a.example', 'b.example'];
const file = (name: string, names: string[], changes: object = {}, ours = false): DirectoryFile => ({
  file: name,
  content: { kind: 'certificate', facts: facts({ names, fingerprint: THEIRS, ...changes }), ours },
});
const ours = (name: string, names = WANTED, changes: object = {}) =>
  file(name, names, { fingerprint: OURS, ...changes }, true);

describe('inDirectory()', () => {
  it.each<[string, DirectoryFile[], string | undefined, string, string[], string[]]>([
    ['nothing is there', [], undefined, 'a.example.pem', [], []],
    ['ours is there', [ours('a.example.pem')], OURS, 'a.example.pem', [], []],
    ['ours stands under another name', [ours('b.example.pem')], OURS, 'b.example.pem', ['b.example.pem'], []],
    [
      'files of a predecessor, one for each name',
      [file('a.example.pem', ['a.example']), file('b.example.pem', ['b.example'])],
      undefined,
      'a.example.pem',
      ['b.example.pem'],
      [],
    ],
    [
      'only a file for the second name',
      [file('b.example.pem', ['b.example'])],
      undefined,
      'b.example.pem',
      ['b.example.pem'],
      [],
    ],
    [
      'one of somebody else has one of our names and another',
      [ours('a.example.pem'), file('x.pem', ['b.example', 'x.example'])],
      OURS,
      'a.example.pem',
      [],
      ['x.pem'],
    ],
    [
      'one of somebody else has none of our names',
      [file('x.pem', ['x.example'])],
      undefined,
      'a.example.pem',
      [],
      [],
    ],
    [
      'an older one of ours covers more',
      [ours('a.example.pem'), ours('z.pem', [...WANTED, 'c.example'], { fingerprint: THEIRS })],
      OURS,
      'a.example.pem',
      ['z.pem'],
      [],
    ],
    [
      'our place holds what is no bundle',
      [
        { file: 'a.example.pem', content: { kind: 'unreadable', problem: 'odd' } },
        file('b.example.pem', ['b.example']),
      ],
      undefined,
      'a.example.pem',
      ['b.example.pem'],
      [],
    ],
    [
      'two of somebody else serve our names: the newer one counts',
      [file('x.pem', WANTED), file('y.pem', WANTED, { notBefore: daysFrom(-1) })],
      undefined,
      'y.pem',
      ['y.pem', 'x.pem'],
      [],
    ],
  ])('when %s', (_when, files, keeps, holder, superfluous, rivals) => {
    expect(inDirectory(indexOf(files), WANTED, keeps)).toEqual({
      file: 'a.example.pem',
      holder,
      superfluous,
      rivals,
    });
  });

  it('gives a name that is longer than a file name may be a shorter one of its own', () => {
    const long = (first: string) =>
      [first, ...Array(4).fill('x'.repeat(60)), 'example'].join('.').slice(0, 253);

    const files = ['a', 'b'].map((first) => inDirectory(indexOf([]), [long(first)], undefined).file);

    expect(new Set(files).size).toBe(2);
    for (const name of files) expect(isBundleFile(name)).toBe(true);
  });
});
