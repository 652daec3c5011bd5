import { createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { listenersAt, parseServers } from '../../../src/haproxy/config-servers.ts';
import { lookAtBalancer, readConfig } from '../../../src/haproxy/look.ts';
import { listenersOf } from '../../../src/haproxy/names.ts';
import { parseStats } from '../../../src/haproxy/stats.ts';
import { systemClock as clock } from '../../../src/lib/clock.ts';
import { appSchema } from '../../../src/marathon/app-schema.ts';
import {
  type BalancerLook,
  type DrainMemory,
  emptyDrain,
  type ListenerState,
  rememberLook,
  stateOf,
} from '../../../src/rollout/drain.ts';
import { app } from '../lab/balancer/apps.ts';
import {
  cleanUp,
  PORTS,
  startTestBalancer,
  type TestBalancer,
  until,
  untilResting,
} from '../lab/balancer/running.ts';
import { type SmallMarathon, startSmallMarathon } from '../lab/balancer/small-marathon.ts';

let marathon: SmallMarathon;
const tasks: { stop(): void }[] = [];
afterEach(async () => {
  for (const task of tasks.splice(0)) task.stop();
  await cleanUp();
  await marathon.stop();
});

const { signal } = new AbortController();
const placeOf = ({ address }: TestBalancer) => ({ id: 'lb', host: address, adminPort: PORTS.admin });

/** A task that begins its answer to `/held` at once and ends it when it is told to. */
async function startTask(name: string): Promise<{ port: number; release(): void }> {
  const held = new Set<ServerResponse>();
  const server = createServer((asked, response) => {
    response.writeHead(200, { 'x-task': name }).write('begun\n');
    if (asked.url === '/held') held.add(response);
    else response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  tasks.push({
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  const release = () => {
    for (const response of held) response.end('ended\n');
  };
  return { port: (server.address() as AddressInfo).port, release };
}

/** A request over the balancer. @returns which task answers, and its whole text once it has ended */
function ask(balancer: TestBalancer, path: string): Promise<{ task: string; text: Promise<string> }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: balancer.address, port: PORTS.http, path, headers: { host: 'web.test' }, agent: false },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        const whole = new Promise<string>((done, fail) => {
          response.once('end', () => done(text));
          response.once('error', fail);
        });
        resolve({ task: String(response.headers['x-task']), text: whole });
      },
    );
    sent.once('error', reject);
    sent.end();
  });
}

const CHECK = { protocol: 'HTTP', path: '/', portIndex: 0, intervalSeconds: 1, timeoutSeconds: 1 };

function colour(name: 'blue' | 'green', ports: readonly number[]): object {
  const labels = {
    HAPROXY_0_VHOST: 'web.test',
    HAPROXY_DEPLOYMENT_GROUP: 'web',
    HAPROXY_DEPLOYMENT_NEW_INSTANCES: '0',
    HAPROXY_DEPLOYMENT_TARGET_INSTANCES: '2',
    HAPROXY_DEPLOYMENT_STARTED_AT:
      name === 'blue' ? '2026-01-01T10:00:00.000000' : '2026-01-02T10:00:00.000000',
  };
  const scaledAt = name === 'blue' ? '2026-01-01T10:00:00.000Z' : '2026-01-02T10:00:00.000Z';
  return app(`/web-${name}`, 10000, 0, labels, {
    instances: ports.length,
    healthChecks: [{ ...CHECK, gracePeriodSeconds: 1, maxConsecutiveFailures: 3 }],
    versionInfo: { lastScalingAt: scaledAt, lastConfigChangeAt: scaledAt },
    tasks: ports.map((port, index) => ({
      id: `web-${name}.${index + 1}`,
      host: '127.0.0.1',
      state: 'TASK_RUNNING',
      ports: [port],
      healthCheckResults: [{ alive: true }],
    })),
  });
}

/** Names of the lines of a colour's tasks, as a rollout computes them from Marathon's answer. */
function listenersOfColour(json: object): string[] {
  const read = appSchema.parse(json);
  return read.tasks.flatMap((task) => listenersOf(read, task, { group: 'web', addresses: new Map() }));
}

async function look(balancer: TestBalancer): Promise<BalancerLook | undefined> {
  const seen = await lookAtBalancer(placeOf(balancer), { signal, clock });
  return 'pids' in seen ? seen : undefined;
}

/** A look into which no reload falls. */
function settled(balancer: TestBalancer): Promise<BalancerLook> {
  return until('a look', () => look(balancer));
}

