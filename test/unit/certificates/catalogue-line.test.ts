import { describe, expect, it } from 'vitest';
import { entryIn, lineOf } from '../../../src/certificates/catalogue-line.ts';
import type { StoredEntry } from '../../../src/certificates/store-catalogue.ts';

const STORED: StoredEntry['stored'] = {
  names: ['a.example.com', 'b.example.com'],
  fingerprint: 'f'.repeat(64),
  issuer: 'CN=CA',
  notBefore: new Date('2026-01-01T00:00:00Z'),
  notAfter: new Date('2026-04-01T00:00:00Z'),
  selfSigned: false,
  origin: 'issued',
  storedAt: new Date('2026-01-01T01:00:00Z'),
  bytes: 4_000,
  chainBytes: 1_500,
};
const PLAIN: StoredEntry = {
  id: 'a.example.com',
  record: { key: '/shop', choice: {}, names: ['a.example.com', 'b.example.com'] },
  stored: STORED,
  issued: ['f'.repeat(64)],
  order: undefined,
  hold: undefined,
};
const HOLD = {
  ...{ since: new Date('2026-02-01T00:00:00Z'), until: new Date('2026-02-02T00:00:00Z') },
  ...{ code: 'ACME_REFUSED', reason: 'why', failures: 2, byCa: true },
};

describe('a line of the index', () => {
  it.each<[string, Partial<StoredEntry>]>([
    ['one that is wanted by the defaults', {}],
    ['one that is chosen otherwise', { record: { key: '/shop', choice: { keyType: 'rsa2048', own: true } } }],
    [
      'one that nobody wants',
      { record: { key: 'own', choice: {}, goneSince: new Date('2026-02-01T00:00:00Z') } },
    ],
    ['one without a record', { record: undefined }],
    ['one that was issued more than once', { issued: ['0'.repeat(64), 'f'.repeat(64)] }],
    [
      'one with little known',
      { stored: { ...STORED, storedAt: undefined, bytes: undefined, chainBytes: undefined } },
    ],
    [
      'one that is ordered',
      {
        stored: undefined,
        issued: [],
        order: { names: ['a.example.com'], url: undefined, directoryUrl: 'https://ca.example/dir' },
      },
    ],
    ['one that is held', { hold: HOLD }],
  ])('tells of %s what was written', (_what, change) => {
    const marked = { mark: 1_234.5, entry: { ...PLAIN, ...change } };

    expect(entryIn(lineOf(marked))).toEqual(marked);
  });

  it.each([
    ['no JSON', '{'],
    ['no list', '{}'],
    ['too little', '["a"]'],
    ['a time that is none', lineOf({ mark: 1, entry: PLAIN }).replace('1767225600000', '"today"')],
    ['another origin', lineOf({ mark: 1, entry: PLAIN }).replace('"issued"', '"bought"')],
    ['a record of another form', lineOf({ mark: 1, entry: PLAIN }).replace('"key"', '"owner"')],
  ])('is refused with %s', (_what, line) => {
    expect(() => entryIn(line)).toThrow();
  });
});
