import { describe, expect, it } from 'vitest';
import { certificateId } from '../../../src/certificates/certificate-id.ts';
import type { CertificateChoice, Want } from '../../../src/certificates/model.ts';
import { type PackSources, packingCounts, packNames } from '../../../src/certificates/pack.ts';
import type { PackedBefore, PackMode } from '../../../src/certificates/pack-groups.ts';
import { roomsToFill } from '../../../src/certificates/pack-place.ts';
import { carriedOut, domainOf } from '../../support/packing.ts';

/** `a` is a.example.com, `a.org` itself. */
const full = (name: string) => (name.includes('.') ? name : `${name}.example.com`);
/** 'a b' of the owners '/x /y'. */
const wants = (names: string, keys = '/x', choice: CertificateChoice = {}): Want[] =>
  names.split(' ').map((name) => ({ name: full(name), keys: keys.split(' '), choice }));
const there = (id: string, names: string, key = '/x', choice: CertificateChoice = {}): PackedBefore => ({
  id: full(id),
  key,
  names: names.split(' ').map(full),
  choice,
});
const sources = (changes: Partial<PackSources> = {}): PackSources => ({
  wants: [],
  existing: [],
  mode: 'app',
  mostNames: () => 3,
  domainOf,
  ...changes,
});
/** 'id key: names', with a plus before a new one. */
const packed = (changes: Partial<PackSources>) =>
  packNames(sources(changes)).map(
    ({ id, key, names, isNew }) =>
      `${isNew ? '+' : ''}${short(id)} ${short(key)}: ${names.map(short).join(' ')}`,
  );
const short = (text: string) => text.replace('.example.com', '');

describe('packNames() without certificates', () => {
  const names = [...wants('c a', '/x'), ...wants('b c.org', '/y'), ...wants('d', '/z', { own: true })];

  it.each<[PackMode, string[]]>([
    ['name', ['+a a: a', '+b b: b', '+c c: c', '+c.org c.org: c.org', '+d d: d']],
    ['app', ['+a /x: a c', '+b /y: b c.org', '+d d: d']],
    ['registered-domain', ['+a example.com: a b c', '+c.org c.org: c.org', '+d d: d']],
    ['all', ['+a all: a b c', '+c.org all: c.org', '+d d: d']],
  ])('packs by %s', (mode, expected) => {
    expect(packed({ wants: names, mode })).toEqual(expected);
  });

  it('never lets names share a certificate that are wanted differently', () => {
    const choices: CertificateChoice[] = [
      {},
      { keyType: 'rsa-2048' },
      { profile: 'shortlived' },
      { directoryUrl: 'https://acme.example/' },
      { keyType: 'rsa-2048', profile: 'shortlived' },
    ];
    const each = choices.flatMap((choice, index) => wants(`n${index}`, '/x', choice));

    expect(packNames(sources({ wants: each, mode: 'all' })).map(({ choice }) => choice)).toEqual(choices);
  });

  it('gives a name to the first of its owners', () => {
    expect(packed({ wants: [...wants('a', '/x /y'), ...wants('b', '/y')] })).toEqual([
      '+a /x: a',
      '+b /y: b',
    ]);
  });

  it('has certificates of names that share nothing where a limit is no number', () => {
    expect(packed({ wants: wants('a b'), mostNames: () => Number.NaN })).toEqual(['+a /x: a', '+b /x: b']);
  });
});

