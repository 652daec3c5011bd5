import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Bench, isAlive, sleeper, startBench, until, WEB_SERVER } from './lab-harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench({
    images: {
      'shop/web:1': ({ args, host, ports }) => ({
        command: '/bin/sh',
        args: [
          '-c',
          'echo "$0 $1 $2 $FROM_IMAGE $MARATHON_APP_DOCKER_IMAGE"; exec sleep 1000',
          host,
          String(ports[0]),
          ...args,
        ],
        env: { FROM_IMAGE: 'yes', A: 'image' },
      }),
    },
    secrets: { '/db/pw': 'from the vault' },
  });
});
afterEach(() => bench.close());

test("8.21 cmd runs through /bin/sh -c with the environment of the reference, the user's own last", async () => {
  await bench.run(
    sleeper({
      id: '/prod/web',
      // No exec: a shell drops variables that it could not have named itself, such as PORT_HTTP-API.
      cmd: 'sleep 1000 && true',
      portDefinitions: [{ port: 0, name: 'http-api' }, { port: 18_080 }],
      labels: { HAPROXY_GROUP: 'external', 'with.dots-and': 'x', long: 'x'.repeat(512) },
      env: { A: '1', HOST: 'mine', LINES: 'one\ntwo\n', PW: { secret: 's0' } },
      secrets: { s0: { source: '/db/pw' } },
    }),
  );
  const [task] = bench.lab.tasks('/prod/web');
  const [first = 0, second = 0] = task?.ports ?? [];
  const app = await bench.app('/prod/web');

  const env = await bench.envOf(task?.id ?? '');

  expect(env).toEqual({
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    ...(process.env.NODE_COMPILE_CACHE ? { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE } : {}),
    MARATHON_APP_ID: '/prod/web',
    MARATHON_APP_VERSION: app.version,
    MARATHON_APP_RESOURCE_CPUS: '0.1',
    MARATHON_APP_RESOURCE_MEM: '32.0',
    MARATHON_APP_RESOURCE_DISK: '0.0',
    MARATHON_APP_RESOURCE_GPUS: '0',
    MARATHON_APP_LABELS: 'HAPROXY_GROUP WITH_DOTS_AND',
    MARATHON_APP_LABEL_HAPROXY_GROUP: 'external',
    MARATHON_APP_LABEL_WITH_DOTS_AND: 'x',
    MESOS_TASK_ID: task?.id,
    MESOS_SANDBOX: task?.sandbox,
    PORT: String(first),
    PORT0: String(first),
    PORT1: String(second),
    PORTS: `${first},${second}`,
    [`PORT_${app.portDefinitions[0].port}`]: String(first),
    'PORT_HTTP-API': String(first),
    PORT_18080: String(second),
    A: '1',
    HOST: 'mine',
    LINES: 'one\ntwo\n',
    PW: 'from the vault',
  });
});

test('8.21 the task listens on PORT0 of its agent', async () => {
  await bench.run(sleeper({ cmd: WEB_SERVER, portDefinitions: [{ port: 0 }] }));
  const [task] = bench.lab.tasks('/app');
  const port = task?.ports[0] ?? 0;

  await until(
    'it listens',
    () =>
      new Promise((resolve) => {
        const socket = connect({ host: task?.host ?? '', port });
        socket.once('connect', () => {
          socket.destroy();
          resolve(true);
        });
        socket.once('error', () => resolve(false));
      }),
  );

  expect(port).toBeGreaterThanOrEqual(31_000);
  expect(port).toBeLessThanOrEqual(32_000);
});

test('8.21 a value above 128 KiB makes the task fail, not the call', async () => {
  const reply = await bench.call('POST', '/v2/apps', sleeper({ env: { BIG: 'x'.repeat(131_072) } }));
  await until('it failed', async () => (await bench.app('/app')).lastTaskFailure);

  expect(reply.status).toBe(201);
  expect((await bench.app('/app')).lastTaskFailure).toMatchObject({
    state: 'TASK_FAILED',
    message: expect.stringContaining('E2BIG'),
  });
});

test('8.21 a value just below the limit arrives whole', async () => {
  const value = 'x'.repeat(131_072 - 'BIG='.length - 1);
  await bench.run(sleeper({ env: { BIG: value } }));

  const env = await bench.envOf(bench.lab.tasks('/app')[0]?.id ?? '');

  expect(env.BIG).toBe(value);
});

