import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { barOf, cutToWidth, liveView, widthOf } from '../../../src/cli/rollout-view.ts';
import { colourProgress, rolloutProgress } from '../../support/rollout-progress.ts';

describe('liveView()', () => {
  it('shows both colours, the step, the time left and who holds sessions', () => {
    expect(liveView(rolloutProgress(), 90)).toEqual([
      '10:00:07 shop: from blue to green, 4 in all; both colours serve',
      'blue   [###################~~~~~~]  3 in rotation, 1 draining; 4 of 4 healthy',
      'green  [######                   ]  1 in rotation; 1 of 1 healthy',
      'step   wait (drain): connections to blue.1 are left',
      'left   4m 55s',
      'held   process 41 holds 3 sessions of shop_10000/10_0_0_1_31000 at lb-1',
    ]);
  });

  it('tells the way back, a split, drained and starting tasks', () => {
    const progress = rolloutProgress({
      direction: 'back',
      colours: [
        colourProgress('blue', { instances: 8, healthy: 5, inRotation: 5 }),
        colourProgress('green', { instances: 2, healthy: 2, inRotation: 1, drained: 1 }),
      ],
      ...{ sessions: [], deadlineMs: undefined, target: 10, newInstances: 2 },
      step: { do: 'scale', appId: '/shop-blue', from: 8, instances: 10, reason: 'more' },
    });

    expect(liveView(progress, 77)).toEqual([
      '10:00:07 shop: back from green to blue, 2 new of 10 in all; both colours se…',
      'blue   [######....  ]  5 in rotation; 5 of 8 healthy',
      'green  [#-          ]  1 in rotation, 1 drained; 2 of 2 healthy',
      'step   scale /shop-blue 8 → 10: more',
    ]);
  });

  it('says so when no balancer can be read, and when there is one app only', () => {
    const unseen = { inRotation: undefined, draining: undefined, drained: undefined };
    const progress = rolloutProgress({
      colours: [colourProgress('blue', { instances: 2, healthy: 2, ...unseen })],
      ...{ sessions: [], deadlineMs: undefined, target: 4, serves: 'unknown' },
    });

    expect(liveView(progress, 70)).toEqual([
      '10:00:07 shop: 4 in all; which colour serves is not known',
      'blue  [?????     ]  no balancer can be read; 2 of 2 healthy',
      'step  wait (drain): connections to blue.1 are left',
    ]);
  });

  it('lists eight holders, and counts the others', () => {
    const session = { balancer: 'lb', listener: 'a/b', sessions: 1 };
    const sessions = Array.from({ length: 11 }, (_, pid) => ({ ...session, pid }));
    const lines = liveView(rolloutProgress({ sessions }), 80);

    expect(lines).toHaveLength(5 + 9);
    expect(lines.at(-1)).toBe('held   and 3 more');
  });

  it('is never wider than the terminal, and has no sign that moves the cursor', () => {
    const sign = fc.constantFrom(
      'a',
      ' ',
      '→',
      'é',
      '日',
      '\u{1f600}',
      '\n',
      '\r',
      '\u001b',
      '\u009b',
      '\u202e',
      '\ud800',
    );
    const word = fc.string({ unit: sign, maxLength: 60 });
    fc.assert(
      fc.property(word, fc.integer({ min: 1, max: 200 }), (text, columns) => {
        const progress = rolloutProgress({
          group: text,
          step: { do: 'delete', appId: text, reason: text },
          sessions: [{ balancer: text, pid: 1, listener: text, sessions: 2 }],
        });
        return liveView(progress, columns).every((line) => widthOf(line) < columns && !/\p{Cc}/u.test(line));
      }),
    );
  });
});

describe('barOf()', () => {
  const of = (changes: Parameters<typeof colourProgress>[1]) => colourProgress('blue', changes);
  it.each([
    [of({}), 4, '          '],
    [of({ instances: 4, inRotation: 4 }), 4, '##########'],
    [of({ instances: 4, inRotation: 1, draining: 1, drained: 1 }), 4, '###~~---..'],
    [of({ instances: 1 }), 4, '...       '],
    [of({ instances: 2, inRotation: undefined, draining: undefined, drained: undefined }), 4, '?????     '],
    // Dying tasks are still seen when there are to be fewer.
    [of({ instances: 3, inRotation: 3, draining: 1 }), 3, '##########'],
  ])('draws %j of %d', (colour, most, bar) => {
    expect(barOf(colour, most, 10)).toBe(bar);
  });

  it('is always as wide as asked', () => {
    const count = fc.nat(50);
    fc.assert(
      fc.property(
        count,
        count,
        count,
        count,
        fc.integer({ min: 1, max: 50 }),
        (instances, inRotation, draining, drained, most) => {
          expect(barOf(of({ instances, inRotation, draining, drained }), most, 20)).toHaveLength(20);
        },
      ),
    );
  });
});

describe('cutToWidth()', () => {
  it.each([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    ['日本', 4, '日本'],
    ['日本語', 5, '日本…'],
    ['a→b', 3, 'a→b'],
    ['abc', 0, ''],
  ])('cuts %j to %d columns', (text, columns, expected) => {
    expect(cutToWidth(text, columns)).toBe(expected);
  });
});
