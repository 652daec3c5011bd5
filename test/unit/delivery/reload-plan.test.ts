import { describe, expect, it } from 'vitest';
import {
  type Attempts,
  type BalancerView,
  isReloaded,
  type Move,
  nextMove,
  putBackWords,
  rivalsOf,
  type Situation,
  untilNextReloadMs,
  whyBehind,
} from '../../../src/delivery/reload-plan.ts';

const view = (id: string, change: Partial<BalancerView> = {}): BalancerView => ({
  id,
  place: `${id}.host:443`,
  state: 'behind',
  shows: 'serves certificate 0123456789abcdef for shop.example.com',
  name: 'shop.example.com',
  servesNew: false,
  ...change,
});
const serving = (id: string) => view(id, { state: 'serves', shows: '', name: undefined, servesNew: true });
const away = (id: string) => view(id, { state: 'unreachable', shows: 'does not answer (ECONNREFUSED)' });
const tried = (change: Partial<Attempts> = {}): Attempts => ({
  taken: 1,
  firstAtMs: 1_000,
  lastAtMs: 1_000,
  last: { kind: 'sent' },
  pidsBefore: [7, 8],
  ...change,
});
const situation = (change: Partial<Situation>): Situation => ({
  views: [],
  attempts: new Map(),
  isChanged: true,
  nowMs: 10_000,
  deadlineMs: 60_000,
  reloadWaitMs: 15_000,
  ...change,
});
const signal = (...ids: string[]): Move => ({ do: 'signal', ids });
const late = { nowMs: 60_000 };

describe('nextMove()', () => {
  it.each<[string, Partial<Situation>, Move]>([
    ['finishes when all serve', { views: [serving('a'), serving('b')] }, { do: 'finish' }],
    ['finishes also after the time is up', { ...late, views: [serving('a')] }, { do: 'finish' }],
    ['waits for a balancer while there is none', { views: [] }, { do: 'wait' }],
    ['signals only who is behind', { views: [serving('a'), view('b'), away('c')] }, signal('b', 'c')],
    [
      'waits while a signal has its time',
      { views: [view('a')], attempts: new Map([['a', tried()]]) },
      { do: 'wait' },
    ],
    [
      'sends again what had its time',
      {
        views: [view('a'), view('b')],
        attempts: new Map([
          ['a', tried()],
          ['b', tried({ lastAtMs: 9_000 })],
        ]),
        nowMs: 16_000,
      },
      signal('a'),
    ],
    [
      'signals who has newly appeared',
      { views: [view('a'), view('new')], attempts: new Map([['a', tried()]]) },
      signal('new'),
    ],
    ['gives up without a balancer', { ...late, views: [] }, { do: 'give-up', putBack: false }],
    [
      'puts back what nobody has loaded although the signal was taken',
      { ...late, views: [view('a'), away('b')], attempts: new Map([['a', tried()]]) },
      { do: 'give-up', putBack: true },
    ],
    [
      'leaves what was there before this run',
      { ...late, isChanged: false, views: [view('a')], attempts: new Map([['a', tried()]]) },
      { do: 'give-up', putBack: false },
    ],
    [
      'leaves what one balancer serves',
      { ...late, views: [view('a'), serving('b')], attempts: new Map([['a', tried()]]) },
      { do: 'give-up', putBack: false },
    ],
    [
      'leaves what one balancer serves in part: it could load the files',
      { ...late, views: [view('a', { servesNew: true }), view('b')], attempts: new Map([['b', tried()]]) },
      { do: 'give-up', putBack: false },
    ],
    [
      'leaves it where every signal was refused: nobody has tried to load it',
      {
        ...late,
        views: [view('a')],
        attempts: new Map([['a', tried({ taken: 0, last: { kind: 'refused', status: 500, words: '' } })]]),
      },
      { do: 'give-up', putBack: false },
    ],
    [
      'leaves it where nobody answers: that proves nothing',
      { ...late, views: [away('a')], attempts: new Map([['a', tried()]]) },
      { do: 'give-up', putBack: false },
    ],
  ])('%s', (_, change, move) => {
    expect(nextMove(situation(change))).toEqual(move);
  });
});

