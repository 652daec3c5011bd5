import { expect, test } from 'vitest';
import type { App } from '../../../src/lab/marathon/app.ts';
import { dialectOf } from '../../../src/lab/marathon/dialect.ts';
import { completeApp } from '../../../src/lab/marathon/normalize.ts';
import { affectedApps, planSteps, withVersions } from '../../../src/lab/marathon/plan.ts';

const DIALECT = dialectOf('1.8.222');
const T0 = '2020-01-01T00:00:00.000Z';
const T1 = '2020-01-01T00:00:01.000Z';

const app = (change: Partial<App> = {}): App => ({
  ...completeApp(change.id ?? '/app', { cmd: 'sleep 1', portDefinitions: [] }, DIALECT),
  version: T0,
  versionInfo: { lastScalingAt: T0, lastConfigChangeAt: T0 },
  ...change,
});
const apps = (...all: App[]) => new Map(all.map((one) => [one.id, one]));
const actionsOf = (before: Map<string, App>, after: Map<string, App>, extras = {}) =>
  planSteps(before, after, extras).map((step) =>
    step.actions.map(({ action, app: id }) => `${action} ${id}`),
  );

test.each([
  ['a new app', apps(), apps(app()), [['StartApplication /app'], ['ScaleApplication /app']]],
  ['a vanished app', apps(app()), apps(), [['StopApplication /app']]],
  ['a changed env', apps(app()), apps(app({ env: { A: '1' } })), [['RestartApplication /app']]],
  ['changed labels', apps(app()), apps(app({ labels: { a: 'b' } })), [['RestartApplication /app']]],
  ['another count', apps(app()), apps(app({ instances: 2 })), [['ScaleApplication /app']]],
  [
    'a changed env with target 0',
    apps(app()),
    apps(app({ env: { A: '1' }, instances: 0 })),
    [['ScaleApplication /app']],
  ],
  ['nothing', apps(app()), apps(app()), []],
])('planSteps() for %s', (_name, before, after, expected) => {
  expect(actionsOf(before, after)).toEqual(expected);
});

test('planSteps() restarts an unchanged app when it is told to', () => {
  expect(actionsOf(apps(app()), apps(app()), { restart: new Set(['/app']) })).toEqual([
    ['RestartApplication /app'],
  ]);
});

test('planSteps() puts an app after the apps it depends on, in a step of its own', () => {
  const db = app({ id: '/db' });
  const web = app({ id: '/web', dependencies: ['/db'] });
  const after = apps({ ...web, env: { A: '1' } }, { ...db, env: { A: '1' } });

  expect(actionsOf(apps(web, db), after)).toEqual([['RestartApplication /db'], ['RestartApplication /web']]);
});

test('planSteps() survives apps that depend on each other', () => {
  const one = app({ id: '/one', dependencies: ['/two'] });
  const two = app({ id: '/two', dependencies: ['/one'] });

  const steps = planSteps(apps(one, two), apps({ ...one, env: { A: '1' } }, { ...two, env: { A: '1' } }));

  expect(affectedApps(steps).sort()).toEqual(['/one', '/two']);
});

test.each([
  ['a change of configuration', app({ env: { A: '1' } }), {}, '1.8', [T1, T1, T1]],
  ['a change of the count', app({ instances: 2 }), {}, '1.8', [T1, T1, T0]],
  ['a restart', app(), { restart: new Set(['/app']) }, '1.8', [T1, T0, T1]],
  ['a restart', app(), { restart: new Set(['/app']) }, '1.7', [T1, T1, T0]],
  ['no change', app(), {}, '1.8', [T0, T0, T0]],
])('withVersions() after %s', (_name, after, extras, version, expected) => {
  const seen = withVersions(apps(app()), apps(after), T1, dialectOf(version), extras).get('/app');

  expect([seen?.version, seen?.versionInfo.lastScalingAt, seen?.versionInfo.lastConfigChangeAt]).toEqual(
    expected,
  );
});
