import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LabMarathon } from '../../../src/lab/marathon/start.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { type Log, silentLog } from '../../../src/lib/log.ts';
import { createMarathonClient, type MarathonClient } from '../../../src/marathon/client.ts';
import { until } from '../lib/loopback.ts';
import { startLab } from './with-lab.ts';

const SLEEP = 'exec sleep 1000';
/** Answers 503 at every path until the variable says otherwise. */
const WEB = `exec node -e '
require("node:http").createServer((q, s) => { s.statusCode = Number(process.env.SAYS); s.end(); })
  .listen(Number(process.env.PORT0), process.env.HOST);
'`;

/** Writes that reached the lab since its beginning, without that of `/app`. */
const writes = (lab: LabMarathon) =>
  lab
    .requests()
    .filter(({ method }) => method !== 'GET')
    .slice(1);

const shop = (change: object = {}) => ({
  id: '/shop',
  cmd: SLEEP,
  instances: 3,
  cpus: 0.1,
  mem: 16,
  portDefinitions: [],
  ...change,
});

/** Waits until no deployment holds the app. */
async function settled(marathon: MarathonClient, id = '/shop') {
  let app = await marathon.app(id);
  while (app.deployments.length > 0) {
    await systemClock.sleep(20);
    app = await marathon.app(id);
  }
  return app;
}

async function startShop(options: Parameters<typeof startLab>[0] = {}) {
  const started = await startLab(options);
  await started.marathon.createApp(shop());
  return { ...started, app: await settled(started.marathon) };
}

describe('createApp() against a small Marathon', () => {
  it('begins a deployment of the new app, and says exists from then on', async () => {
    const { marathon } = await startLab();

    const made = await marathon.createApp(shop());

    if (made.kind !== 'accepted') throw new Error(`It was not accepted: ${made.kind}`);
    const running = (await marathon.deployments()).map(({ id }) => id);
    const app = await marathon.app('/shop');
    expect(app.version).toBe(made.version);
    // It may be over already: the tasks only sleep.
    expect([[], [made.deploymentId]]).toContainEqual(running);
    expect((await settled(marathon)).tasks).toHaveLength(3);
    expect(await marathon.createApp(shop())).toEqual({ kind: 'exists' });
  });

  it('is locked while an app of the same id is being ended', async () => {
    const { marathon, lab } = await startLab({ killGraceMs: 60_000 });
    const stubborn = "trap '' TERM; echo > armed; while :; do sleep 0.02; done";
    await marathon.createApp(shop({ cmd: stubborn, instances: 1 }));
    const [task] = await settled(marathon).then(() => lab.tasks('/shop'));
    await until(() => existsSync(join(task?.sandbox ?? '', 'armed')), 'the signal is ignored from now on');
    const ended = await marathon.deleteApp('/shop');

    const again = await marathon.createApp(shop());

    if (ended === 'gone' || ended.kind !== 'accepted') throw new Error('It was not ended');
    expect(again).toMatchObject({ kind: 'locked', deployments: [ended.deploymentId] });
  });

  it('throws for what is no app, in Marathon’s own words', async () => {
    const { marathon } = await startLab();

    await expect(marathon.createApp({ id: '/shop' })).rejects.toMatchObject({ code: 'MARATHON_REFUSED' });
    await expect(marathon.createApp(shop({ instances: 'two' }))).rejects.toThrow(/Invalid JSON.*instances/);
  });
});

describe('scaleApp() against a small Marathon', () => {
  it('adds and takes away tasks, and restarts none', async () => {
    const { marathon, app } = await startShop();
    const before = app.tasks.map(({ id }) => id);

    const grown = await marathon.scaleApp(app, 5);
    const five = await settled(marathon);
    const shrunk = await marathon.scaleApp(five, 3);
    const three = await settled(marathon);

    expect([grown, shrunk]).toMatchObject([{ kind: 'accepted' }, { kind: 'accepted' }]);
    expect(five.tasks.map(({ id }) => id)).toEqual(expect.arrayContaining(before));
    // The youngest go first, so those from the beginning stay.
    expect(three.tasks.map(({ id }) => id).sort()).toEqual(before.sort());
    expect(three.versionInfo.lastConfigChangeAt).toBe(app.versionInfo.lastConfigChangeAt);
    expect(three.version).toBe(shrunk.kind === 'accepted' ? shrunk.version : 'none');
  });

  it('is locked by somebody else’s deployment, seen in the app or by the 409', async () => {
    const { marathon, lab, app } = await startShop();
    lab.faults.set({ foreignDeployment: '/shop' });

    const late = await marathon.scaleApp(app, 5);
    const seen = await marathon.scaleApp(await marathon.app('/shop'), 5);

    const [holder] = await marathon.deployments();
    expect([late, seen]).toMatchObject(Array(2).fill({ kind: 'locked', deployments: [holder?.id] }));
    expect((await marathon.app('/shop')).instances).toBe(3);
    expect(writes(lab).filter(({ method }) => method === 'PUT')).toHaveLength(1);
  });
});

