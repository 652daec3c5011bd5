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

const ISSUED_BY = { directoryUrl: 'https://ca.example/dir', accountUrl: 'https://ca.example/account/1' };
const RENEWAL = {
  ...{ fingerprint: 'f'.repeat(64), directoryUrl: 'https://ca.example/dir', failures: 0 },
  window: { start: new Date('2026-02-28T00:00:00Z'), end: new Date('2026-03-02T00:00:00Z') },
  since: new Date('2026-01-01T01:00:00Z'),
  ...{ seenAt: new Date('2026-02-01T00:00:00Z'), askAt: new Date('2026-02-01T06:00:00Z') },
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
    ['one of which the issuer is known', { stored: { ...STORED, issuedBy: ISSUED_BY } }],
    ['one of which the CA told when to renew it', { renewal: RENEWAL }],
    [
      'one of which the CA told that and more',
      {
        stored: { ...STORED, issuedBy: ISSUED_BY },
        renewal: {
          ...RENEWAL,
          restUntil: new Date('2026-02-03T00:00:00Z'),
          explanationUrl: 'https://ca.example/why',
        },
      },
    ],
    [
      'one of which the CA told nothing yet',
      { renewal: { ...RENEWAL, window: undefined, seenAt: undefined, failures: 3 } },
    ],
    [
      'one that is held at several CAs',
      {
        hold: { ...HOLD, directoryUrl: 'https://ca.example/dir', troubles: 3 },
        otherHolds: [{ ...HOLD, directoryUrl: 'https://other.example/dir' }],
      },
    ],
    [
      'one whose CA is known',
      {
        stored: {
          ...STORED,
          issuedBy: { directoryUrl: 'https://ca.example/dir', accountUrl: 'https://ca.example/1' },
        },
      },
    ],
    [
      'one of a test CA',
      {
        stored: {
          ...STORED,
          issuedBy: {
            directoryUrl: 'https://ca.example/dir',
            accountUrl: 'https://ca.example/1',
            isTest: true,
          },
        },
      },
    ],
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
    [
      'a window that is none',
      lineOf({ mark: 1, entry: { ...PLAIN, renewal: RENEWAL } }).replace('1772236800000', 'null'),
    ],
    [
      'an issuer that is none',
      lineOf({ mark: 1, entry: { ...PLAIN, stored: { ...STORED, issuedBy: ISSUED_BY } } }).replace(
        '"https://ca.example/account/1"',
        '7',
      ),
    ],
    ['a record of another form', lineOf({ mark: 1, entry: PLAIN }).replace('"key"', '"owner"')],
  ])('is refused with %s', (_what, line) => {
    expect(() => entryIn(line)).toThrow();
  });
});
