import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { longTest } from '../../../support/whole.ts';
import { app } from './apps.ts';
import {
  ask,
  cleanUp,
  PORTS,
  startSilentTask,
  startTask,
  startTestBalancer,
  type TestBalancer,
  until,
  untilResting,
} from './running.ts';
import { type SmallMarathon, startSmallMarathon } from './small-marathon.ts';

let marathon: SmallMarathon;
afterEach(async () => {
  await cleanUp();
  await marathon.stop();
});

async function startServing(args: string[] = []): Promise<TestBalancer> {
  const task = await startTask('shop');
  marathon = await startSmallMarathon([app('/shop', 10001, task.port, { HAPROXY_0_VHOST: 'a.com' })]);
  const balancer = await startTestBalancer(marathon.url, args);
  await until('it serves', async () => (await balancer.http('a.com')).status === 200);
  await untilResting(balancer);
  return balancer;
}

const pidsOf = async (balancer: TestBalancer): Promise<number[]> =>
  (await balancer.admin('/_haproxy_getpids')).body.split(' ').map(Number);
const reloads = async (balancer: TestBalancer): Promise<number> =>
  (await balancer.state()).counters.reloads ?? 0;
const hasEnded = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
  } catch {
    return true;
  }
};

test('8.10 8.11 8.12 a reload keeps the master, brings a worker, and the old one lives until its request has ended', async () => {
  const balancer = await startServing();
  const [worker = 0, master = 0] = await pidsOf(balancer);
  const inFlight = balancer.http('a.com', '/?hold=2500');
  await until('the request is with its server', async () =>
    /^shop_10001,BACKEND,\d+,\d+,1,/m.test((await balancer.admin('/haproxy?stats;csv')).body),
  );

  await balancer.admin('/_mlb_signal/usr1');

  await until('the reload is over', async () => (await reloads(balancer)) === 1);
  const draining = await pidsOf(balancer);
  expect(draining).toEqual([expect.any(Number), worker, master]);
  expect((await inFlight).status).toBe(200);
  await until('two processes', async () => (await pidsOf(balancer)).length === 2);
  expect(await pidsOf(balancer)).toEqual([draining[0], master]);
});

test('8.12 getpids lists the processes of this balancer alone', async () => {
  const first = await startServing();
  const second = await startTestBalancer(marathon.url);
  await until('the second serves', async () => (await second.http('a.com')).status === 200);

  const [ofFirst, ofSecond] = [await pidsOf(first), await pidsOf(second)];

  expect(ofFirst).toHaveLength(2);
  expect(ofSecond).toHaveLength(2);
  expect(ofFirst.filter((pid) => ofSecond.includes(pid))).toEqual([]);
});

test('8.13 hup asks Marathon and does not reload an equal text', async () => {
  const balancer = await startServing();
  const listed = marathon.listed();

  const answer = await balancer.admin('/_mlb_signal/hup');

  expect([answer.status, answer.body]).toEqual([200, 'Sent SIGHUP signal to marathon-lb']);
  await until('apps are listed', () => marathon.listed() === listed + 1);
  await until('the regeneration is over', async () => (await balancer.state()).counters.regenerations === 3);
  expect((await balancer.state()).counters).toMatchObject({ reloads: 0, hup: 1 });
});

test('8.14 usr1 validates and reloads without asking Marathon, by any method', async () => {
  const balancer = await startServing();
  const before = { listed: marathon.listed(), counters: (await balancer.state()).counters };

  const answer = await balancer.admin('/_mlb_signal/usr1', 'POST');

  expect([answer.status, answer.body]).toEqual([200, 'Sent SIGUSR1 signal to marathon-lb']);
  await until('one reload', async () => (await reloads(balancer)) === 1);
  expect(marathon.listed()).toBe(before.listed);
  expect((await balancer.state()).counters.validations).toBe((before.counters.validations ?? 0) + 1);
});

longTest('8.15 a dropped usr1 is answered 200 and never acted on; the next one is', async () => {
  const balancer = await startServing();
  await balancer.switch({ dropUsr1: 1 });

  const dropped = await balancer.admin('/_mlb_signal/usr1');
  await balancer.admin('/_mlb_signal/hup');
  await until('the updater came round', async () => (await balancer.state()).counters.regenerations === 3);

  expect(dropped.status).toBe(200);
  expect(await reloads(balancer)).toBe(0);
  await balancer.admin('/_mlb_signal/usr1');
  await until('the second one works', async () => (await reloads(balancer)) === 1);
});

longTest('8.15 usr1 with a waiting event is only the regeneration', async () => {
  const balancer = await startServing();
  await balancer.switch({ isFrozen: true });
  await balancer.admin('/_mlb_signal/hup');
  await balancer.admin('/_mlb_signal/usr1');

  await balancer.switch({ isFrozen: false });

  await until('the regeneration is over', async () => (await balancer.state()).counters.regenerations === 3);
  await balancer.admin('/_mlb_signal/hup');
  await until('another is over', async () => (await balancer.state()).counters.regenerations === 4);
  expect(await reloads(balancer)).toBe(0);
});