describe('packNames() with certificates', () => {
  it.each<[string, Partial<PackSources>, string[]]>([
    [
      'keeps one that covers more than what is wanted',
      { wants: wants('a c'), existing: [there('a', 'a b c')] },
      ['a /x: a c'],
    ],
    [
      'keeps one whose first name went away',
      { wants: wants('b'), existing: [there('a', 'a b')] },
      ['a /x: b'],
    ],
    [
      'puts a new name into the room there is',
      { wants: wants('a b 0'), existing: [there('a', 'a b')] },
      ['a /x: 0 a b'],
    ],
    [
      'makes room by a name that went away',
      { wants: wants('a b d'), existing: [there('a', 'a b c')] },
      ['a /x: a b d'],
    ],
    [
      'makes another one where there is no room',
      { wants: wants('a b c 0'), existing: [there('a', 'a b c')] },
      ['+0 /x: 0', 'a /x: a b c'],
    ],
    [
      'changes the one that has room for all new names',
      { wants: wants('a b c d e'), existing: [there('a', 'a b'), there('c', 'c')] },
      ['a /x: a b', 'c /x: c d e'],
    ],
    [
      'changes none that would save no new one',
      { wants: wants('a b c d e'), existing: [there('a', 'a b')] },
      ['a /x: a b', '+c /x: c d e'],
    ],
    [
      'splits one whose limit shrank, and keeps as much of it as it may',
      { wants: wants('a b c d e'), existing: [there('a', 'a b c d e')] },
      ['a /x: a b c', '+d /x: d e'],
    ],
    [
      'does not merge what the limit would allow by now',
      { wants: wants('a b c'), existing: [there('a', 'a b'), there('c', 'c')] },
      ['a /x: a b', 'c /x: c'],
    ],
    [
      'leaves a name with the owner that has it, as long as that one wants it',
      { wants: wants('a', '/w /x'), existing: [there('a', 'a b')] },
      ['a /x: a'],
    ],
    [
      'moves a name to its new owner',
      {
        wants: [...wants('a', '/x'), ...wants('b c', '/y')],
        existing: [there('a', 'a b'), there('c', 'c', '/y')],
      },
      ['a /x: a', 'c /y: b c'],
    ],
    [
      'names a new one by a number when its id is taken',
      {
        wants: [...wants('a', '/y'), ...wants('b', '/x')],
        existing: [there('a', 'a b'), there('a.example.com-2', 'z', '/z')],
      },
      ['a /x: b', '+a-3 /y: a'],
    ],
    [
      'knows what a wildcard covers',
      { wants: wants('a b deep.in.example.com'), existing: [there('a', '*.example.com')] },
      ['a /x: a b deep.in'],
    ],
    [
      'takes over that of an app that was renamed',
      { wants: wants('a b', '/new'), existing: [there('a', 'a b')] },
      ['a /new: a b'],
    ],
    [
      'takes over all of an app that was renamed, however they were packed',
      { wants: wants('a b c d', '/new'), existing: [there('a', 'a d'), there('b', 'b c')] },
      ['a /new: a d', 'b /new: b c'],
    ],
    [
      'takes over one with a name that went away in the meantime',
      { wants: wants('a', '/new'), existing: [there('a', 'a b')] },
      ['a /new: a'],
    ],
    [
      'takes over nothing with names that others want',
      { wants: [...wants('a', '/new'), ...wants('b', '/y')], existing: [there('a', 'a b')] },
      ['+a-2 /new: a', '+b /y: b'],
    ],
    [
      'takes over nothing that makes more certificates of the same names',
      {
        wants: wants('a b c'),
        mode: 'all',
        existing: [there('a', 'a', 'a'), there('b', 'b', 'b'), there('c', 'c', 'c')],
      },
      ['+a-2 all: a b c'],
    ],
    [
      'takes over what is there already when the mode packs everything into one',
      { wants: wants('a b c', '/x'), mode: 'all', existing: [there('a', 'a b c')] },
      ['a all: a b c'],
    ],
    [
      'orders no set of names that another one has',
      { wants: wants('a b', '/x'), existing: [there('a', 'a'), there('b', 'a b', '/y')] },
      ['a /x: a', 'b /x: b'],
    ],
  ])('%s', (_what, changes, expected) => {
    expect(packed(changes)).toEqual(expected);
  });

  it('keeps the id of one whose names are wanted otherwise, and splits it where that holds fewer', () => {
    const choice = { profile: 'shortlived' };
    const answer = packNames(
      sources({
        wants: wants('a b c', '/x', choice),
        existing: [there('a', 'a b c')],
        mostNames: ({ profile }) => (profile === 'shortlived' ? 2 : 3),
      }),
    );

    expect(answer).toEqual([
      { id: full('a'), key: '/x', names: [full('a'), full('b')], choice, isNew: false },
      { id: full('c'), key: '/x', names: [full('c')], choice, isNew: true },
    ]);
  });

  it('orders nothing for names that go away and come back', () => {
    const names = [...wants('a b c d', '/x'), ...wants('e f', '/y')];
    const world = { mode: 'app' as const, limits: { plain: 3, short: 3 }, wants: new Map(), existing: [] };
    const existing = carriedOut(packNames(sources({ wants: names })), world);

    const fewer = packNames(sources({ wants: names.slice(2, 5), existing }));
    const all = packNames(sources({ wants: names, existing }));

    expect(fewer.map(({ id, names }) => [id, ...names].map(short).join(' '))).toEqual(['a c', 'd d', 'e e']);
    expect(all.map(({ id, names }) => ({ id, names }))).toEqual(
      existing.map(({ id, names }) => ({ id, names })),
    );
  });

  it.each<PackMode>(['name', 'app', 'all'])('packs 10,000 names by %s over 10,000 certificates', (mode) => {
    const many = Array.from({ length: 10_000 }, (_, index) => wants(`n${index}`, `/app-${index}`)[0] as Want);
    const existing = many.map(({ name }) => ({ id: name, key: name, names: [name], choice: {} }));
    const spentMs = () => process.threadCpuUsage().user / 1_000;
    const startMs = spentMs();

    const answer = packNames(sources({ wants: many, existing, mode, mostNames: () => 100 }));
    const tookMs = spentMs() - startMs;

    expect(answer).toHaveLength(mode === 'all' ? 100 : 10_000);
    expect(answer.some(({ isNew }) => isNew)).toBe(mode === 'all');
    expect(tookMs).toBeLessThan(1_000);
  });
});

