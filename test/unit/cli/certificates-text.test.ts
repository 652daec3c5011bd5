import { describe, expect, it } from 'vitest';
import type { StoredEntry } from '../../../src/certificates/store-catalogue.ts';
import {
  aboutCertificate,
  leftWords,
  listed,
  listText,
  showText,
} from '../../../src/cli/certificates-text.ts';
import { daysFrom, facts, hold, NOW, OURS, stored, THEIRS } from '../../support/observations.ts';

const entry = (id: string, changes: Partial<StoredEntry> = {}): StoredEntry => ({
  id,
  record: { key: 'own', choice: {} },
  stored: stored({ names: [id] }),
  issued: [],
  order: undefined,
  hold: undefined,
  ...changes,
});
const times = { now: NOW, graceMs: 7 * 86_400_000 };
const none = { fingerprints: new Set<string>() };

describe('listed()', () => {
  it('puts those first that end first, and tells what the store alone knows of each', () => {
    const gone = (days: number) => ({ record: { key: '/shop', choice: {}, goneSince: daysFrom(-days) } });
    const entries = [
      entry('used.example.com'),
      entry('grace.example.com', { ...gone(1), stored: stored({ notAfter: daysFrom(5) }) }),
      entry('ended.example.com', { ...gone(8), stored: stored({ notAfter: daysFrom(-1) }) }),
      entry('wished.example.com', { stored: undefined, hold: hold() }),
      entry('leaked.example.com', { stored: stored({ fingerprint: THEIRS, notAfter: daysFrom(6) }) }),
      entry('left.example.com', {
        stored: stored({ notAfter: daysFrom(7) }),
        record: { key: 'own', choice: {}, goneSince: NOW, forgottenAt: NOW },
      }),
    ];

    const rows = listed(entries, { fingerprints: new Set([THEIRS]) }, times);

    expect(rows.map(({ id, life, heldUntil }) => [id.split('.')[0], life, heldUntil])).toEqual([
      ['wished', 'not issued', hold().until],
      ['ended', 'ended', undefined],
      ['grace', 'grace', undefined],
      ['leaked', 'revoked', undefined],
      ['left', 'forgotten', undefined],
      ['used', 'in use', undefined],
    ]);
  });
});

describe('listText()', () => {
  it('shortens names and issuers', () => {
    const names = ['a', 'b', 'c', 'd', 'e'].map((each) => `${each}.example.com`);

    const text = listText(listed([entry('a.example.com', { stored: stored({ names }) })], none, times), NOW);

    expect(text.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['CERTIFICATE', 'NAMES', 'ISSUER', 'ENDS', 'LIFE'],
      [
        'a.example.com',
        'a.example.com, b.example.com, c.example.com +2',
        'Test CA',
        '2026-04-01 (80 d left)',
        'in use',
      ],
      [''],
    ]);
  });

  it('says that there is none', () => {
    expect(listText([], NOW)).toBe('no certificate is in the store\n');
  });
});

describe('showText()', () => {
  it('tells versions, which is in use, and why another one is not', () => {
    const version = { ...facts(), keyHash: '1'.repeat(64), writtenAt: daysFrom(-10) };
    const versions = [version, { ...version, fingerprint: THEIRS, writtenAt: daysFrom(-60) }];
    const record = {
      key: '/shop',
      choice: { keyType: 'rsa2048' },
      aside: [{ fingerprint: THEIRS, why: 'rolled-back' as const }],
    };
    const about = aboutCertificate(
      entry('shop.example.com', { record, stored: stored({ keptUntil: daysFrom(14) }), hold: hold() }),
      versions,
      [],
      {
        ...times,
        renewAt: 1 / 3,
        limit: { fits: false, key: 'orders', until: daysFrom(1), words: '300th of 300' },
      },
    );

    const text = showText(about, NOW);

    expect(about.versions.map(({ inUse, note }) => [inUse, note])).toEqual([
      [true, undefined],
      [false, 'rolled-back'],
    ]);
    expect(about.dueAt).toEqual(daysFrom(14));
    expect(text).toMatch(/^chosen +keyType rsa2048$/m);
    expect(text).toMatch(/^limit +an order would wait: 300th of 300$/m);
    expect(text).toMatch(
      /^held +until 2026-01-11T00:14:24.000Z \(ACME_CHALLENGE_FAILED: CA did not validate/m,
    );
    expect(text).toMatch(new RegExp(`^\\* +${OURS.slice(0, 16)}`, 'm'));
    expect(text).toMatch(new RegExp(`^ +${THEIRS.slice(0, 16)}.*rolled-back$`, 'm'));
  });
});

describe('leftWords()', () => {
  it.each([
    [daysFrom(80), '80 d left'],
    [daysFrom(1.5), '36 h left'],
    [daysFrom(0.01), '0 h left'],
    [NOW, 'expired'],
  ])('says of %j: %s', (end, words) => {
    expect(leftWords(end, NOW)).toBe(words);
  });
});
