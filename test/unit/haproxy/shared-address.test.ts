import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSeveral } from '../../../src/haproxy/shared-address.ts';

describe('isSeveral()', () => {
  it.each<[string, number[][], boolean]>([
    ['nothing', [], false],
    ['one sample', [[1, 7]], false],
    [
      'one balancer at rest',
      [
        [1, 7],
        [1, 7],
        [1, 7],
      ],
      false,
    ],
    [
      'two in turns',
      [
        [1, 7],
        [2, 8],
        [1, 7],
      ],
      true,
    ],
    [
      'two with the same master number',
      [
        [1, 7],
        [1, 8],
        [1, 7],
      ],
      true,
    ],
    [
      'two, of which one reloads meanwhile',
      [
        [1, 7],
        [2, 8],
        [1, 7, 9],
      ],
      true,
    ],
    [
      'three in turns',
      [
        [1, 7],
        [2, 8],
        [3, 9],
        [1, 7],
      ],
      true,
    ],
    [
      'the second one twice',
      [
        [1, 7],
        [2, 8],
        [2, 8],
        [1, 7],
      ],
      true,
    ],
    [
      'a reload',
      [
        [1, 7],
        [1, 7, 9],
        [1, 9],
      ],
      false,
    ],
    [
      'several reloads, old workers that stay',
      [
        [1, 7],
        [1, 7, 9],
        [1, 7, 9, 11],
        [1, 7, 11],
        [1, 11],
      ],
      false,
    ],
    [
      'a restart',
      [
        [1, 7],
        [2, 8],
        [2, 8],
        [2, 8],
      ],
      false,
    ],
    [
      'two restarts',
      [
        [1, 7],
        [2, 8],
        [3, 9],
      ],
      false,
    ],
    [
      'a check of a configuration now and then',
      [
        [1, 7],
        [1, 7, 9],
        [1, 7],
        [1, 7, 10],
        [1, 7],
      ],
      false,
    ],
    ['a process that pidof overlooked', [[1, 7], [1], [1, 7]], false],
    [
      'a process that pidof overlooked while another began',
      [
        [1, 7],
        [1, 8],
        [1, 7, 8],
      ],
      false,
    ],
  ])('%s', (_what, samples, expected) => {
    expect(isSeveral(samples)).toBe(expected);
  });

  it('never takes one balancer for several, whatever reloads, checks and restarts it goes through', () => {
    const events = fc.array(fc.constantFrom('reload', 'end', 'check', 'restart', 'look'), { maxLength: 40 });
    fc.assert(
      fc.property(events, (happened) => {
        let next = 3;
        let pids = [1, 2];
        const samples: number[][] = [];
        for (const event of happened) {
          if (event === 'reload') pids = [...pids, next++];
          if (event === 'end' && pids.length > 2) pids = pids.filter((_pid, at) => at !== 1);
          if (event === 'restart') pids = [next++, next++];
          if (event === 'check') samples.push([...pids, next++]);
          if (event === 'look') samples.push(pids);
        }
        expect(isSeveral(samples)).toBe(false);
      }),
    );
  });
});
