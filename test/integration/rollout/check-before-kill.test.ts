import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkHook } from '../../../src/rollout/hook.ts';

const HOOK = resolve(import.meta.dirname, '../../../deploy/rollout/check-before-kill');

const OLD = { id: '/nginx-blue', instances: 10, tasksHealthy: 0, tasksUnhealthy: 3 };
/** A label and a variable that try to look like the counts. */
const nextApp = (healthy: number, unhealthy: number) => ({
  id: '/nginx-green',
  labels: { trap: '"tasksHealthy":99,', tasksHealthy: '98' },
  tasksHealthy: healthy,
  tasksUnhealthy: unhealthy,
  env: { TRAP: '{"tasksUnhealthy":99}' },
  deployments: [],
});
const ask = (args: readonly string[], env: Record<string, string> = {}) => {
  const { status, stdout, stderr } = spawnSync(HOOK, args, {
    encoding: 'utf8',
    timeout: 30_000,
    env: { PATH: process.env.PATH ?? '', ...env },
  });
  return { status, said: `${stdout}${stderr}`.trim() };
};
const asked = (app: object, ids = ['nginx-blue.1', 'nginx-blue.2'], indent?: number) =>
  [OLD, ids, app].map((value) => JSON.stringify(value, undefined, indent));

describe('the example of a pre-kill hook', () => {
  it('can be run', () => {
    expect(checkHook(HOOK)).toBeUndefined();
  });

  it.each([
    ['compact', undefined],
    ['as Python writes it, or over several lines', 1],
  ])('agrees when the new colour is well, by JSON that is %s', (_how, indent) => {
    expect(ask(asked(nextApp(8, 0), undefined, indent))).toEqual({
      status: 0,
      said: '8 tasks of the new colour are healthy: 2 old ones may go',
    });
  });

  it.each([
    [
      'a new task is unhealthy',
      asked(nextApp(8, 1)),
      {},
      '1 tasks of the new colour are unhealthy: the 2 old ones stay',
    ],
    [
      'no new task is healthy',
      asked(nextApp(0, 0), []),
      {},
      '0 tasks of the new colour are healthy, 1 are wanted: the 0 old ones stay',
    ],
    [
      'too few are',
      asked(nextApp(4, 0)),
      { MIN_HEALTHY: '5' },
      '4 tasks of the new colour are healthy, 5 are wanted',
    ],
    [
      'nobody says',
      asked({ id: '/nginx-green' }),
      {},
      'the new app does not say how many of its tasks are healthy',
    ],
  ])('refuses when %s', (_what, args, env, said) => {
    expect(ask(args, env)).toEqual({ status: 1, said: expect.stringContaining(said) });
  });

  it('refuses to be asked with less than three arguments', () => {
    expect(ask(['{}', '[]'])).toEqual({ status: 64, said: expect.stringContaining('usage: ') });
  });
});