test('8.22 a task that ignores SIGTERM is killed after its grace period, with everything it started', async () => {
  await bench.run(
    sleeper({
      cmd: "(trap '' TERM; exec sleep 1000) & echo $! > child; trap 'echo asked >> asked' TERM; while :; do sleep 0.02; done",
      taskKillGracePeriodSeconds: 1,
    }),
  );
  const [task] = bench.lab.tasks('/app');
  const read = (file: string) => readFile(join(task?.sandbox ?? '', file), 'utf8').catch(() => '');
  await until('it is set up', async () => (await read('child')) !== '');
  const child = Number(await read('child'));

  await bench.call('DELETE', '/v2/apps/app');
  await until('it is dead', () => !isAlive(task?.pid));

  expect(await read('asked')).toBe('asked\n');
  await until('its child is dead', () => !isAlive(child));
});

test('8.22 a task that heeds SIGTERM may finish its work in the grace period', async () => {
  await bench.run(sleeper({ cmd: "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.02; done" }));
  const [task] = bench.lab.tasks('/app');
  const output = () => readFile(join(task?.sandbox ?? '', 'stdout'), 'utf8');
  await until('it is up', async () => (await output()) === 'up\n');

  await bench.call('DELETE', '/v2/apps/app');
  await until('it is dead', () => !isAlive(task?.pid));

  expect(await output()).toBe('up\nbye\n');
});

test("an image of the table becomes its program, below the app's own environment", async () => {
  await bench.run({
    id: '/app',
    args: ['sse'],
    env: { A: 'app' },
    container: { type: 'DOCKER', docker: { image: 'shop/web:1', network: 'HOST' } },
    portDefinitions: [{ port: 0 }],
  });
  const [task] = bench.lab.tasks('/app');
  const output = () => readFile(join(task?.sandbox ?? '', 'stdout'), 'utf8');
  await until('it spoke', async () => (await output()) !== '');

  expect(await output()).toBe(`${task?.host} ${task?.ports[0]} sse yes shop/web:1\n`);
  expect((await bench.envOf(task?.id ?? '')).A).toBe('app');
});

test('bridge mode gives the process its host port', async () => {
  await bench.run(
    sleeper({
      portDefinitions: undefined,
      networks: [{ mode: 'container/bridge' }],
      container: { type: 'MESOS', portMappings: [{ containerPort: 8080, hostPort: 0, name: 'http' }] },
    }),
  );
  const [task] = bench.lab.tasks('/app');

  const env = await bench.envOf(task?.id ?? '');

  expect([env.PORT0, env.PORT_8080, env.PORT_HTTP]).toEqual(Array(3).fill(String(task?.ports[0])));
});

test('hostname UNIQUE puts every task on another agent, and one too many stays queued', async () => {
  await bench.call('POST', '/v2/apps', sleeper({ instances: 4, constraints: [['hostname', 'UNIQUE']] }));

  await until('three run', () => bench.lab.tasks('/app').length === 3);

  expect(new Set(bench.lab.tasks('/app').map((task) => task.host)).size).toBe(3);
  expect((await bench.call('GET', '/v2/queue')).json.queue).toMatchObject([
    { count: 1, delay: { overdue: true } },
  ]);
});

test('hostname CLUSTER puts every task on the named agent', async () => {
  await bench.run(sleeper({ instances: 3, constraints: [['hostname', 'CLUSTER', '127.0.31.12']] }));

  expect(bench.lab.tasks('/app').map((task) => task.host)).toEqual(Array(3).fill('127.0.31.12'));
});

test('a fixed host port is held until its process is dead, then it is free again', async () => {
  await bench.close();
  bench = await startBench({ agents: [{ host: '127.0.31.11' }] });
  const port = { portDefinitions: [{ port: 18_444 }], requirePorts: true };
  await bench.run(
    sleeper({ ...port, cmd: "trap '' TERM; while :; do sleep 0.02; done", taskKillGracePeriodSeconds: 0.3 }),
  );
  const [first] = bench.lab.tasks('/app');
  await bench.call('POST', '/v2/apps', sleeper({ ...port, id: '/second' }));

  await bench.call('DELETE', '/v2/apps/app');
  await until('the second runs', () => bench.lab.tasks('/second').length === 1);

  expect(isAlive(first?.pid)).toBe(false);
  expect(bench.lab.tasks('/second')[0]?.ports).toEqual([18_444]);
});

test('stop() ends every process, also one that ignores SIGTERM, and may be called twice', async () => {
  await bench.run(sleeper({ cmd: "trap '' TERM; while :; do sleep 0.02; done" }));
  await bench.run(sleeper({ id: '/second', instances: 2 }));
  const pids = ['/app', '/second'].flatMap((id) => bench.lab.tasks(id).map((task) => task.pid));

  await Promise.all([bench.lab.stop(), bench.lab.stop()]);

  expect(pids).toHaveLength(3);
  await until('all are dead', () => !pids.some(isAlive));
});
