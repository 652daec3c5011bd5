import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { dialectOf } from '../../../../src/lab/marathon/dialect.ts';
import { EventBus } from '../../../../src/lab/marathon/events.ts';
import type { LabOptions } from '../../../../src/lab/marathon/start.ts';
import { EventStreams } from '../../../../src/lab/marathon/streams.ts';
import { type Bench, basic, HTTP_CHECK, sleeper, startBench, until, WEB_SERVER } from './lab-harness.ts';
import { LAB, NEW, OLD, VERSIONS } from './versions.ts';

let bench: Bench;
let opened: Bench | undefined;
let sockets: Socket[] = [];
const start = async (version: string, options: Partial<LabOptions> = {}) => {
  bench = await startBench({ version, ...options });
  opened = bench;
};
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await opened?.close();
  opened = undefined;
});

/** A stream of events as text. */
function open(query = '') {
  const { address, port, user, password } = bench.lab;
  const socket = connect({ host: address, port });
  sockets.push(socket);
  const stream = { text: '', socket };
  socket.setEncoding('utf8');
  socket.on('data', (part) => {
    stream.text += part;
  });
  socket.on('error', () => undefined);
  socket.write(
    `GET /v2/events${query} HTTP/1.1\r\nHost: ${address}:${port}\r\nAccept: text/event-stream\r\n` +
      `Authorization: ${basic(user, password)}\r\n\r\n`,
  );
  return stream;
}

/** The data of the last event of a type. */
function lastOf(text: string, type: string) {
  const found = [...text.matchAll(/event: (\w+)\r\ndata: (.*)\r\n\r\n/g)].filter(([, name]) => name === type);
  return JSON.parse(found.at(-1)?.[2] ?? 'null');
}

test.each([
  [OLD, [true, true]],
  ['1.5.15', [true, false]],
  ['1.6.567', [true, false]],
  ['1.7.236', [false, false]],
  [LAB, [false, false]],
  [NEW, [false, false]],
])(
  '8.34 plans carry in %s the apps before and after, as a rule and when light ones are asked for: %j',
  async (version, isHeavy) => {
    await start(version);
    const streams = [open(), open('?plan-format=light')];
    await until('both are attached', () => bench.lab.streams() === 2);
    await bench.run(sleeper({ id: '/shop/web' }));

    await bench.call('PUT', '/v2/apps/shop/web', { env: { A: '2' } });
    await bench.settled('/shop/web');
    const of = (text: string) => lastOf(text, 'deployment_success');
    await until('both were told', () => streams.every(({ text }) => of(text)?.plan.steps.length === 1));

    const plans = streams.map(({ text }) => of(text).plan);
    expect(plans.map((plan) => 'original' in plan && 'target' in plan)).toEqual(isHeavy);
    for (const { original, target } of plans.filter((plan) => plan.original))
      expect([original, target].map((root) => root.groups[0].apps[0].env.A)).toEqual(['1', '2']);
    for (const plan of plans)
      expect(plan.steps).toEqual([{ actions: [{ action: 'RestartApplication', app: '/shop/web' }] }]);
  },
);

test.each(VERSIONS)('8.33 %s lets only the named types through', async (version) => {
  await start(version);
  const stream = open('?event_type=deployment_success&plan-format=light');
  await until('it is attached', () => bench.lab.streams() === 1);

  await bench.run(sleeper());
  await until('the end came', () => stream.text.includes('deployment_success'));

  expect(new Set([...stream.text.matchAll(/event: (\w+)/g)].map(([, type]) => type))).toEqual(
    new Set(['deployment_success']),
  );
});

test.each([
  [OLD, ['Created', 'Staging', 'Running']],
  ['1.7.236', ['Created', 'Staging', 'Running']],
  [LAB, ['Scheduled', 'Provisioned', 'Staging', 'Running']],
  [NEW, ['Scheduled', 'Provisioned', 'Staging', 'Running']],
])('8.34 %s tells the conditions of a new instance: %j', async (version, conditions) => {
  await start(version);
  await bench.run(sleeper());

  const told = bench.events.filter((event) => event.eventType === 'instance_changed_event');

  expect(told.map((event) => event.condition)).toEqual(conditions);
});

test.each([
  [OLD, 'instanceId'],
  ['1.5.15', 'taskId'],
  [LAB, 'taskId'],
  [NEW, 'taskId'],
])('8.34 in %s a failed health check names the instance in %s', async (version, key) => {
  await start(version);
  const check = { ...HTTP_CHECK, path: '/status/500', gracePeriodSeconds: 0, maxConsecutiveFailures: 0 };
  await bench.call(
    'POST',
    '/v2/apps',
    sleeper({ cmd: WEB_SERVER, portDefinitions: [{ port: 0 }], healthChecks: [check] }),
  );
  const failed = () => bench.events.find((event) => event.eventType === 'failed_health_check_event');
  await until('it failed', failed);

  expect(failed()?.[key]).toBe(bench.lab.tasks('/app')[0]?.instanceId);
});

test.each([
  [OLD, undefined],
  ['1.5.15', undefined],
  ['1.6.567', 'The upgrade has been cancelled'],
  [LAB, 'The upgrade has been cancelled'],
  [NEW, 'The upgrade has been cancelled'],
])('8.34 in %s a cancelled deployment fails with the reason %s', async (version, reason) => {
  await start(version);
  await bench.run(sleeper());
  bench.lab.faults.set({ hangDeployment: '/app' });
  const { json } = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });

  await bench.call('DELETE', `/v2/deployments/${json.deploymentId}?force=true`);

  const failed = bench.events.find((event) => event.eventType === 'deployment_failed');
  expect([failed?.id, failed?.reason]).toEqual([json.deploymentId, reason]);
});

test.each([
  ['1.7.236', false],
  [LAB, true],
])(
  'in %s a reader that is more than 1024 events behind is closed: %s; else it misses some',
  async (version, isClosed) => {
    const events = new EventBus();
    const streams = new EventStreams(events, 60_000, dialectOf(version), () => false);
    const server = createServer((request, response) =>
      streams.attach(request, response, { types: ['flood', 'end'], isLight: false, leader: '' }),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const socket = connect({ host: '127.0.0.1', port });
    sockets.push(socket);
    let text = '';
    socket.setEncoding('latin1').on('data', (part) => {
      text += part;
    });
    socket.write('GET / HTTP/1.1\r\nHost: lab\r\n\r\n');
    await until('it is attached', () => streams.count === 1);

    for (let number = 0; number < 1500; number++) events.publish('flood', { filler: 'x'.repeat(20_000) });
    await until(
      'it is closed or reads again',
      () => streams.count === 0 || text.split('event: ').length > 1000,
    );
    events.publish('end', {});
    await until('the rest is read', () => streams.count === 0 || text.includes('event: end'));
    const heard = text.split('event: flood').length - 1;
    const count = streams.count;
    streams.closeAll();
    server.close();

    expect(count).toBe(isClosed ? 0 : 1);
    expect(heard).toBeLessThan(1500);
  },
);
