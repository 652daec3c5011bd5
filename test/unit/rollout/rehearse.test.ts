import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RolloutPolicy, RolloutStep } from '../../../src/rollout/model.ts';
import { rehearse } from '../../../src/rollout/rehearse.ts';
import { colourApp, rolloutPolicy } from '../../support/colours.ts';

const bare = (colour: 'blue' | 'green', instances: number, target: number) => ({
  ...colourApp(colour, [], { target: String(target), instances }),
});

function ladder(old: number, fresh: number, target: number, policy: Partial<RolloutPolicy> = {}): string[] {
  const steps = rehearse({
    group: 'web',
    old: bare('blue', old, target),
    fresh: bare('green', fresh, target),
    policy: rolloutPolicy(policy),
  });
  return steps.map(short);
}

function short(step: RolloutStep): string {
  if (step.do === 'kill')
    return `kill ${step.taskIds.length} ${step.appId}${step.grow === undefined ? '' : `, scale ${step.grow.appId} to ${step.grow.instances}`}`;
  if (step.do === 'scale') return `scale ${step.appId} to ${step.instances}`;
  return 'appId' in step ? `${step.do} ${step.appId}` : step.do === 'finish' ? step.state : step.do;
}

describe('rehearse()', () => {
  it.each<[string, string[], string[]]>([
    [
      'zdd.py’s ladder of 4',
      ladder(4, 1, 4),
      [
        'kill 1 /web-blue',
        'scale /web-green to 2',
        'kill 1 /web-blue',
        'scale /web-green to 4',
        'delete /web-blue',
        'complete',
      ],
    ],
    [
      '4, kept whole',
      ladder(4, 1, 4, { old: 'keep' }),
      ['scale /web-green to 2', 'scale /web-green to 4', 'delete /web-blue', 'complete'],
    ],
    ['all four at once', ladder(4, 4, 4), ['delete /web-blue', 'complete']],
    ['one', ladder(1, 1, 1), ['delete /web-blue', 'complete']],
    [
      '10',
      ladder(10, 1, 10),
      [
        ...['kill 1 /web-blue', 'scale /web-green to 2', 'kill 1 /web-blue', 'scale /web-green to 3'],
        ...['kill 1 /web-blue', 'scale /web-green to 5', 'kill 1 /web-blue, scale /web-green to 10'],
        ...['delete /web-blue', 'complete'],
      ],
    ],
    [
      'a split of 2 in 10',
      ladder(10, 1, 10, { split: 2 }),
      ['kill 1 /web-blue', 'scale /web-green to 2', 'kill 1 /web-blue', 'split'],
    ],
    [
      'a split of 2 that grows to 4',
      ladder(8, 2, 10, { split: 4 }),
      [
        ...['scale /web-green to 3', 'kill 1 /web-blue', 'scale /web-green to 4', 'kill 1 /web-blue'],
        'split',
      ],
    ],
    [
      'a split made complete',
      ladder(8, 2, 10, { old: 'keep' }),
      [
        'scale /web-green to 3',
        'scale /web-green to 5',
        'scale /web-green to 10',
        'delete /web-blue',
        'complete',
      ],
    ],
    [
      'a split taken back',
      ladder(8, 2, 10, { direction: 'back' }),
      ['scale /web-blue to 10', 'delete /web-green', 'reverted'],
    ],
    [
      'back while the old colour is whole',
      ladder(4, 2, 4, { direction: 'back' }),
      // One more, that is taken back at once: blue is scaled last now.
      ['scale /web-blue to 5', 'delete /web-green', 'reverted'],
    ],
    [
      'back from a new colour that is complete',
      ladder(4, 4, 4, { direction: 'back' }),
      [
        ...['kill 2 /web-blue, scale /web-green to 5', 'scale /web-blue to 4'],
        ...['delete /web-green', 'reverted'],
      ],
    ],
    [
      'more than before',
      ladder(2, 1, 4, {}),
      ['scale /web-green to 4', 'delete /web-blue', 'complete'].toSpliced(0, 1, 'scale /web-green to 4'),
    ],
  ])('plays %s', (_name, steps, expected) => {
    expect(steps).toEqual(expected);
  });

  it('comes to an end from every pair of sizes, in every manner', () => {
    const policies = fc.record({
      direction: fc.constantFrom<'forward' | 'back'>('forward', 'back'),
      old: fc.constantFrom<'keep' | 'shrink'>('keep', 'shrink'),
      linearIncrease: fc.nat(5),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.nat(100),
        fc.nat(100),
        policies,
        (target, a, b, policy) => {
          const [old, fresh] = [1 + (a % target), 1 + (b % target)];

          const steps = ladder(old, fresh, target, policy);

          expect(steps.at(-1)).toBe(policy.direction === 'back' ? 'reverted' : 'complete');
        },
      ),
    );
  });

  it('comes to every split from the first task on, and from every smaller split', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 30 }), fc.nat(100), fc.nat(100), (target, a, b) => {
        const split = 1 + (a % (target - 1));
        const before = 1 + (b % split);

        const begun = ladder(target, 1, target, { split });
        const grown = ladder(target - before, before, target, { split });

        expect([begun.at(-1), grown.at(-1)]).toEqual(['split', 'split']);
        expect(grown.filter((step) => step.startsWith('kill'))).toHaveLength(split - before);
      }),
    );
  });
});