test('a task that a reload takes out is held by the old process until its last connection ends', async () => {
  const [first, second, fresh] = [
    await startTask('first'),
    await startTask('second'),
    await startTask('fresh'),
  ];
  const blue = colour('blue', [first.port, second.port]);
  const green = colour('green', [fresh.port]);
  marathon = await startSmallMarathon([blue]);
  const balancer = await startTestBalancer(marathon.url);
  const { masterPid } = await untilResting(balancer);
  const [going, staying] = listenersOfColour(blue) as [string, string];
  const [coming] = listenersOfColour(green) as [string];
  let memory: DrainMemory = emptyDrain;
  const see = async (listener = going): Promise<ListenerState | undefined> => {
    const seen = await look(balancer);
    if (seen !== undefined) memory = rememberLook(memory, seen, [going, staying, coming]);
    return stateOf(memory, 'lb', listener);
  };
  // HAProxy's own checks: a task is UP before the first of them has passed, too.
  await until('both serve', async () => (await see())?.kind === 'in' && (await see(staying))?.kind === 'in');

  let held = await ask(balancer, '/held');
  if (held.task !== 'first') held = await ask(balancer, '/held');
  expect(held.task).toBe('first');
  expect(await see()).toEqual({ kind: 'in', status: 'UP', sessions: 1 });
  const [, worker] = (await settled(balancer)).pids as [number, number];

  marathon.apps = [blue, green];
  marathon.tell('status_update_event');
  const out = await until('it is taken out', async () => {
    const state = await see();
    return state?.kind === 'out' ? state : undefined;
  });

  expect(out).toEqual({
    ...{ kind: 'out', isListed: true },
    holders: [{ pid: worker, sessions: 1, seenAtMs: expect.any(Number) }],
  });
  expect((await see(staying))?.kind).toBe('in');
  expect((await see(coming))?.kind).toBe('in');
  const now = await settled(balancer);
  expect(now.pids).toEqual([masterPid, worker, now.servingPid]);
  expect(now.rows.find(({ listener }) => listener === going)).toMatchObject({ status: 'MAINT', sessions: 0 });
  // A program that begins anew knows less, and waits all the same.
  expect(stateOf(rememberLook(emptyDrain, now, [going]), 'lb', going)).toMatchObject({
    holders: [{ pid: worker, sessions: undefined }],
  });

  first.release();
  second.release();

  expect(await held.text).toBe('begun\nended\n');
  await until('it is drained', async () => {
    const state = await see();
    return state?.kind === 'out' && state.holders.length === 0;
  });
  expect((await settled(balancer)).pids).toEqual([masterPid, now.servingPid]);
});

test('a real HAProxy writes statistics, and a configuration, that can be read', async () => {
  const task = await startTask('shop');
  const json = app('/prod/shop', 10001, task.port, { HAPROXY_0_PORT: '10005' });
  marathon = await startSmallMarathon([json]);
  const balancer = await startTestBalancer(marathon.url);
  await untilResting(balancer);
  const read = appSchema.parse(json);
  const [listener] = read.tasks.flatMap((one) =>
    listenersOf(read, one, { group: read.id, addresses: new Map() }),
  );

  const rows = parseStats((await balancer.admin('/haproxy?stats;csv')).body);
  const config = await readConfig(placeOf(balancer), signal);
  const seen = await settled(balancer);

  expect(listener).toBe(`prod_shop_10005/127_0_0_1_${task.port}`);
  const ofShop = rows.filter(({ backend }) => backend === 'prod_shop_10005');
  expect(ofShop).toMatchObject([
    { server: 'FRONTEND', status: 'OPEN', sessions: 0, totalSessions: 0 },
    {
      server: `127_0_0_1_${task.port}`,
      status: 'no check',
      sessions: 0,
      queued: 0,
      weight: 1,
      totalSessions: 0,
    },
    { server: 'BACKEND', status: 'UP' },
  ]);
  expect(ofShop[1]?.lastChangeS).toBeGreaterThanOrEqual(0);
  expect(seen.rows).toContainEqual({ listener, status: 'no check', sessions: 0, queued: 0 });
  expect(seen.servingPid).toBe(seen.pids[1]);
  const servers = 'config' in config ? parseServers(config.config) : [];
  expect(listenersAt(servers, { address: '127.0.0.1', port: task.port })).toEqual([listener]);
});

test('looks during reload after reload are true or thrown away', async () => {
  const task = await startTask('shop');
  const states = [app('/shop', 10001, task.port), app('/other', 10002, task.port)];
  marathon = await startSmallMarathon([states[0] as object]);
  const balancer = await startTestBalancer(marathon.url);
  await untilResting(balancer);
  const shop = `shop_10001/127_0_0_1_${task.port}`;
  const other = `other_10002/127_0_0_1_${task.port}`;
  const unreachable: string[] = [];
  const told: [pid: number, names: string][] = [];

  for (let reload = 1; reload <= 3; reload += 1) {
    marathon.apps = [states[reload % 2] as object];
    marathon.tell('status_update_event');
    await until(`reload ${reload}`, async () => {
      const seen = await lookAtBalancer(placeOf(balancer), { signal, clock });
      if ('unreachable' in seen) unreachable.push(seen.unreachable);
      if (!('pids' in seen)) return false;
      const names = seen.rows
        .map(({ listener }) => listener)
        .filter((name) => name === shop || name === other);
      // A worker that ends may close the connection between the two answers.
      if (seen.servingPid !== undefined) told.push([seen.servingPid, names.join()]);
      return names[0] === (reload % 2 === 0 ? shop : other);
    });
  }

  expect(unreachable).toEqual([]);
  // Whoever answers has one of the two configurations, and always the one that it began with.
  const pairs = new Map(told.map(([pid, names]) => [`${pid} ${names}`, pid]));
  expect([...new Set(told.map(([, names]) => names))].sort()).toEqual([other, shop]);
  expect(pairs.size).toBe(new Set(pairs.values()).size);
  expect(pairs.size).toBeGreaterThanOrEqual(4);
});
