import { describe, expect, test } from 'vitest';
import { type Dialect, dialectOf } from '../../../src/lab/marathon/dialect.ts';

const VERSIONS = [
  '1.4.14',
  '1.5.8',
  '1.5.15',
  '1.6.567',
  '1.7.236',
  '1.8.222',
  '1.9.109',
  '1.9.136',
  '1.11.24',
];

/** One row for each behaviour: what it is in each of the versions above. */
test.each<[keyof Dialect, unknown[]]>([
  ['hasOldAppJson', [true, false, false, false, false, false, false, false, false]],
  ['typeErrorStatus', [400, 422, 422, 422, 422, 422, 422, 422, 422]],
  ['shortestCmd', [1, 2, 2, 2, 2, 2, 2, 2, 2]],
  ['defaultMaxLaunchDelaySeconds', [3600, 3600, 3600, 3600, 3600, 300, 300, 300, 300]],
  ['hasOperatorIs', [false, false, false, true, true, true, true, true, true]],
  ['reservesIdEndings', [false, false, false, false, false, true, true, true, true]],
  ['unknownUrlStatus', [404, 404, 404, 500, 500, 500, 500, 500, 500]],
  ['noLeaderStatus', [503, 503, 503, 503, 502, 502, 502, 502, 502]],
  ['keepsInstances', [false, false, false, false, false, true, true, true, true]],
  ['hasOldTaskJson', [true, true, true, false, false, false, false, false, false]],
  ['killsUnderLock', [true, true, true, true, true, false, false, false, false]],
  [
    'restartCounts',
    ['living', 'living', 'living', 'living', 'living', 'wanted', 'wanted', 'healthy', 'healthy'],
  ],
  ['tellsRefusals', [false, true, true, true, true, true, true, true, true]],
  ['purgesOnRefusal', [false, true, true, true, true, false, false, false, false]],
  ['mostDeployments', [Infinity, Infinity, 100, 100, 100, 100, 100, 100, 100]],
  ['saysWhyDeploymentFailed', [false, false, false, true, true, true, true, true, true]],
  ['closesSlowStreams', [false, false, false, false, false, true, true, true, true]],
])('%s is, from version to version, %j', (behaviour, expected) => {
  expect(VERSIONS.map((version) => dialectOf(version)[behaviour])).toEqual(expected);
});

describe('dialectOf()', () => {
  test.each(['1.4.0', '1.8.222', '1.10.26-86475ddac', '1.9', '1.5.1-SNAPSHOT', '1.11.24'])(
    'knows %s',
    (text) => {
      expect(dialectOf(text)).toBeTypeOf('object');
    },
  );

  test.each(['1.3.13', '1.12.0', '2.8.0', '0.15.3', '', 'latest', '1.8x'])('refuses %j', (text) => {
    expect(() => dialectOf(text)).toThrow('The lab speaks Marathon 1.4 to 1.11');
  });

  test('partial updates take away more and more fields', () => {
    expect(['1.5.0', '1.6.0', '1.10.0'].map((text) => dialectOf(text).dropsUnlessRepeated)).toEqual([
      [],
      ['executorResources'],
      ['executorResources', 'resourceLimits'],
    ]);
  });

  test('events carry whole trees of apps less and less', () => {
    expect(['1.4.0', '1.5.0', '1.6.0', '1.7.0'].map((text) => dialectOf(text).planFormat)).toEqual([
      'heavy',
      'heavy-unless-light',
      'heavy-unless-light',
      'light',
    ]);
  });
});
