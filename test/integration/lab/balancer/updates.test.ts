import { afterEach, expect, test } from 'vitest';
import { app } from './apps.ts';
import { cleanUp, startTask, startTestBalancer, type TestBalancer, until, untilResting } from './running.ts';
import { type SmallMarathon, startSmallMarathon } from './small-marathon.ts';

let marathon: SmallMarathon;
afterEach(async () => {
  await cleanUp();
  await marathon.stop();
});

async function startServing(apps: object[], args: string[] = []): Promise<TestBalancer> {
  marathon = await startSmallMarathon(apps);
  const balancer = await startTestBalancer(marathon.url, args);
  await untilResting(balancer);
  return balancer;
}

test('8.1 it lists apps on connect and on each of the three events, and reloads only for another text', async () => {
  const task = await startTask('shop');
  const balancer = await startServing([app('/shop', 10001, task.port, { HAPROXY_0_VHOST: 'a.com' })]);
  const start = (await balancer.state()).counters;
  const regenerations = async (): Promise<number> => (await balancer.state()).counters.regenerations ?? 0;

  for (const [at, event] of [
    'api_post_event',
    'health_status_changed_event',
    'status_update_event',
  ].entries()) {
    marathon.tell('instance_changed_event');
    marathon.tell(event);
    await until(event, async () => (await regenerations()) === (start.regenerations ?? 0) + at + 1);
  }

  const { counters } = await balancer.state();
  expect(counters).toMatchObject({ reloads: 0, validations: start.validations, events: 3 });
  expect(marathon.streams).toEqual([
    {
      query:
        '?plan-format=light&event_type=api_post_event&event_type=health_status_changed_event&event_type=status_update_event',
      accept: 'text/event-stream',
    },
  ]);
});

test('8.1 a lost stream is opened again, and the apps are asked for again', async () => {
  const balancer = await startServing([]);
  const before = (await balancer.state()).counters.regenerations ?? 0;

  marathon.dropStreams();

  await until('a new stream', async () => {
    const { counters } = await balancer.state();
    return counters.streams === 2 && (counters.regenerations ?? 0) > before;
  });
});

test('8.3 an app appears with its first server and leaves no trace without one', async () => {
  const task = await startTask('shop');
  const balancer = await startServing([app('/shop', 10001, 0, { HAPROXY_0_VHOST: 'a.com' }, { tasks: [] })]);
  expect((await balancer.http('a.com')).status).toBe(503);
  expect((await balancer.admin('/_haproxy_getconfig')).body).not.toContain('shop');

  marathon.apps = [app('/shop', 10001, task.port, { HAPROXY_0_VHOST: 'a.com' })];
  marathon.tell('status_update_event');

  await until('the app is served', async () => (await balancer.http('a.com')).status === 200);
});

test('8.9 an invalid app is left out and the others go on', async () => {
  const [first, second] = [await startTask('first'), await startTask('second')];
  const balancer = await startServing([app('/first', 10001, first.port, { HAPROXY_0_VHOST: 'a.com' })]);

  marathon.apps = [
    app('/bad', 10009, first.port, { HAPROXY_0_BALANCE: 'nonsense' }),
    ...marathon.apps,
    app('/second', 10002, second.port, { HAPROXY_0_VHOST: 'b.com' }),
  ];
  marathon.tell('api_post_event');

  await until('the good app is served', async () => (await balancer.http('b.com')).status === 200);
  expect((await balancer.http('a.com')).status).toBe(200);
  expect((await balancer.admin('/_haproxy_getconfig')).body).not.toContain('nonsense');
  expect((await untilResting(balancer)).counters).toMatchObject({ rescues: 1, reloads: 1 });
});

test('8.9 a label that cannot be read stops the updates for all apps until it is corrected', async () => {
  const task = await startTask('shop');
  const balancer = await startServing([app('/shop', 10001, task.port, { HAPROXY_0_VHOST: 'a.com' })]);
  const broken = app('/broken', 10009, task.port, { HAPROXY_0_AUTH: 'no colons' });

  marathon.apps = [broken, app('/shop', 10001, task.port, { HAPROXY_0_VHOST: 'b.com' })];
  marathon.tell('api_post_event');
  await until('the generation fails', async () => (await balancer.state()).counters.failedGenerations === 1);

  expect((await balancer.http('a.com')).status).toBe(200);
  expect((await balancer.http('b.com')).status).toBe(503);
  marathon.apps.shift();
  marathon.tell('api_post_event');
  await until('it follows again', async () => (await balancer.http('b.com')).status === 200);
});

test('8.16 getconfig is the text of the serving worker, and the health check is 200 while the updater stands still', async () => {
  const task = await startTask('shop');
  const balancer = await startServing([app('/shop', 10001, task.port)]);
  await balancer.switch({ isFrozen: true });

  marathon.apps = [app('/other', 10002, task.port)];
  marathon.tell('api_post_event');
  await until('the event has come', async () => (await balancer.state()).counters.events === 1);

  expect((await balancer.admin('/_haproxy_health_check')).status).toBe(200);
  expect((await balancer.admin('/_haproxy_getconfig')).body).toContain('backend shop_10001');
  await balancer.switch({ isFrozen: false });
  await until('it goes on', async () =>
    (await balancer.admin('/_haproxy_getconfig')).body.includes('backend other_10002'),
  );
});

test('8.23 a balancer may see events later than another', async () => {
  const task = await startTask('shop');
  const slow = await startServing([]);
  const quick = await startTestBalancer(marathon.url);
  await until('both follow', () => marathon.streams.length === 2);
  await slow.switch({ delayEventsMs: 600_000 });

  marathon.apps = [app('/shop', 10001, task.port, { HAPROXY_0_VHOST: 'a.com' })];
  marathon.tell('api_post_event');

  await until('the quick one serves', async () => (await quick.http('a.com')).status === 200);
  await until('the slow one has got the event', async () => (await slow.state()).counters.events === 1);
  expect((await slow.http('a.com')).status).toBe(503);
});
