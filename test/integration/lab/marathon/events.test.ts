import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Bench, basic, HTTP_CHECK, sleeper, startBench, until, WEB_SERVER } from './lab-harness.ts';

let bench: Bench;
let sockets: Socket[] = [];
beforeEach(async () => {
  bench = await startBench({ heartbeatMs: 100 });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await bench.close();
});

/** A stream as raw bytes. */
function open(path = '/v2/events', accept = 'text/event-stream') {
  const socket = connect({ host: bench.lab.address, port: bench.lab.port });
  sockets.push(socket);
  const stream = { text: '', isClosed: false, socket };
  socket.setEncoding('latin1');
  socket.on('data', (part) => {
    stream.text += part;
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    stream.isClosed = true;
  });
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: ${bench.lab.address}:${bench.lab.port}\r\nAccept: ${accept}\r\n` +
      `Authorization: ${basic(bench.lab.user, bench.lab.password)}\r\n\r\n`,
  );
  return stream;
}

const typesIn = (text: string) => [...text.matchAll(/event: (\w+)\r\n/g)].map((match) => match[1]);

test('8.33 a stream has the exact head and frames, the attach event first and an empty line as heartbeat', async () => {
  const stream = open();
  await until('a heartbeat came', () => stream.text.endsWith('}\r\n\r\n\r\n'));

  const [head = '', ...rest] = stream.text.split('\r\n\r\n');
  const frame = `${rest[0]}\r\n\r\n`;

  expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(head).toMatch(/\r\nContent-Type: text\/event-stream;charset=utf-8\r\n/);
  expect(head).toMatch(/\r\nConnection: close(\r\n|$)/);
  expect(head).not.toMatch(/Transfer-Encoding|Content-Length/i);
  expect(frame).toMatch(/^event: event_stream_attached\r\ndata: \{[^\r\n]*\}\r\n\r\n$/);
  expect(JSON.parse(/data: (.*)\r\n/.exec(frame)?.[1] ?? '')).toEqual({
    remoteAddress: '127.0.0.1',
    eventType: 'event_stream_attached',
    timestamp: expect.stringMatching(/\.\d{3}Z$/),
  });
});

test('8.33 event_type= lets only the named types through', async () => {
  const stream = open(
    '/v2/events?event_type=deployment_success&event_type=deployment_info&plan-format=light',
  );
  await until('it is attached', () => bench.lab.streams() === 1);

  await bench.run(sleeper());
  await until('the end came', () => stream.text.includes('deployment_success'));

  expect(new Set(typesIn(stream.text))).toEqual(new Set(['deployment_info', 'deployment_success']));
});

test.each(['text/event-stream, */*', '*/*', 'application/json'])(
  '8.33 Accept: %s is a 405 page',
  async (accept) => {
    const reply = await bench.call('GET', '/v2/events', undefined, { Accept: accept });

    expect(reply.status).toBe(405);
    expect(reply.headers['content-type']).toContain('text/html');
    expect(reply.text).toContain('<html>');
  },
);

test('8.34 one update is told in order, with the ids of its writer', async () => {
  await bench.run(sleeper({ cmd: WEB_SERVER, portDefinitions: [{ port: 0 }], healthChecks: [HTTP_CHECK] }));
  const from = bench.events.length;
  const [old] = bench.lab.tasks('/app');

  const { json } = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });
  await until('it succeeded', () =>
    bench.events.slice(from).some((event) => event.eventType === 'deployment_success'),
  );

  const events = bench.events.slice(from);
  const told = events.map((event) => {
    if (event.eventType === 'status_update_event') return `${event.taskStatus}`;
    return event.eventType;
  });
  const order = [
    'group_change_success',
    'api_post_event',
    'add_health_check_event',
    'deployment_info',
    'TASK_STAGING',
    'TASK_RUNNING',
    'instance_health_changed_event',
    'TASK_KILLED',
    'deployment_step_success',
    'deployment_success',
  ];
  expect(told.filter((type, index) => order.includes(type) && told.indexOf(type) === index)).toEqual(order);
  const find = (type: string) => events.find((event) => event.eventType === type);
  expect(find('deployment_info')).toMatchObject({
    plan: { id: json.deploymentId, version: json.version },
    currentStep: { actions: [{ action: 'RestartApplication', app: '/app' }] },
  });
  expect(find('deployment_info')?.plan).not.toHaveProperty('original');
  expect(find('deployment_success')).toMatchObject({
    id: json.deploymentId,
    plan: { id: json.deploymentId },
  });
  expect(find('api_post_event')).toMatchObject({
    uri: '/v2/apps/app',
    appDefinition: { id: '/app', env: { A: '2' } },
  });
  expect(events.find((event) => event.taskStatus === 'TASK_KILLED')).toMatchObject({
    taskId: old?.id,
    appId: '/app',
    host: old?.host,
    ports: old?.ports,
    version: old?.version,
  });
});

test('8.34 a cancelled deployment is told as failed', async () => {
  await bench.run(sleeper());
  bench.lab.faults.set({ hangDeployment: '/app' });
  const { json } = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });

  await bench.call('DELETE', `/v2/deployments/${json.deploymentId}?force=true`);

  expect(bench.events.find((event) => event.eventType === 'deployment_failed')).toMatchObject({
    id: json.deploymentId,
    reason: 'The upgrade has been cancelled',
  });
});

test('8.34 a no-op ends in deployment_success and restarts nothing', async () => {
  await bench.run(sleeper());

  const { json } = await bench.call('PUT', '/v2/apps/app', { env: { A: '1' } });
  await until('it succeeded', () =>
    bench.events.some((event) => event.eventType === 'deployment_success' && event.id === json.deploymentId),
  );

  expect(bench.events.filter((event) => event.taskStatus === 'TASK_KILLED')).toEqual([]);
});

test('8.34 kills, restarts and deletes send no api_post_event', async () => {
  await bench.run(sleeper());
  const posts = () => bench.events.filter((event) => event.eventType === 'api_post_event').length;
  const before = posts();

  await bench.call('POST', '/v2/apps/app/restart');
  await bench.call('DELETE', '/v2/apps/app');

  expect([before, posts()]).toEqual([1, 1]);
});

test('8.37 a change of the leader closes streams and forgets health, and the deployment goes on under its id', async () => {
  await bench.run(sleeper({ cmd: WEB_SERVER, portDefinitions: [{ port: 0 }], healthChecks: [HTTP_CHECK] }));
  bench.lab.faults.set({ hangDeployment: '/app' });
  const { json } = await bench.call('PUT', '/v2/apps/app', { env: { A: '2' } });
  const stream = open();
  await until('it is attached', () => bench.lab.streams() === 1);

  const before = (await bench.app('/app')).tasks[0].healthCheckResults[0].lastSuccess;
  const reply = await bench.call('DELETE', '/v2/leader');
  await until('the stream is closed', () => stream.isClosed);

  const firstSuccess = async () => (await bench.app('/app')).tasks[0].healthCheckResults[0]?.firstSuccess;
  await until('health begins anew', async () => ((await firstSuccess()) ?? '') > before);

  expect(reply.json).toEqual({ message: 'Leadership abdicated' });
  expect((await bench.deployments()).map(({ id }) => id)).toEqual([json.deploymentId]);
});

test('a reader that does not keep up is closed', async () => {
  const stream = open();
  await until('it is attached', () => bench.lab.streams() === 1);
  stream.socket.pause();
  const big = { env: { BIG: 'x'.repeat(100_000) } };
  await bench.run(sleeper({ instances: 0 }));

  // Each write tells the whole definition: the socket's buffers fill, then the queue behind them.
  await until(
    'the lab closed it',
    async () => {
      for (let i = 0; i < 50; i++)
        await bench.call('PUT', '/v2/apps/app', { ...big, labels: { i: String(i) } });
      return bench.lab.streams() === 0;
    },
    40_000,
  );

  expect(bench.lab.streams()).toBe(0);
});

test('streams may be told to drop events or to close', async () => {
  const stream = open();
  await until('it is attached', () => stream.text.includes('event_stream_attached'));
  bench.lab.faults.set({ dropEvents: true });

  await bench.run(sleeper());
  const heard = typesIn(stream.text);
  bench.lab.faults.closeStreams();
  await until('it is closed', () => stream.isClosed);

  expect(heard).toEqual(['event_stream_attached']);
  expect(bench.lab.streams()).toBe(0);
});
