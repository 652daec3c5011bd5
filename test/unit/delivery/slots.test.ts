import { describe, expect, it } from 'vitest';
import { DEFAULT_SLOT, SLOTS } from '../../../src/delivery/slot-model.ts';
import { planSlots } from '../../../src/delivery/slots.ts';
import { type Held, PLACEHOLDER_BYTES, requestOf, type SlotWorld } from '../../support/slot-world.ts';

const LIMITS = { variableBytes: 122_880, totalBytes: 409_600 };
const BYTES = 3000;

/** `a` one of ours; `P` a placeholder; `F` foreign, `F>a` foreign that `a` may take over; `U` unreadable; `S` a
 * secret. Keys: '' for HAPROXY_SSL_CERT, or the number. */
type Layout = Record<string, string>;

function held(text: string): Held {
  const [kind, takenOverBy] = text.split('>');
  if (kind === 'P') return { kind: 'placeholder' };
  if (kind === 'S') return { kind: 'secret' };
  if (kind === 'F' || kind === 'U')
    return { kind: kind === 'F' ? 'foreign' : 'unreadable', bytes: BYTES, takenOverBy };
  return { kind: 'ours', id: text, bytes: BYTES };
}

function world(layout: Layout, wanted: string, changes: Partial<SlotWorld> = {}): SlotWorld {
  return {
    held: new Map(Object.entries(layout).map(([slot, text]) => [`${DEFAULT_SLOT}${slot}`, held(text)])),
    certificates: [...wanted].map((id) => ({ id, bytes: BYTES })),
    defaultId: undefined,
    firstVariable: DEFAULT_SLOT,
    limits: LIMITS,
    ...changes,
  };
}

/** The plan in the words of a layout. */
function planned(given: SlotWorld) {
  const plan = planSlots(requestOf(given));
  const short = (variable: string) => variable.slice(DEFAULT_SLOT.length);
  return {
    slots: Object.fromEntries(plan.assigned.map(({ id, variable }) => [short(variable), id])),
    ...(plan.clears.length === 0 ? {} : { clears: plan.clears.map(short) }),
    ...(plan.needsPlaceholder ? { placeholder: true } : {}),
    ...(plan.refused.length === 0 ? {} : { refused: plan.refused }),
  };
}

const numbered = (value: string, from = 0) =>
  Object.fromEntries(SLOTS.slice(1 + from).map((_, index) => [String(index + from), value]));

