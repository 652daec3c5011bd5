import { describe, expect, it } from 'vitest';
import type { StoredEntry } from '../../../src/certificates/store-catalogue.ts';
import type { RenewalInfo } from '../../../src/certificates/store-schema.ts';
import {
  aboutCertificate,
  leftWords,
  listed,
  listText,
  showText,
} from '../../../src/cli/certificates-text.ts';
import { daysFrom, facts, hold, NOW, OURS, stored, THEIRS } from '../../support/observations.ts';
import { told } from '../../support/renewals.ts';

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

describe('showText() of what the CA says', () => {
  const shown = (renewal: RenewalInfo | undefined, asksRenewal = true) => {
    const held = entry('shop.example.com', {
      stored: stored(),
      ...(renewal === undefined ? {} : { renewal }),
    });
    const about = aboutCertificate(held, [], [], {
      ...times,
      renewAt: 'auto',
      asksRenewal,
      limit: { fits: true },
    });
    return { about, text: showText(about, NOW) };
  };
  const window = { start: daysFrom(30), end: new Date(daysFrom(30).getTime() + 1) };

  it('tells the window, the page that explains it, and the moment', () => {
    const { about, text } = shown(told({ window, explanationUrl: 'https://ca.example/why' }));

    expect(about.dueAt).toEqual(daysFrom(30));
    expect(text).toMatch(
      /^CA says +between 2026-02-10T00:00:00.000Z and 2026-02-10T00:00:00.001Z, see https:\/\/ca.example\/why; asked again from 2026-01-11T05/m,
    );
  });

  it.each<[string, RenewalInfo | undefined, boolean, RegExp | undefined]>([
    [
      'nothing yet',
      told({ window: undefined, seenAt: undefined }),
      true,
      /^CA says +nothing about that yet;/m,
    ],
    ['what does not count', told({ window }), false, undefined],
    ['nothing at all', undefined, true, undefined],
  ])('tells the share of the lifetime where the CA says %s', (_what, renewal, asks, words) => {
    const { about, text } = shown(renewal, asks);

    expect(about.dueAt?.getTime()).toBeGreaterThan(daysFrom(48).getTime());
    if (words === undefined) expect(text).not.toContain('CA says');
    else expect(text).toMatch(words);
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
