import { describe, expect, it } from 'vitest';
import { bestOf, isFurther, isHealthy, isNew, progressOf } from '../../../src/delivery/progress.ts';
import { appSchema } from '../../../src/marathon/app-schema.ts';

const OLD = '2026-01-01T00:00:00.000Z';
const WRITE = '2026-01-02T00:00:00.000Z';
interface TaskChanges {
  id?: string;
  version?: string | null;
  state?: string;
  alive?: boolean[];
}

/** Old and healthy unless told otherwise. */
const task = ({ id = 'lb.1', version = OLD, state = 'TASK_RUNNING', alive = [true] }: TaskChanges = {}) => ({
  id,
  ...(version === null ? {} : { version }),
  state,
  host: '10.0.0.11',
  healthCheckResults: alive.map((each) => ({ alive: each })),
});
const app = (tasks: object[], healthChecks: object[] = [{}]) =>
  appSchema.parse({ id: '/marathon-lb', instances: 2, version: WRITE, tasks, healthChecks });
const fresh = (changes: TaskChanges = {}) => task({ id: 'lb.9', version: WRITE, ...changes });

describe('progressOf()', () => {
  it.each([
    ['before anything happened', [task(), task()], [0, 0, 2]],
    ['while a new task is staged', [task(), task(), fresh({ state: 'TASK_STAGING', alive: [] })], [0, 0, 2]],
    ['while a new task starts', [task(), task(), fresh({ state: 'TASK_STARTING', alive: [] })], [0, 0, 2]],
    ['once a new task runs', [task(), task(), fresh({ alive: [] })], [1, 0, 2]],
    ['while one of its checks fails', [task(), task(), fresh({ alive: [true, false] })], [1, 0, 2]],
    ['once it is healthy', [task(), task(), fresh()], [1, 1, 2]],
    ['when an old one is gone', [task(), fresh()], [1, 1, 1]],
    ['while an old one is being killed', [task(), task({ state: 'TASK_KILLING' }), fresh()], [1, 1, 1]],
    ['with dead tasks still listed', [task({ state: 'TASK_FAILED', version: null }), fresh()], [1, 1, 0]],
    ['with a task whose version is not told', [task({ version: null }), fresh()], [1, 1, 1]],
    ['at the end', [fresh(), fresh()], [2, 2, 0]],
  ])('%s', (_when, tasks, [newRunning, newHealthy, oldLeft]) => {
    expect(progressOf(app(tasks), WRITE)).toEqual({ newRunning, newHealthy, oldLeft });
  });
});

describe('isFurther()', () => {
  it('sees no progress in a task that crashes and comes back for ever', () => {
    const looks = Array.from({ length: 20 }, (_, index) =>
      progressOf(app([task(), ...(index % 2 === 0 ? [fresh({ id: `lb.${index}`, alive: [] })] : [])]), WRITE),
    );
    let best = { newRunning: 0, newHealthy: 0, oldLeft: Number.POSITIVE_INFINITY };
    const steps = looks.map((look) => {
      const further = isFurther(best, look);
      best = bestOf(best, look);
      return further;
    });

    expect(steps).toEqual([true, ...Array.from({ length: 19 }, () => false)]);
  });

  it('sees no progress in a healthy task that turns unhealthy and healthy again', () => {
    const looks = [[true], [false], [true]].map((alive) =>
      progressOf(app([task(), fresh({ alive })]), WRITE),
    );
    const best = looks.slice(0, 2).reduce(bestOf);

    expect(isFurther(best, looks[2] as (typeof looks)[0])).toBe(false);
  });

  it.each([
    [{ newRunning: 1, newHealthy: 0, oldLeft: 2 }, true],
    [{ newRunning: 0, newHealthy: 1, oldLeft: 2 }, true],
    [{ newRunning: 0, newHealthy: 0, oldLeft: 1 }, true],
    [{ newRunning: 0, newHealthy: 0, oldLeft: 2 }, false],
    [{ newRunning: 0, newHealthy: 0, oldLeft: 3 }, false],
  ])('of %j after {0, 0, 2} is %s', (now, answer) => {
    expect(isFurther({ newRunning: 0, newHealthy: 0, oldLeft: 2 }, now)).toBe(answer);
  });
});

describe('isHealthy()', () => {
  it.each([
    ['runs and nothing is checked', task({ alive: [] }), [], true],
    ['runs and has no result yet', task({ alive: [] }), [{}], false],
    ['runs and one of two checks fails', task({ alive: [true, false] }), [{}], false],
    ['is being killed', task({ state: 'TASK_KILLING' }), [{}], false],
  ])('a task that %s', (_what, one, checks, answer) => {
    const parsed = app([one], checks);

    expect(parsed.tasks.map((each) => isHealthy(parsed, each))).toEqual([answer]);
  });
});

describe('isNew()', () => {
  it.each([
    [WRITE, true],
    ['2026-01-02T00:00:00.001Z', true],
    ['2026-01-01T23:59:59.999Z', false],
    [undefined, false],
  ])('of %s', (version, answer) => {
    expect(isNew(version, WRITE)).toBe(answer);
  });
});
