import { describe, expect, it } from 'vitest';
import type { ColourApp, ColourTask } from '../../../src/rollout/model.ts';
import { endsByItself, endsNothingInUse } from '../../../src/rollout/unlocking.ts';
import { colourApp, rolloutMemory } from '../../support/colours.ts';

const SCALED = '2026-01-02T10:00:00.000Z';

type Life = [state: 'alive' | 'sick' | 'staging' | 'killing' | 'dead', startedAt?: string];

/** A deployed app with these tasks; times of 2026-01-02, when it was scaled at 10:00. */
function scaledApp(lives: Life[], changes: Partial<ColourApp> = {}): ColourApp {
  const tasks = lives.map(([life, startedAt], at): ColourTask => {
    const states = { staging: 'TASK_STAGING', killing: 'TASK_KILLING', dead: 'TASK_FAILED' };
    const state = life in states ? states[life as keyof typeof states] : 'TASK_RUNNING';
    const isAlive = life === 'alive' || life === 'killing';
    return {
      ...{ id: `t${at}`, state, isAlive, isHealthy: life === 'alive', listeners: [] },
      startedAt: startedAt === undefined ? undefined : `2026-01-02T${startedAt}:00.000Z`,
    };
  });
  const app = colourApp('green', [], { instances: lives.length, deployments: ['d1'], scaledAt: SCALED });
  return { ...app, tasks, isAsCreated: false, ...changes };
}

const from = (count: number) =>
  rolloutMemory({ scaled: { '/web-green': { from: count, deploymentId: 'd1', isBrief: false } } });

describe('endsNothingInUse()', () => {
  it.each<[string, ColourApp, number | undefined, boolean]>([
    ['the one more is staging', scaledApp([['alive', '09:00'], ['staging']]), 1, true],
    ['the one more was not placed yet', scaledApp([['alive', '09:00']], { instances: 2 }), 1, true],
    [
      'the youngest is sick',
      scaledApp([
        ['alive', '09:00'],
        ['sick', '10:01'],
      ]),
      1,
      true,
    ],
    [
      'the youngest lives',
      scaledApp([
        ['sick', '09:00'],
        ['alive', '10:01'],
      ]),
      1,
      false,
    ],
    [
      'one of the two more lives',
      scaledApp([
        ['alive', '09:00'],
        ['alive', '10:01'],
        ['sick', '10:02'],
      ]),
      1,
      false,
    ],
    [
      'Marathon ends the oldest first',
      scaledApp(
        [
          ['alive', '09:00'],
          ['sick', '10:01'],
        ],
        { endsOldestFirst: true },
      ),
      1,
      false,
    ],
    ['nobody knows which is the youngest', scaledApp([['alive'], ['sick']]), 1, false],
    [
      'somebody else scaled it, and what began before lives',
      scaledApp([
        ['alive', '08:00'],
        ['alive', '09:00'],
        ['sick', '10:01'],
      ]),
      undefined,
      true,
    ],
    [
      'somebody else scaled it, and what lives began after it',
      scaledApp([
        ['alive', '10:01'],
        ['sick', '10:02'],
      ]),
      undefined,
      false,
    ],
    [
      'it was created with all of them',
      scaledApp(
        [
          ['alive', '10:01'],
          ['sick', '10:02'],
        ],
        { isAsCreated: true },
      ),
      undefined,
      false,
    ],
  ])('is asked where %s', (_what, app, count, expected) => {
    expect(endsNothingInUse(app, count === undefined ? rolloutMemory() : from(count))).toBe(expected);
  });
});

describe('endsByItself()', () => {
  it.each<[string, ColourApp, string[], boolean]>([
    [
      'waits for tasks to live',
      scaledApp([
        ['alive', '09:00'],
        ['sick', '10:01'],
      ]),
      [],
      false,
    ],
    ['was begun by taking another one back', scaledApp([['alive', '09:00']]), ['d1'], true],
    [
      'ends a task, which is listed until it is dead',
      scaledApp([['alive'], ['alive']], { instances: 1 }),
      [],
      true,
    ],
    ['ends a task that says so', scaledApp([['alive'], ['killing']], { instances: 1 }), [], true],
    ['replaces a dead one', scaledApp([['alive'], ['dead']], { instances: 1 }), [], false],
  ])('is asked of a deployment that %s', (_what, app, undone, expected) => {
    expect(endsByItself(app, rolloutMemory({ undone }))).toBe(expected);
  });
});