describe('killAndScale() against a small Marathon', () => {
  it('kills exactly the ids, lowers the number by those it found, and starts none', async () => {
    const { marathon, app } = await startShop();
    const [first, second, third] = app.tasks.map(({ id }) => id) as [string, string, string];
    const stranger = 'shop.instance-c0caec0a-863a-11e9-915b-c610fee06dff._app.1';

    const result = await marathon.killAndScale([first, third, stranger]);
    const after = await settled(marathon);

    expect(result).toMatchObject({ kind: 'accepted' });
    expect(after.instances).toBe(1);
    expect(after.tasks.map(({ id }) => id)).toEqual([second]);
  });

  it('changes nothing when nobody knows the ids', async () => {
    const { marathon, app } = await startShop();

    const result = await marathon.killAndScale(['shop.instance-c0caec0a-863a-11e9-915b-c610fee06dff._app.1']);

    expect(result).toMatchObject({ kind: 'accepted' });
    expect(await settled(marathon)).toMatchObject({ instances: 3, version: app.version });
  });

  it('is refused for an id of no form, and kills none of the others', async () => {
    const { marathon, app } = await startShop();

    await expect(marathon.killAndScale([app.tasks[0]?.id ?? '', 'x'])).rejects.toMatchObject({
      code: 'MARATHON_REFUSED',
      message: "Marathon refused (kill of 2 tasks with scaling): 400 Invalid task id 'x'.",
    });
    expect((await marathon.app('/shop')).tasks).toHaveLength(3);
  });

  it('is locked by somebody else’s deployment', async () => {
    const { marathon, lab, app } = await startShop();
    lab.faults.set({ foreignDeployment: '/shop' });

    expect(await marathon.killAndScale([app.tasks[0]?.id ?? ''])).toMatchObject({ kind: 'locked' });
    expect((await marathon.app('/shop')).tasks).toHaveLength(3);
  });
});

describe('deleteApp() against a small Marathon', () => {
  it('does not force its way through somebody else’s deployment, then ends the app and its tasks', async () => {
    const { marathon, lab } = await startShop();
    lab.faults.set({ foreignDeployment: '/shop' });

    const held = await marathon.deleteApp('/shop');
    const [holder] = await marathon.deployments();
    lab.faults.set({ foreignDeployment: null });
    const ended = await marathon.deleteApp('shop');

    expect(held).toMatchObject({ kind: 'locked', deployments: [holder?.id] });
    expect(ended).toMatchObject({ kind: 'accepted' });
    expect(await marathon.deleteApp('/shop')).toBe('gone');
    await until(() => lab.tasks('/shop').length === 0, 'the tasks are gone');
  });
});

describe('writes whose reply is lost', () => {
  it.each<[string, (marathon: MarathonClient) => Promise<unknown>, object, unknown]>([
    [
      'createApp()',
      (marathon) => marathon.createApp(shop({ id: '/new', instances: 1 })),
      { id: '/new', instances: 1 },
      { kind: 'exists' },
    ],
    [
      'scaleApp()',
      async (marathon) => marathon.scaleApp(await settled(marathon), 2),
      { id: '/shop', instances: 2 },
      { kind: 'accepted' },
    ],
    [
      'killAndScale()',
      async (marathon) => {
        const [task] = (await settled(marathon)).tasks;
        return marathon.killAndScale([task?.id ?? '']);
      },
      { id: '/shop', instances: 2 },
      { kind: 'accepted' },
    ],
  ])('are sent once, and the next read shows that it was done: %s', async (_name, write, shown, again) => {
    const { marathon, lab } = await startShop();
    const before = writes(lab).length;
    lab.faults.set({ loseReply: 1 });

    const result = await write(marathon);

    expect(result).toMatchObject({ kind: 'unknown', cause: { code: 'MARATHON_UNREACHABLE' } });
    expect(writes(lab)).toHaveLength(before + 1);
    const id = (shown as { id: string }).id;
    expect(await settled(marathon, id)).toMatchObject(shown);
    expect(await write(marathon)).toMatchObject(again as object);
  });

  it('are sent once, and the next read shows that it was done: deleteApp()', async () => {
    const { marathon, lab } = await startShop();
    lab.faults.set({ loseReply: 1 });

    expect(await marathon.deleteApp('/shop')).toMatchObject({ kind: 'unknown' });
    await expect(marathon.app('/shop')).rejects.toMatchObject({ code: 'APP_MISSING' });
    expect(await marathon.deleteApp('/shop')).toBe('gone');
  });
});