longTest('8.15 a delayed usr1 acts later, and both signals answer 500 as in poll mode', async () => {
  const balancer = await startServing();
  await balancer.switch({ delayUsr1Ms: 300 });
  await balancer.admin('/_mlb_signal/usr1');
  expect(await reloads(balancer)).toBe(0);
  await until('the late reload', async () => (await reloads(balancer)) === 1);

  await balancer.switch({ signalStatus: 500 });
  const answers = [await balancer.admin('/_mlb_signal/hup'), await balancer.admin('/_mlb_signal/usr1')];

  expect(answers.map(({ status, body }) => [status, body])).toEqual(
    ['SIGHUP', 'SIGUSR1'].map((name) => [
      500,
      `Failed to send ${name} signal to marathon-lb (exit code 1). Is marathon-lb running in 'poll' mode?`,
    ]),
  );
});

test('8.27 an injected validation failure: the text changes, nothing reloads, the old configuration serves', async () => {
  const balancer = await startServing();
  const task = await startTask('other');
  await balancer.switch({ failValidations: 100 });

  marathon.apps.push(app('/other', 10002, task.port, { HAPROXY_0_VHOST: 'b.com' }));
  marathon.tell('api_post_event');
  await until('the rescue failed too', async () => (await balancer.state()).counters.rescues === 1);
  await until('the regeneration is over', async () => (await balancer.state()).lastError !== undefined);

  expect(await reloads(balancer)).toBe(0);
  expect((await balancer.http('a.com')).status).toBe(200);
  expect((await balancer.http('b.com')).status).toBe(503);
  await balancer.switch({ failValidations: 0 });
  await balancer.admin('/_mlb_signal/hup');
  await until('it follows again', async () => (await balancer.http('b.com')).status === 200);
});

test('8.24 SIGTERM cuts every connection at once and leaves no process behind', async () => {
  const balancer = await startServing();
  const pids = await pidsOf(balancer);
  const inFlight = balancer.http('a.com', '/?hold=20000').then(
    () => 'answered',
    () => 'cut',
  );
  await until('the request is with its server', async () =>
    /^shop_10001,BACKEND,\d+,\d+,1,/m.test((await balancer.admin('/haproxy?stats;csv')).body),
  );

  balancer.process.signal('SIGTERM');

  expect(await inFlight).toBe('cut');
  expect(await balancer.process.ended).toEqual({ code: 0, signal: null });
  await until('its processes are gone', () => pids.every(hasEnded));
});

test('8.24 HAProxy ends too when only the balancer is killed hard', async () => {
  const balancer = await startServing();
  const pids = await pidsOf(balancer);

  balancer.process.signal('SIGKILL');

  await until('its processes are gone', () => pids.every(hasEnded));
});

test("8.17 8.18 the statistics are HAProxy's own, and a new server is UP before its first check", async () => {
  const balancer = await startServing();
  const port = await startSilentTask();
  const healthChecks = [
    {
      protocol: 'HTTP',
      portIndex: 0,
      intervalSeconds: 50,
      timeoutSeconds: 30,
      gracePeriodSeconds: 60,
      maxConsecutiveFailures: 2,
    },
  ];
  const tasks = [
    { id: 'checked.1', host: '127.0.0.1', ports: [port], healthCheckResults: [{ alive: true }] },
  ];
  marathon.apps.push(app('/checked', 10002, port, {}, { healthChecks, tasks }));
  marathon.tell('api_post_event');

  const csv = await until('the new server is listed', async () => {
    const { body } = await balancer.admin('/haproxy?stats;csv');
    return body.includes(`checked_10002,127_0_0_1_${port},`) ? body : '';
  });

  const [header = '', ...rows] = csv.trim().split('\n');
  expect(header.startsWith('# pxname,svname,qcur,')).toBe(true);
  expect(header.split(',')).toContain('-');
  expect(rows.every((row) => row.endsWith(','))).toBe(true);
  const status = header.split(',').indexOf('status');
  const statusOf = (start: string): string | undefined =>
    rows.find((row) => row.startsWith(start))?.split(',')[status];
  // In full it is "UP 1/3": in use, but one failed check puts it down.
  expect(statusOf(`checked_10002,127_0_0_1_${port},`)).toMatch(/^UP/);
  expect(statusOf('shop_10001,127_0_0_1_')).toBe('no check');
});

test('8.2 the app id frontend and the service port lead to the app', async () => {
  const balancer = await startServing();
  const host = balancer.address;

  const byId = await ask({ host, port: PORTS.appId, path: '/', headers: { 'x-marathon-app-id': '/shop' } });
  const byPort = await ask({ host, port: 10001, path: '/' });

  expect([byId.status, byPort.status]).toEqual([200, 200]);
});
