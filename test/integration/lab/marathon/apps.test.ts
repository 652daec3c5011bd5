import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Bench, isAlive, send, sleeper, startBench, until } from './lab-harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => bench.close());

test('8.29 POST creates in two steps and answers 201 with the app, zero counts and its deployment', async () => {
  const gate = bench.gate();
  const reply = await bench.call('POST', '/v2/apps', sleeper({ healthChecks: [gate.check] }));
  const [deployment] = await bench.deployments();
  await gate.open();
  await bench.settled('/app');

  expect(reply.status).toBe(201);
  expect(reply.json).toMatchObject({
    id: '/app',
    instances: 1,
    tasksStaged: 0,
    tasksRunning: 0,
    tasksHealthy: 0,
    tasksUnhealthy: 0,
    deployments: [{ id: reply.headers['marathon-deployment-id'] }],
  });
  expect(deployment.steps).toEqual([
    { actions: [{ action: 'StartApplication', app: '/app' }] },
    { actions: [{ action: 'ScaleApplication', app: '/app' }] },
  ]);
});

test('8.29 POST of an id that exists is refused with its own message', async () => {
  await bench.run(sleeper());

  const reply = await bench.call('POST', '/v2/apps', sleeper());

  expect([reply.status, reply.json]).toEqual([409, { message: 'An app with id [/app] already exists.' }]);
});

test.each([
  ['YOUNGEST_FIRST', 0],
  ['OLDEST_FIRST', 2],
])('8.30 scaling down kills by %s', async (killSelection, survivor) => {
  await bench.run(sleeper({ killSelection, instances: 1 }));
  await bench.call('PUT', '/v2/apps/app', { instances: 2 });
  await bench.settled('/app');
  await bench.call('PUT', '/v2/apps/app', { instances: 3 });
  await bench.settled('/app');
  const before = bench.lab.tasks('/app').map((task) => task.pid);

  await bench.call('PUT', '/v2/apps/app', { instances: 1 });
  await bench.settled('/app');

  expect(bench.lab.tasks('/app').map((task) => task.pid)).toEqual([before[survivor]]);
});

test('8.31 DELETE of an app answers 200, GET is a 404 at once, tasks die, app_terminated_event follows', async () => {
  await bench.run(sleeper());
  const [task] = bench.lab.tasks('/app');

  const reply = await bench.call('DELETE', '/v2/apps/app');
  const gone = await bench.call('GET', '/v2/apps/app');
  const listed = (await bench.call('GET', '/v2/tasks')).json.tasks;
  await until('it is terminated', () =>
    bench.events.some((event) => event.eventType === 'app_terminated_event'),
  );

  expect([reply.status, Object.keys(reply.json)]).toEqual([200, ['version', 'deploymentId']]);
  expect([gone.status, gone.text]).toEqual([404, '{"message":"App \'/app\' does not exist"}']);
  expect(listed).toEqual([]);
  expect(isAlive(task?.pid)).toBe(false);
});

test('8.31 DELETE of an app succeeds although a deployment runs, unless force=false', async () => {
  await bench.run(sleeper());
  bench.lab.faults.set({ foreignDeployment: '/app' });

  const refused = await bench.call('DELETE', '/v2/apps/app?force=false');
  const done = await bench.call('DELETE', '/v2/apps/app');

  expect([refused.status, done.status]).toEqual([409, 200]);
});

test('8.32 POST of the same id before the tasks are dead is refused as locked', async () => {
  const gate = bench.gate();
  await bench.run(sleeper({ cmd: gate.cmd, taskKillGracePeriodSeconds: 60 }));
  await bench.call('DELETE', '/v2/apps/app');

  const early = await bench.call('POST', '/v2/apps', sleeper());
  await gate.open();
  await until('it is terminated', () =>
    bench.events.some((event) => event.eventType === 'app_terminated_event'),
  );
  await until('the lock is gone', async () => (await bench.deployments()).length === 0);
  const late = await bench.call('POST', '/v2/apps', sleeper());

  expect(early.status).toBe(409);
  expect(early.json.message).toContain('App is locked by one or more deployments.');
  expect(late.status).toBe(201);
});