describe('planSlots()', () => {
  it.each<[string, Layout, string, object]>([
    ['fills the slots in the order of the bind line', {}, 'abc', { slots: { '': 'a', 0: 'b', 1: 'c' } }],
    [
      'leaves each where it is, whatever it prefers',
      { '': 'c', 4: 'a' },
      'abc',
      { slots: { '': 'c', 0: 'b', 4: 'a' } },
    ],
    [
      'fills the lowest gap first',
      { '': 'a', 0: 'b', 2: 'c' },
      'abcd',
      { slots: { '': 'a', 0: 'b', 1: 'd', 2: 'c' } },
    ],
    [
      'takes out what is wanted no more',
      { '': 'a', 0: 'b', 1: 'c' },
      'ac',
      { slots: { '': 'a', 1: 'c' }, clears: ['0'] },
    ],
    ['puts a new one over what is wanted no more', { '': 'a', 0: 'b' }, 'ac', { slots: { '': 'a', 0: 'c' } }],
    [
      'keeps the first of two slots',
      { '': 'a', 0: 'b', 3: 'b' },
      'ab',
      { slots: { '': 'a', 0: 'b' }, clears: ['3'] },
    ],
    ['replaces a placeholder', { '': 'P' }, 'a', { slots: { '': 'a' } }],
    [
      'takes a placeholder out of a numbered one',
      { '': 'a', 0: 'P' },
      'a',
      { slots: { '': 'a' }, clears: ['0'] },
    ],
    ['leaves a placeholder when nothing is wanted', { '': 'P' }, '', { slots: {} }],
    ['takes out the last one', { '': 'a' }, '', { slots: {}, clears: [''] }],
  ])('%s', (_what, layout, wanted, expected) => {
    expect(planned(world(layout, wanted))).toEqual(expected);
  });

  it.each<[string, Layout, string, object]>([
    [
      'moves one of ours into it',
      { '': 'a', 0: 'b', 1: 'c' },
      'bc',
      { slots: { '': 'b', 1: 'c' }, clears: ['0'] },
    ],
    ['prefers a new one, which moves nothing', { '': 'a', 0: 'b' }, 'bc', { slots: { '': 'c', 0: 'b' } }],
    [
      'moves one of ours also after somebody emptied it',
      { 0: 'b', 1: 'F' },
      'b',
      { slots: { '': 'b' }, clears: ['0'] },
    ],
    [
      'takes a placeholder when only foreign ones are left',
      { '': 'a', 0: 'F' },
      '',
      { slots: {}, clears: [''], placeholder: true },
    ],
    ['keeps its placeholder when only foreign ones are left', { '': 'P', 0: 'S' }, '', { slots: {} }],
    ['is taken from a placeholder', { '': 'P', 0: 'a', 1: 'F' }, 'a', { slots: { '': 'a' }, clears: ['0'] }],
  ])('HAPROXY_SSL_CERT is not left empty beside a numbered one: %s', (_what, layout, wanted, expected) => {
    expect(planned(world(layout, wanted))).toEqual(expected);
  });

  it.each<[string, Layout, string, string, object]>([
    [
      'changes places with the former one',
      { '': 'a', 0: 'b', 1: 'c' },
      'abc',
      'c',
      { slots: { '': 'c', 0: 'b', 1: 'a' } },
    ],
    ['stays when it is there', { '': 'b', 0: 'a' }, 'ab', 'b', { slots: { '': 'b', 0: 'a' } }],
    [
      'sends the former one to the lowest gap when it is new',
      { '': 'a', 1: 'c' },
      'abc',
      'b',
      { slots: { '': 'b', 0: 'a', 1: 'c' } },
    ],
    ['comes first when all are new', {}, 'abc', 'c', { slots: { '': 'c', 0: 'a', 1: 'b' } }],
    [
      'follows one that ended, and its slot is a gap',
      { '': 'a', 0: 'b' },
      'bcd',
      'b',
      { slots: { '': 'b', 0: 'c', 1: 'd' } },
    ],
    [
      'stays where it is behind a foreign one',
      { '': 'F', 0: 'b', 1: 'c' },
      'bc',
      'c',
      { slots: { 0: 'b', 1: 'c' } },
    ],
    [
      'is left to whoever stands there when it is not wanted',
      { '': 'a', 0: 'b' },
      'ab',
      'x',
      { slots: { '': 'a', 0: 'b' } },
    ],
  ])('the chosen default certificate %s', (_what, layout, wanted, defaultId, expected) => {
    expect(planned(world(layout, wanted, { defaultId }))).toEqual(expected);
  });

  it.each<[string, Layout, string, object]>([
    ['foreign certificates', { '': 'F', 0: 'F' }, 'a', { slots: { 1: 'a' } }],
    ['secrets', { '': 'S', 1: 'S' }, 'ab', { slots: { 0: 'a', 2: 'b' } }],
    ['what is no bundle', { '': 'U', 0: 'U' }, 'a', { slots: { 1: 'a' } }],
    [
      'a foreign one that one with a slot could take over',
      { '': 'a', 1: 'F>a' },
      'a',
      { slots: { '': 'a' } },
    ],
    [
      'a foreign one for which a certificate waits that is not wanted',
      { '': 'F>x' },
      'a',
      { slots: { 0: 'a' } },
    ],
  ])('leaves alone %s', (_what, layout, wanted, expected) => {
    expect(planned(world(layout, wanted))).toEqual(expected);
  });

  it.each<[string, Layout, string, string | undefined, object]>([
    ['takes exactly that slot', { '': 'a', 3: 'F>b' }, 'ab', undefined, { slots: { '': 'a', 3: 'b' } }],
    ['takes the first of two', { '': 'F>a', 3: 'F>a' }, 'a', undefined, { slots: { '': 'a' } }],
    [
      'may replace what is no bundle when that was allowed',
      { '': 'U>a' },
      'a',
      undefined,
      { slots: { '': 'a' } },
    ],
    [
      'passes HAPROXY_SSL_CERT on to the chosen one',
      { '': 'F>b', 0: 'a' },
      'ab',
      'a',
      { slots: { '': 'a', 0: 'b' } },
    ],
    [
      'moves on to HAPROXY_SSL_CERT when that is empty',
      { 3: 'F>a' },
      'a',
      undefined,
      { slots: { '': 'a' }, clears: ['3'] },
    ],
    ['moves to a gap for a chosen one that is new', { '': 'F>b' }, 'ab', 'a', { slots: { '': 'a', 0: 'b' } }],
  ])('what takes over a foreign certificate %s', (_what, layout, wanted, defaultId, expected) => {
    expect(planned(world(layout, wanted, { defaultId }))).toEqual(expected);
  });

  it.each<[string, Layout, string, object]>([
    ['a placeholder goes into HAPROXY_SSL_CERT', {}, 'ab', { slots: { 7: 'a', 8: 'b' }, placeholder: true }],
    ['the placeholder stays there', { '': 'P', 7: 'a' }, 'a', { slots: { 7: 'a' } }],
    ['what is foreign stays there', { '': 'F', 3: 'a' }, 'ab', { slots: { 3: 'a', 7: 'b' } }],
    ['one of ours that is there stays', { '': 'a' }, 'ab', { slots: { '': 'a', 7: 'b' } }],
    [
      'one of ours follows one of ours that ended',
      { '': 'a', 8: 'b' },
      'b',
      { slots: { '': 'b' }, clears: ['8'] },
    ],
    ['one of ours may take over what is there', { '': 'F>a' }, 'ab', { slots: { '': 'a', 7: 'b' } }],
  ])('where slots begin with a numbered one, %s', (_what, layout, wanted, expected) => {
    expect(planned(world(layout, wanted, { firstVariable: `${DEFAULT_SLOT}7` }))).toEqual(expected);
  });

  it('has 102 slots, and says how many are missing', () => {
    const ids = Array.from({ length: 105 }, (_, number) => `c${number}`);
    const certificates = ids.map((id) => ({ id, bytes: 100 }));

    const plan = planSlots(requestOf(world({ '': 'F', 50: 'F' }, '', { certificates })));

    expect(plan.assigned.map(({ id }) => id)).toEqual(ids.slice(0, 100));
    expect(plan.refused).toEqual(
      ids.slice(100).map((id) => ({
        id,
        reason: 'no-slot',
        message: '105 certificates need a slot and 100 are free',
      })),
    );
  });

  it.each([
    ['1 certificate needs a slot and 0 are free', numbered('F'), 'ab'],
    ['2 certificates need a slot and 1 is free', numbered('F', 1), 'abc'],
  ])('says that %s', (message, layout, wanted) => {
    const plan = planned(world({ '': 'a', ...layout }, wanted));

    expect(plan.refused).toEqual([{ id: wanted.at(-1), reason: 'no-slot', message }]);
  });

  const sized = (sizes: Record<string, number>) =>
    Object.entries(sizes).map(([id, bytes]) => ({ id, bytes }));

  it.each<[string, Layout, Record<string, number>, object]>([
    [
      'a variable',
      {},
      { a: 131_000 - 20, b: 122_880 - 20 },
      { slots: { '': 'b' }, refused: ['a would need 131,000 bytes; 122,880 are allowed for a variable'] },
    ],
    [
      'a variable, and an older version stays',
      { '': 'a', 0: 'b' },
      { a: 131_000 - 20, b: BYTES },
      { slots: { 0: 'b' }, refused: ['a would need 131,000 bytes; 122,880 are allowed for a variable'] },
    ],
    [
      'all of them, and what is smaller still gets in',
      { 9: 'F' },
      { a: 120_000, b: 120_000, c: 120_000, d: 60_000, e: 40_000 },
      {
        slots: { '': 'a', 0: 'b', 1: 'c', 2: 'e' },
        refused: ['All certificates together would need 423,098 bytes with d; 409,600 are allowed'],
      },
    ],
    [
      'all of them, and those that stand already come first',
      { '': 'c', 0: 'd' },
      { a: 120_000, b: 120_000, c: 120_000, d: 120_000 },
      {
        slots: { '': 'c', 0: 'd', 1: 'a' },
        refused: ['All certificates together would need 480,080 bytes with b; 409,600 are allowed'],
      },
    ],
    [
      'all of them, and what ends makes room',
      { '': 'a', 0: 'x', 1: 'y' },
      { a: 120_000, b: 120_000, c: 120_000 },
      { slots: { '': 'a', 0: 'b', 1: 'c' } },
    ],
  ])('checks the size of %s', (_what, layout, sizes, { refused, ...expected }: { refused?: string[] }) => {
    const plan = planned(world(layout, '', { certificates: sized(sizes) }));

    expect({ ...plan, refused: plan.refused?.map(({ message }) => message) }).toEqual({
      ...expected,
      refused,
    });
  });

  it('keeps the older version of what can not grow any more, and puts a placeholder before it if need be', () => {
    const tight = { variableBytes: 122_880, totalBytes: 8000 };
    const given = world({ '': 'x', 0: 'a', 1: 'F' }, '', { certificates: sized({ a: 9000 }), limits: tight });

    expect(planned(given)).toMatchObject({ slots: {}, clears: [''], placeholder: true });
    expect(planned(given).refused).toMatchObject([{ id: 'a', reason: 'total' }]);
  });

  it('renews what has grown by nothing though somebody else has passed the limit', () => {
    const given = world({ '': 'a', 0: 'F' }, 'ab', { limits: { variableBytes: 122_880, totalBytes: 4000 } });

    expect(planned(given)).toMatchObject({ slots: { '': 'a' }, refused: [{ id: 'b', reason: 'total' }] });
  });

  it.each([
    [3020 + PLACEHOLDER_BYTES, [], true],
    [3019 + PLACEHOLDER_BYTES, [{ id: 'a', reason: 'total' }], false],
  ])(
    'keeps room for the placeholder that has to stand before a numbered one: %i bytes',
    (totalBytes, refused, needsPlaceholder) => {
      const limits = { variableBytes: 122_880, totalBytes };
      const plan = planSlots(requestOf(world({}, 'a', { firstVariable: `${DEFAULT_SLOT}7`, limits })));

      expect(plan).toMatchObject({ refused, needsPlaceholder });
    },
  );

  it('counts a variable that marathon-lb does not read, and leaves it alone', () => {
    const given = world({ 101: 'a' }, 'a', { limits: { variableBytes: 122_880, totalBytes: 5000 } });

    expect(planned(given)).toMatchObject({ slots: {}, refused: [{ id: 'a', reason: 'total' }] });
  });
});