describe('packingCounts()', () => {
  it('tells what each mode would need', () => {
    const names = [...wants('a b c d', '/x'), ...wants('e f.org', '/y'), ...wants('g', '/y', { own: true })];

    expect(packingCounts({ wants: names, mostNames: () => 3, domainOf })).toEqual({
      name: 7,
      app: 4,
      'registered-domain': 4,
      all: 3,
    });
  });
});

describe('roomsToFill()', () => {
  it.each([
    [[], 12, 10, { filled: 0, fresh: 2 }],
    [[3], 12, 10, { filled: 1, fresh: 1 }],
    [[1], 12, 10, { filled: 0, fresh: 2 }],
    [[5, 4], 5, 10, { filled: 1, fresh: 0 }],
    [[5, 4], 9, 10, { filled: 0, fresh: 1 }],
    [[8, 7], 15, 10, { filled: 2, fresh: 0 }],
    [[8, 7], 0, 10, { filled: 0, fresh: 0 }],
  ])('fills the rooms %j with %d names, %d in a new one: %j', (rooms, count, limit, expected) => {
    expect(roomsToFill(rooms, count, limit)).toEqual(expected);
  });
});

describe('certificateId()', () => {
  it('is the name, then numbered', () => {
    const taken = new Set(['a.example-2']);

    const ids = [1, 2, 3].map(() => certificateId('a.example', taken));

    expect(ids).toEqual(['a.example', 'a.example-3', 'a.example-4']);
  });

  it('is cut and told apart when the name is long', () => {
    const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.example`;
    const [one, other] = [`x.${long}`, `x.${long}.com`].map((name) => certificateId(name, new Set()));

    expect(one).toHaveLength(180);
    expect(one).toMatch(/^x\.a{60}\.b{60}\.c+-[0-9a-f]{16}$/);
    expect(other).not.toBe(one);
  });
});
