import { describe, expect, it } from 'vitest';
import { ownersOf } from '../../../src/certificates/certificates.ts';
import { indexOf } from '../../../src/certificates/in-directory.ts';
import { clearsIn } from '../../../src/certificates/observe-directory.ts';
import type { CertificatePlace } from '../../../src/certificates/world.ts';
import { facts, NOW, observedCertificate, stored } from '../../support/observations.ts';

const [OLD, NEW, THEIRS] = ['1', '2', '3'].map((digit) => digit.repeat(64)) as [string, string, string];
const file = (name: string, fingerprint: string, names: string[], changes = {}) => ({
  file: name,
  content: { kind: 'certificate' as const, ours: true, facts: facts({ names, fingerprint, ...changes }) },
});
const old = file('old.pem', OLD, ['a.test']);

describe('clearsIn()', () => {
  it.each([
    ['one that is over', 'ended', [old], ['old.pem']],
    [
      'one whose names others cover, once theirs is there',
      'replaced',
      [old, file('new.pem', NEW, ['a.test'])],
      ['old.pem'],
    ],
    ['not one whose names others cover, before', 'replaced', [old], []],
    [
      'not one whose names another covers in part',
      'replaced',
      [file('old.pem', OLD, ['a.test', 'b.test']), file('new.pem', NEW, ['a.test'])],
      [],
    ],
    ["not somebody else's", 'ended', [file('x.pem', THEIRS, ['a.test'])], []],
    [
      'not a placeholder',
      'ended',
      [file('old.pem', OLD, ['a.test'], { issuer: 'O=Certathon placeholder', selfSigned: true })],
      [],
    ],
    ['nothing of one that has its place', 'wanted', [file('older.pem', NEW, ['a.test'])], []],
    [
      'nothing that can not be read',
      'ended',
      [{ file: 'y.pem', content: { kind: 'unreadable' as const, problem: 'odd' } }],
      [],
    ],
  ] as const)('takes out %s', (_what, life, files, expected) => {
    const certificates = [
      observedCertificate({ id: 'old', life, stored: stored({ fingerprint: OLD }) }),
      observedCertificate({ id: 'new', stored: stored({ fingerprint: NEW }) }),
    ];
    const entries = certificates.map(({ id, stored: held }) => ({
      ...{ id, record: undefined, order: undefined, hold: undefined },
      ...{ stored: held, issued: [held?.fingerprint ?? ''] },
    }));
    const known = { now: NOW, certificates, owners: ownersOf(entries), names: ['a.test'] };
    const places = new Map([['new', {} as CertificatePlace]]);

    expect(clearsIn([...files], places, indexOf([...files]), known)).toEqual(expected);
  });
});