describe('whyBehind()', () => {
  const who = 'a.host:443 (a) serves certificate 0123456789abcdef for shop.example.com';

  it.each<[string, Attempts | undefined, number[] | undefined, string[], string]>([
    ['no signal was sent', undefined, undefined, [], who],
    [
      'the signal was refused',
      tried({ last: { kind: 'refused', status: 500, words: "Is it in 'poll' mode?" } }),
      [7, 8],
      [],
      `${who}; it refused the signal with status 500: Is it in 'poll' mode?`,
    ],
    [
      'the admin port is away',
      tried({ last: { kind: 'unreachable', reason: 'ECONNREFUSED' } }),
      undefined,
      [],
      `${who}; its admin port is unreachable: ECONNREFUSED`,
    ],
    [
      'nothing happened',
      tried({ taken: 3 }),
      [8],
      [],
      `${who}; it took the signal 3 times and its processes did not change: it hangs, or HAProxy refuses its configuration`,
    ],
    ['nothing can be told', tried(), undefined, [], `${who}; it took the signal once`],
    [
      'another file comes first',
      tried(),
      [7, 9],
      ['aaa.pem', 'bbb.pem'],
      `${who}; it reloaded, but aaa.pem, bbb.pem in certs/ has the same name`,
    ],
    [
      'no file explains it',
      tried(),
      [7, 9],
      [],
      `${who}; it reloaded, but reads another directory, or another certificate comes first`,
    ],
  ])('says when %s', (_, attempts, pids, rivals, sentence) => {
    expect(whyBehind(view('a'), attempts, pids, rivals, [])).toBe(sentence);
  });

  it('names the files that keep HAProxy from loading anything, when it loaded nothing', () => {
    const unloadable = ['junk.pem (it is empty)', 'half.pem (it has no key)'];

    expect(whyBehind(view('a'), tried(), [7], [], unloadable)).toBe(
      `${who}; it took the signal once and its processes did not change: it hangs, or HAProxy refuses its configuration, since it can not load junk.pem (it is empty), half.pem (it has no key) in certs/`,
    );
    expect(whyBehind(view('a'), tried(), [7, 9], [], unloadable)).not.toContain('junk.pem');
  });
});

describe('isReloaded()', () => {
  it.each<[number[] | undefined, number[] | undefined, boolean | undefined]>([
    [[1, 2], [1, 2], false],
    [[1, 2], [1, 3], true],
    [[1, 2], [1, 2, 3], true],
    // An old worker has ended: no sign of a new one.
    [[1, 2, 3], [1, 2], false],
    [undefined, [1], undefined],
    [[1], undefined, undefined],
  ])('%j and then %j: %s', (before, now, expected) => {
    expect(isReloaded(before, now)).toBe(expected);
  });
});

describe('untilNextReloadMs()', () => {
  it.each([
    ['never', undefined, 0],
    ['long ago', 0, 0],
    ['just now', 99_000, 59_000],
    ['exactly an interval ago', 40_000, 0],
    ['in the future, by a wrong clock', 100_001, 0],
    ['at no time at all', Number.NaN, 0],
  ])('the last one was %s', (_, lastMs, expected) => {
    const lastAt = lastMs === undefined ? undefined : new Date(lastMs);

    expect(untilNextReloadMs(lastAt, 60_000, 100_000)).toBe(expected);
  });
});

describe('rivalsOf()', () => {
  it('finds other certificates for the name, by wildcard too', () => {
    const files = [
      { file: 'a.pem', names: ['shop.example.com'], fingerprint: 'old' },
      { file: 'b.pem', names: ['*.example.com'], fingerprint: 'wild' },
      { file: 'c.pem', names: ['shop.example.com'], fingerprint: 'wanted' },
      { file: 'd.pem', names: ['example.com', '*.shop.example.com'], fingerprint: 'other' },
    ];

    expect(rivalsOf('shop.example.com', 'wanted', files)).toEqual(['a.pem', 'b.pem']);
  });
});

describe('putBackWords()', () => {
  it.each([
    [['a.pem'], [], 'the files were put back (a.pem put back)'],
    [[], ['b.pem'], 'the files were put back (b.pem taken out again)'],
    [['a.pem'], ['b.pem', 'c.pem'], 'the files were put back (a.pem put back; b.pem, c.pem taken out again)'],
    [[], [], 'nothing could be put back'],
  ])('%j restored and %j removed', (restored, removed, words) => {
    expect(putBackWords({ restored, removed })).toBe(words);
  });
});