describe('a time without a leader', () => {
  it('lets reads wait, and leaves every write unknown, sent once and not made', async () => {
    const { lab, http, app } = await startShop();
    let retried = 0;
    const log: Log = { ...silentLog, warn: (event) => void (event === 'http.retried' && retried++) };
    const marathon = createMarathonClient({ http, clock: systemClock, log });
    const before = writes(lab).length;
    lab.faults.set({ noLeader: 503, noLeaderHoldMs: 5 });
    const reading = marathon.app('/shop');
    await until(() => retried === 1, 'the first answer without a leader');

    const results = [
      await marathon.createApp(shop({ id: '/new' })),
      await marathon.scaleApp(app, 1),
      await marathon.killAndScale([app.tasks[0]?.id ?? '']),
      await marathon.deleteApp('/shop'),
    ];
    lab.faults.set({ noLeader: false });

    expect(results).toMatchObject(
      Array(4).fill({ kind: 'unknown', cause: { code: 'MARATHON_UNREACHABLE', facts: { status: 503 } } }),
    );
    expect(writes(lab)).toHaveLength(before + 4);
    expect(await reading).toMatchObject({ instances: 3, version: app.version, deployments: [] });
    expect((await marathon.apps()).apps.map(({ id }) => id)).toEqual(['/app', '/shop']);
  });
});

describe('apps() against a small Marathon', () => {
  it('reads a group in one request: tasks, deployments, last failure and readiness, in Marathon’s order', async () => {
    const { marathon, lab } = await startLab();
    const group = { HAPROXY_DEPLOYMENT_GROUP: 'shop' };
    await marathon.createApp(shop({ id: '/shop-green', labels: group, instances: 1 }));
    await marathon.createApp(
      shop({
        id: '/shop-blue',
        labels: group,
        cmd: WEB,
        env: { SAYS: '503' },
        instances: 1,
        portDefinitions: [{ port: 0, name: 'http' }],
        readinessChecks: [
          { portName: 'http', intervalSeconds: 0.1, timeoutSeconds: 0.09, preserveLastResponse: true },
        ],
      }),
    );
    await marathon.createApp(
      shop({ id: '/shop-another', labels: group, cmd: 'exit 3', instances: 1, backoffSeconds: 30 }),
    );
    await until(() => lab.requests().length > 0 && lab.tasks('/shop-blue').length === 1, 'the task runs');
    const read = async () => (await marathon.apps({ label: 'HAPROXY_DEPLOYMENT_GROUP' })).apps;
    const isTold = (apps: Awaited<ReturnType<typeof read>>) =>
      apps[1]?.readinessCheckResults[0]?.lastResponse !== undefined && apps[2]?.lastTaskFailure !== undefined;
    let apps = await read();
    while (!isTold(apps)) {
      await systemClock.sleep(20);
      apps = await read();
    }

    expect(apps.map(({ id }) => id)).toEqual(['/shop-green', '/shop-blue', '/shop-another']);
    const [green, blue, another] = apps;
    expect(green).toMatchObject({
      deployments: [],
      readinessCheckResults: [],
      tasks: [{ state: 'TASK_RUNNING' }],
    });
    expect(blue?.deployments).toHaveLength(1);
    expect(blue?.readinessCheckResults).toEqual([
      {
        name: 'readinessCheck',
        taskId: blue?.tasks[0]?.id,
        ready: false,
        lastResponse: { status: 503 },
      },
    ]);
    expect(another?.lastTaskFailure).toMatchObject({ state: 'TASK_FAILED', version: another?.version });
    expect((await marathon.app('/shop-blue')).readinessCheckResults).toHaveLength(1);
  });
});
