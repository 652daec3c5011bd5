import { describe, expect, it } from 'vitest';
import { splitOf, type TargetWish, targetOf } from '../../../src/rollout/target.ts';

/** Green with so many instances, and a target label that says the same. */
const green = (instances: number, target: string | undefined = String(instances)) => ({
  id: '/nginx-green',
  instances,
  labels: target === 'none' ? {} : { HAPROXY_DEPLOYMENT_TARGET_INSTANCES: target },
});
const verdict = (instances: number | undefined, changes: Partial<TargetWish> = {}) =>
  targetOf({
    definition: instances === undefined ? {} : { instances },
    last: green(10),
    keepInstances: false,
    newInstances: 0,
    ...changes,
  });

describe('targetOf()', () => {
  const first = { last: undefined };
  const stopped = { last: green(0) };
  // JSON's instances, what else → target, new ones beside the old
  it.each([
    ['the JSON at the first time', 4, first, 4, 0, []],
    ['one at the first time, when the JSON does not say', undefined, first, 1, 0, []],
    ['the JSON at the first time, whatever is to be kept', 4, { ...first, keepInstances: true }, 4, 0, []],
    [
      'no split at the first time',
      4,
      { ...first, newInstances: 2 },
      4,
      0,
      ['Nothing serves that could keep a share'],
    ],
    ['the JSON, the same as before', 10, {}, 10, 0, []],
    ['the JSON, more than before', 12, {}, 12, 0, ['12 instances, 2 more than /nginx-green has']],
    ['what runs, when the JSON does not say', undefined, {}, 10, 0, []],
    [
      'what runs, when that is to be kept',
      4,
      { keepInstances: true },
      10,
      0,
      ['10 instances, as /nginx-green has; the definition says 4'],
    ],
    ['what runs, when both are the same', 10, { keepInstances: true }, 10, 0, []],
    ['the JSON, when the last app has 0', 4, stopped, 4, 0, []],
    [
      'the JSON, when the last app has 0 to keep',
      4,
      { ...stopped, keepInstances: true },
      4,
      0,
      ["/nginx-green has 0 instances: the definition's 4 count"],
    ],
    ['one, when the last app has 0 and the JSON does not say', undefined, stopped, 1, 0, []],
    [
      'no split beside 0',
      4,
      { ...stopped, newInstances: 2 },
      4,
      0,
      ['Nothing serves that could keep a share'],
    ],
    ['a split', 10, { newInstances: 2 }, 10, 2, []],
    ['a split of one less than all', 10, { newInstances: 9 }, 10, 9, []],
    [
      'all, for a split of all',
      10,
      { newInstances: 10 },
      10,
      0,
      ['10 new instances of 10 leave nothing to the old colour: it is replaced'],
    ],
    ['all, for a split of more', 10, { newInstances: 11 }, 10, 0, ['11 new instances of 10 leave nothing']],
    [
      'a split of what runs',
      4,
      { keepInstances: true, newInstances: 2 },
      10,
      2,
      ['10 instances, as /nginx-green has'],
    ],
    ['the JSON, though the last target was another', 10, { last: green(10, '20') }, 10, 0, []],
  ])('takes %s', (_what, instances, changes, target, newInstances, notices) => {
    expect(verdict(instances, changes)).toEqual({
      kind: 'target',
      target,
      newInstances,
      notices: notices.map((notice) => expect.stringContaining(notice)),
    });
  });

  it.each([
    [
      'fewer than run',
      5,
      {},
      'asks for 5 instances and /nginx-green has 10: marathon-lb takes an old task out only for a healthy new one, so 5 could never be drained; scale /nginx-green to 5 first, or keep its number by --keep-instances',
    ],
    ['a split of fewer than run', 5, { newInstances: 2 }, 'asks for 5 instances and /nginx-green has 10'],
    ['a split of more than run', 12, { newInstances: 2 }, 'one target, 12: /nginx-green has 10 instances'],
    [
      'a split beside another target',
      10,
      { newInstances: 2, last: green(10, '20') },
      'one target, 10: /nginx-green has 20 as its HAPROXY_DEPLOYMENT_TARGET_INSTANCES; a rollout without a split writes it anew',
    ],
    [
      'a split beside no target',
      10,
      { newInstances: 2, last: green(10, 'none') },
      '/nginx-green has no readable HAPROXY_DEPLOYMENT_TARGET_INSTANCES',
    ],
    [
      'a split beside a target in words',
      10,
      { newInstances: 2, last: green(10, 'ten') },
      '/nginx-green has no readable HAPROXY_DEPLOYMENT_TARGET_INSTANCES',
    ],
  ])('refuses %s', (_what, instances, changes, sentence) => {
    expect(verdict(instances, changes)).toEqual({
      kind: 'refused',
      code: 'ROLLOUT_UNSAFE',
      sentence: expect.stringContaining(sentence),
    });
  });
});

describe('splitOf()', () => {
  const pair = (label: number, instances: number) => ({
    fresh: green(instances, '10'),
    isHybridWanted: label,
  });
  it.each([
    ['the label', pair(2, 2), 0, 2],
    ['the label, while it is on the way', pair(2, 1), 0, 2],
    ['what is asked for now', pair(2, 2), 5, 5],
    ['what is there, where a hop went beyond the label', pair(2, 5), 0, 5],
    ['a further hop', pair(2, 5), 7, 7],
    ['the number that is there already', pair(2, 5), 5, 5],
    ['nothing, where the new colour is to be alone', pair(0, 5), 0, 0],
    ['a share, where the new colour was to be alone', pair(0, 3), 5, 5],
    ['nothing, for a share of all', pair(2, 2), 10, 0],
    ['nothing, where all are there', pair(2, 10), 0, 0],
  ])('keeps %s', (_what, state, newInstances, expected) => {
    expect(splitOf(state, newInstances)).toBe(expected);
  });

  it('does not shrink a split', () => {
    expect(() => splitOf(pair(2, 5), 3)).toThrow(
      expect.objectContaining({
        code: 'ROLLOUT_STATE',
        message: expect.stringContaining('has 5 instances: a split can grow, not shrink to 3'),
      }),
    );
  });
});