test.each([
  ['{"instances":', 400, { message: 'Invalid JSON', details: expect.any(String) }],
  ['', 400, { message: 'Please specify data in JSON format', details: expect.any(String) }],
  [
    '{"instances":"two"}',
    422,
    { message: 'Invalid JSON', details: [{ path: '/instances', errors: ['error.expected.jsnumber'] }] },
  ],
])('8.42 the body %s gives its form of error', async (body, status, answer) => {
  await bench.run(sleeper());

  const reply = await send(bench.lab, 'PUT', '/v2/apps/app', body);

  expect([reply.status, reply.json]).toEqual([status, answer]);
});

test('8.42 a broken rule names path and values', async () => {
  await bench.run(sleeper());

  const reply = await bench.call('PUT', '/v2/apps/app', { upgradeStrategy: { minimumHealthCapacity: 2 } });

  expect([reply.status, reply.json]).toEqual([
    422,
    {
      message: 'Object is not valid',
      details: [
        { path: '/upgradeStrategy/minimumHealthCapacity', errors: ['got 2.0, expected between 0.0 and 1.0'] },
      ],
    },
  ]);
});

test.each([
  ['a number in env', { env: { A: 1 } }],
  ['an undefined secret', { env: { A: { secret: 'nobody' } } }],
  ['cmd and args', { cmd: 'sleep 1', args: ['x'] }],
  ['a negative count', { instances: -1 }],
  ['a check of a port that is not there', { healthChecks: [{ portIndex: 3 }] }],
  ['an unknown constraint', { constraints: [['hostname', 'NEAR']] }],
])('%s is refused with 422 and nothing is stored', async (_name, change) => {
  await bench.run(sleeper());
  const before = await bench.app('/app');

  const reply = await bench.call('PUT', '/v2/apps/app', change);

  expect(reply.status).toBe(422);
  expect(await bench.app('/app')).toEqual(before);
});

test.each(['/Upper', '/under_score', '/ends/tasks', '/-dash'])('the id %s is refused', async (id) => {
  expect((await bench.call('POST', '/v2/apps', sleeper({ id }))).status).toBe(422);
});

test('an app and a group may not share an id', async () => {
  await bench.run(sleeper({ id: '/shop/web' }));

  const reply = await bench.call('POST', '/v2/apps', sleeper({ id: '/shop' }));

  expect(reply.status).toBe(422);
  expect(reply.text).toContain('Groups and Applications may not have the same identifier.');
});

test('a PUT of env alone to a missing app does not create it; a PATCH is a 404; a whole PUT creates', async () => {
  const envOnly = await bench.call('PUT', '/v2/apps/new', { env: { A: '1' } });
  const patch = await bench.call('PATCH', '/v2/apps/new', { env: { A: '1' } });
  const whole = await bench.call('PUT', '/v2/apps/new', { cmd: 'exec sleep 1000' });

  expect([envOnly.status, patch.status, whole.status]).toEqual([422, 404, 201]);
});

test('a body without the JSON content type is refused', async () => {
  await bench.run(sleeper());

  const reply = await bench.call('PUT', '/v2/apps/app', { env: {} }, { 'Content-Type': 'text/plain' });

  expect([reply.status, reply.json]).toEqual([415, { message: 'Unsupported Media Type' }]);
});

test('PUT of several apps is one deployment', async () => {
  const gate = bench.gate();
  await bench.run(sleeper({ id: '/one' }));
  await bench.run(sleeper({ id: '/two' }));

  const reply = await bench.call('PUT', '/v2/apps', [
    { id: '/one', healthChecks: [gate.check] },
    { id: '/two', healthChecks: [gate.check] },
  ]);
  const deployments = await bench.deployments();

  expect(reply.status).toBe(200);
  expect(deployments).toMatchObject([{ id: reply.json.deploymentId, affectedApps: ['/one', '/two'] }]);
});
