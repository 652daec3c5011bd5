import { expect, it } from 'vitest';
import { inRuns } from '../../../src/lib/runs.ts';

it.each<[string[], string[]]>([
  [[], []],
  [
    ['order', 'order', 'deliver'],
    ['order', 'order', 'deliver'],
  ],
  [
    [...Array(11).fill('order'), 'deliver', 'order'],
    ['order × 11', 'deliver', 'order'],
  ],
])('inRuns() tells many of the same in a row as one', (words, told) => {
  expect(inRuns(words)).toEqual(told);
});
