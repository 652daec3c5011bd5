import { expect, test } from 'vitest';
import { gapsOf } from '../../../src/lab/load-report.ts';

test.each([
  ['between two answers', [10, 20, 500], 600, { longestMs: 480, betweenMs: 480, fromMs: 20 }],
  ['before the first answer', [400, 450], 500, { longestMs: 400, betweenMs: 50, fromMs: 0 }],
  ['after the last answer', [10, 20], 600, { longestMs: 580, betweenMs: 10, fromMs: 20 }],
  ['from beginning to end', [], 600, { longestMs: 600, betweenMs: 0, fromMs: 0 }],
  ['but not after the sending', [10, 590, 4000], 600, { longestMs: 580, betweenMs: 580, fromMs: 10 }],
])('the longest gap is found %s', (_where, goodAtMs, sentForMs, gaps) => {
  expect(gapsOf(goodAtMs, sentForMs)).toEqual(gaps);
});
