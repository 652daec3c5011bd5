import { describe, expect, it } from 'vitest';
import type { MarathonClient } from '../../../src/marathon/client.ts';
import type { App } from '../../../src/marathon/schema.ts';
import { manualClock } from '../../support/clock.ts';
import { type Answer, closedPort, sendHtml, sendJson, until } from '../lib/loopback.ts';
import { clientOf, letRetriesPass, setup } from './against-server.ts';

/** What Marathon 1.8 shows of an app. */
const lb = { id: '/marathon-lb', env: { A: '1', S: { secret: 's0' } }, instances: 2, version: 'v1' };
async function freshApp(marathon: MarathonClient): Promise<App> {
  return marathon.app('/marathon-lb');
}

const LOCKED = {
  message:
    "App is locked by one or more deployments. Override with the option '?force=true'. View details at '/v2/deployments/<DEPLOYMENT_ID>'.",
  deployments: [{ id: '97c136bf-5a28-4821-9d94-480d9fbb01c8' }],
};

/** Answers reads of the app, and its PUT by `put`. */
const withPut =
  (put: Answer, app: object = lb): Answer =>
  (request, response, raw) =>
    request.method === 'GET' ? sendJson(response, 200, { app }) : put(request, response, raw);

describe('updateApp()', () => {
  it('sends the smallest body: the whole env and nothing else, never by force', async () => {
    const { marathon, seen } = await setup(
      withPut((_request, response) => sendJson(response, 200, { version: 'v2', deploymentId: 'd1' })),
    );
    const app = await freshApp(marathon);

    const result = await marathon.updateApp(app, { env: { ...app.env, HAPROXY_SSL_CERT: 'pem' } });

    expect(result).toEqual({ kind: 'accepted', version: 'v2', deploymentId: 'd1' });
    expect(seen[1]).toMatchObject({
      method: 'PUT',
      url: '/v2/apps/marathon-lb',
      body: '{"env":{"A":"1","S":{"secret":"s0"},"HAPROXY_SSL_CERT":"pem"}}',
    });
  });

  it('sends only the fields that change', async () => {
    const { marathon, seen } = await setup(
      withPut((_request, response) => sendJson(response, 200, { version: 'v2', deploymentId: 'd1' })),
    );
    const upgradeStrategy = { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 };

    await marathon.updateApp(await freshApp(marathon), { upgradeStrategy });

    expect(JSON.parse(seen[1]?.body ?? '')).toEqual({ upgradeStrategy });
  });

  it('repeats executorResources and resourceLimits, which a partial update would drop', async () => {
    const app = { ...lb, executorResources: { cpus: 0.2 }, resourceLimits: { mem: 'unlimited' } };
    const { marathon, seen } = await setup(
      withPut((_request, response) => sendJson(response, 200, { version: 'v2', deploymentId: 'd1' }), app),
    );

    await marathon.updateApp(await freshApp(marathon), { env: {} });

    expect(JSON.parse(seen[1]?.body ?? '')).toEqual({
      env: {},
      executorResources: { cpus: 0.2 },
      resourceLimits: { mem: 'unlimited' },
    });
  });

  it('sends nothing while the app is being deployed: on 1.5 to 1.7 a refused write harms', async () => {
    const { marathon, seen } = await setup(
      withPut((_request, response) => sendJson(response, 200, {}), { ...lb, deployments: [{ id: 'd0' }] }),
    );

    const result = await marathon.updateApp(await freshApp(marathon), { env: {} });

    expect(result).toMatchObject({ kind: 'locked', deployments: ['d0'] });
    expect(seen).toHaveLength(1);
  });

  it.each([
    ['with the deployment that holds the app', LOCKED, ['97c136bf-5a28-4821-9d94-480d9fbb01c8']],
    ['without one (1.4, during kills and scale checks)', { ...LOCKED, deployments: [] }, []],
  ])('knows a 409 as locked, %s', async (_name, body, deployments) => {
    const { marathon } = await setup(withPut((_request, response) => sendJson(response, 409, body)));

    const result = await marathon.updateApp(await freshApp(marathon), { env: {} });

    expect(result).toMatchObject({ kind: 'locked', deployments });
    expect(result.kind === 'locked' && result.message).toMatch(/^App is locked by one or more deployments/);
  });

  it('takes the limit of running deployments as "not now", although its status is 403', async () => {
    const message =
      'Max number (100) of running deployments is achieved. Wait for existing deployments to complete.';
    const { marathon } = await setup(withPut((_request, response) => sendJson(response, 403, { message })));

    expect(await marathon.updateApp(await freshApp(marathon), { env: {} })).toEqual({
      kind: 'locked',
      deployments: [],
      message,
    });
  });

  it.each<[string, Answer]>([
    ['the connection is cut after the request', (_request, _response, raw) => raw.socket.destroy()],
    ['a 503 without a leader', (_request, response) => sendHtml(response, 503, 'no leader')],
    ['a 504 of a slow leader', (_request, response) => sendHtml(response, 504, 'time-out')],
    ['a 500', (_request, response) => sendHtml(response, 500, 'Server Error')],
    ['a 200 without a body', (_request, response) => response.writeHead(200).end()],
    ['a 200 with HTML', (_request, response) => sendHtml(response, 200, 'hello')],
    ['a 200 without a deployment id', (_request, response) => sendJson(response, 200, { version: 'v2' })],
  ])('says unknown, and sends it once: %s', async (_name, put) => {
    const { marathon, seen } = await setup(withPut(put));

    const result = await marathon.updateApp(await freshApp(marathon), { env: {} });

    expect(result).toMatchObject({ kind: 'unknown', cause: { name: 'CertathonError' } });
    expect(seen.filter(({ method }) => method === 'PUT')).toHaveLength(1);
  });

  it('says unknown when the answer takes longer than allowed', async () => {
    const { marathon } = await setup(
      withPut(() => undefined),
      300,
    );

    const result = await marathon.updateApp(await freshApp(marathon), { env: {} });

    expect(result).toMatchObject({ kind: 'unknown', cause: { code: 'MARATHON_UNREACHABLE' } });
  });

  it('throws the refusal of a rule in Marathon’s own words', async () => {
    const body = {
      message: 'Object is not valid',
      details: [{ path: '/env/A', errors: ['references an unknown secret'] }],
    };
    const { marathon } = await setup(withPut((_request, response) => sendJson(response, 422, body)));

    await expect(marathon.updateApp(await freshApp(marathon), { env: {} })).rejects.toMatchObject({
      code: 'MARATHON_REFUSED',
      message:
        'Marathon refused (new env of app /marathon-lb): 422 Object is not valid; /env/A: references an unknown secret',
    });
  });

  it.each([
    [401, 'MARATHON_UNAUTHORIZED'],
    [403, 'MARATHON_UNAUTHORIZED'],
    [415, 'MARATHON_REFUSED'],
  ])('throws for a %i', async (status, code) => {
    const { marathon } = await setup(withPut((_request, response) => sendHtml(response, status, 'no')));

    await expect(marathon.updateApp(await freshApp(marathon), { env: {} })).rejects.toMatchObject({ code });
  });

  it('throws when the app vanished meanwhile, but not for a proxy’s 404', async () => {
    let page = false;
    const { marathon } = await setup(
      withPut((_request, response) =>
        page
          ? sendHtml(response, 404, 'Not Found')
          : sendJson(response, 404, { message: "App '/x' does not exist" }),
      ),
    );
    const app = await freshApp(marathon);

    await expect(marathon.updateApp(app, { env: {} })).rejects.toMatchObject({ code: 'APP_MISSING' });
    page = true;
    await expect(marathon.updateApp(app, { env: {} })).rejects.toMatchObject({
      code: 'MARATHON_ANSWER_INVALID',
    });
  });

  it('tries again where nothing was sent, then throws with that fact', async () => {
    const { marathon } = await setup(withPut(() => undefined));
    const app = await freshApp(marathon);
    const clock = manualClock();
    const away = clientOf([`http://127.0.0.1:${await closedPort()}`], clock);

    const error = await letRetriesPass(clock, away.updateApp(app, { env: {} }));

    expect(error).toMatchObject({ code: 'MARATHON_UNREACHABLE', facts: { outcome: 'not-sent', tries: 3 } });
  });

  it('throws the reason when aborted while it waits for the answer', async () => {
    const { marathon, seen } = await setup(withPut(() => undefined));
    const app = await freshApp(marathon);
    const stop = new AbortController();
    const failed = expect(marathon.updateApp(app, { env: {} }, stop.signal)).rejects.toThrow('stopping');
    await until(() => seen.length === 2, 'the PUT arrives');

    stop.abort(new Error('stopping'));

    await failed;
  });
});

describe('cancelDeployment()', () => {
  it('deletes without force and hands back the new deployment', async () => {
    const { marathon, seen } = await setup((_request, response) =>
      sendJson(response, 200, { version: 'v3', deploymentId: 'd2' }),
    );

    expect(await marathon.cancelDeployment('d1')).toEqual({ version: 'v3', deploymentId: 'd2' });
    expect(seen[0]).toMatchObject({ method: 'DELETE', url: '/v2/deployments/d1', body: '' });
  });

  it('says gone for a deployment that is over', async () => {
    const { marathon } = await setup((_request, response) =>
      sendJson(response, 404, { message: 'DeploymentPlan d1 does not exist' }),
    );

    expect(await marathon.cancelDeployment('d1')).toBe('gone');
  });

  it('throws with the fact that it may have happened when the reply is lost', async () => {
    const { marathon, seen } = await setup((_request, _response, raw) => raw.socket.destroy());

    await expect(marathon.cancelDeployment('d1')).rejects.toMatchObject({
      code: 'MARATHON_UNREACHABLE',
      facts: { outcome: 'unknown' },
    });
    expect(seen).toHaveLength(1);
  });
});

describe('killTasks()', () => {
  it('posts the ids and hands back those that Marathon found', async () => {
    const { marathon, seen } = await setup((_request, response) =>
      sendJson(response, 200, { tasks: [{ id: 't1' }] }),
    );

    expect(await marathon.killTasks(['t1', 't9'], { wipe: true })).toEqual(['t1']);
    expect(seen[0]).toMatchObject({
      method: 'POST',
      url: '/v2/tasks/delete?wipe=true',
      body: '{"ids":["t1","t9"]}',
    });
  });

  it('throws what Marathon refuses', async () => {
    const { marathon } = await setup((_request, response) =>
      sendJson(response, 400, { message: "Invalid task id 'x'." }),
    );

    await expect(marathon.killTasks(['x'])).rejects.toMatchObject({ code: 'MARATHON_REFUSED' });
  });
});

describe('scaleApp()', () => {
  it('sends the number and what a partial update would drop, never by force', async () => {
    const app = { ...lb, executorResources: { cpus: 0.2 }, resourceLimits: { mem: 'unlimited' } };
    const { marathon, seen } = await setup(
      withPut((_request, response) => sendJson(response, 200, { version: 'v2', deploymentId: 'd1' }), app),
    );

    expect(await marathon.scaleApp(await freshApp(marathon), 5)).toEqual({
      kind: 'accepted',
      version: 'v2',
      deploymentId: 'd1',
    });

    expect(seen[1]).toMatchObject({ method: 'PUT', url: '/v2/apps/marathon-lb' });
    expect(JSON.parse(seen[1]?.body ?? '')).toEqual({
      instances: 5,
      executorResources: { cpus: 0.2 },
      resourceLimits: { mem: 'unlimited' },
    });
  });

  it('sends nothing while the app is being deployed', async () => {
    const { marathon, seen } = await setup(
      withPut((_request, response) => sendJson(response, 200, {}), { ...lb, deployments: [{ id: 'd0' }] }),
    );

    expect(await marathon.scaleApp(await freshApp(marathon), 5)).toMatchObject({
      kind: 'locked',
      deployments: ['d0'],
    });
    expect(seen).toHaveLength(1);
  });
});

describe('createApp()', () => {
  const json = { id: '/shop-green', cmd: 'serve', instances: 2 };

  it('posts the definition as it is, and hands back its deployment and version', async () => {
    const { marathon, seen } = await setup((_request, response) =>
      sendJson(response, 201, { ...json, version: 'v1', deployments: [{ id: 'd1' }], tasksRunning: 0 }),
    );

    expect(await marathon.createApp(json)).toEqual({ kind: 'accepted', version: 'v1', deploymentId: 'd1' });
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/v2/apps', body: JSON.stringify(json) });
  });

  it('tells an app of that id from one that is still being ended, although both are a 409', async () => {
    let message = 'An app with id [/shop-green] already exists.';
    const { marathon } = await setup((_request, response) =>
      message === LOCKED.message ? sendJson(response, 409, LOCKED) : sendJson(response, 409, { message }),
    );

    expect(await marathon.createApp(json)).toEqual({ kind: 'exists' });
    message = LOCKED.message;
    expect(await marathon.createApp(json)).toMatchObject({
      kind: 'locked',
      deployments: ['97c136bf-5a28-4821-9d94-480d9fbb01c8'],
    });
  });

  it.each([
    ['without a deployment', { ...json, version: 'v1', deployments: [] }],
    ['without a version', { ...json, deployments: [{ id: 'd1' }] }],
  ])('says unknown for a 201 %s', async (_what, body) => {
    const { marathon } = await setup((_request, response) => sendJson(response, 201, body));

    expect(await marathon.createApp(json)).toMatchObject({ kind: 'unknown' });
  });
});

describe('killAndScale()', () => {
  it('posts the ids, to be killed with scaling', async () => {
    const { marathon, seen } = await setup((_request, response) =>
      sendJson(response, 200, { version: 'v2', deploymentId: 'd1' }),
    );

    expect(await marathon.killAndScale(['t1', 't2'])).toMatchObject({ kind: 'accepted', deploymentId: 'd1' });
    expect(seen[0]).toMatchObject({
      method: 'POST',
      url: '/v2/tasks/delete?scale=true',
      body: '{"ids":["t1","t2"]}',
    });
  });

  it('throws for an id of no form, in Marathon’s own words', async () => {
    const { marathon } = await setup((_request, response) =>
      sendJson(response, 400, { message: "Invalid task id 'x'." }),
    );

    await expect(marathon.killAndScale(['x'])).rejects.toMatchObject({
      code: 'MARATHON_REFUSED',
      message: "Marathon refused (kill of 1 tasks with scaling): 400 Invalid task id 'x'.",
    });
  });
});

describe('deleteApp()', () => {
  it('says aloud that it is not forced, since Marathon forces this one otherwise', async () => {
    const { marathon, seen } = await setup((_request, response) =>
      sendJson(response, 200, { version: 'v2', deploymentId: 'd1' }),
    );

    expect(await marathon.deleteApp('/shop-blue')).toMatchObject({ kind: 'accepted', deploymentId: 'd1' });
    expect(seen[0]).toMatchObject({ method: 'DELETE', url: '/v2/apps/shop-blue?force=false', body: '' });
  });

  it('says gone for an app that is not there, but not for a proxy’s 404', async () => {
    let page = false;
    const { marathon } = await setup((_request, response) =>
      page
        ? sendHtml(response, 404, 'Not Found')
        : sendJson(response, 404, { message: "App '/shop-blue' does not exist" }),
    );

    expect(await marathon.deleteApp('/shop-blue')).toBe('gone');
    page = true;
    await expect(marathon.deleteApp('/shop-blue')).rejects.toMatchObject({ code: 'MARATHON_ANSWER_INVALID' });
  });

  it('asks nobody to delete everything', async () => {
    const { marathon, seen } = await setup((_request, response) => sendJson(response, 200, {}));

    for (const id of ['', '/', '/shop/../', '/shop?force=true', '/*'])
      await expect(marathon.deleteApp(id)).rejects.toMatchObject({ code: 'APP_MISSING' });
    expect(seen).toEqual([]);
  });
});

type Write = (marathon: MarathonClient, app: App) => Promise<unknown>;
const WRITES: [string, Write][] = [
  ['createApp()', (marathon) => marathon.createApp({ id: '/shop-green' })],
  ['updateApp()', (marathon, app) => marathon.updateApp(app, { env: {} })],
  ['scaleApp()', (marathon, app) => marathon.scaleApp(app, 3)],
  ['killAndScale()', (marathon) => marathon.killAndScale(['t1'])],
  ['deleteApp()', (marathon) => marathon.deleteApp('/shop-blue')],
];

describe.each(WRITES)('as every write, %s', (_name, write) => {
  it.each<[string, Answer]>([
    ['a connection that is cut', (_request, _response, raw) => raw.socket.destroy()],
    ['a 502 without a leader', (_request, response) => sendHtml(response, 502, 'no leader')],
    ['a 503 without a leader', (_request, response) => sendHtml(response, 503, 'no leader')],
    [
      'a 503 of a time-out',
      (_request, response) => sendJson(response, 503, { message: 'Futures timed out' }),
    ],
    ['a 2xx without a body', (_request, response) => response.writeHead(200).end()],
  ])('is sent once, and unknown after %s', async (_what, answer) => {
    const { marathon, seen } = await setup(withPut(answer));

    expect(await write(marathon, await freshApp(marathon))).toMatchObject({
      kind: 'unknown',
      cause: { name: 'CertathonError' },
    });
    expect(seen.filter(({ method }) => method !== 'GET')).toHaveLength(1);
  });

  it.each([
    ['with the deployment that holds the app', LOCKED, ['97c136bf-5a28-4821-9d94-480d9fbb01c8']],
    ['without one', { ...LOCKED, deployments: [] }, []],
  ])('is locked by a 409 %s', async (_what, body, deployments) => {
    const { marathon } = await setup(withPut((_request, response) => sendJson(response, 409, body)));

    expect(await write(marathon, await freshApp(marathon))).toMatchObject({ kind: 'locked', deployments });
  });

  it.each([
    ['401 of another password', 401, 'MARATHON_UNAUTHORIZED'],
    ['403 of missing rights', 403, 'MARATHON_UNAUTHORIZED'],
    ['422 of a rule', 422, 'MARATHON_REFUSED'],
  ])('throws for a %s', async (_what, status, code) => {
    const { marathon } = await setup(
      withPut((_request, response) => sendJson(response, status, { message: 'no' })),
    );

    await expect(write(marathon, await freshApp(marathon))).rejects.toMatchObject({ code });
  });

  it('throws when certainly nothing was sent, after three tries', async () => {
    const { marathon } = await setup(withPut(() => undefined));
    const app = await freshApp(marathon);
    const clock = manualClock();
    const away = clientOf([`http://127.0.0.1:${await closedPort()}`], clock);

    expect(await letRetriesPass(clock, write(away, app))).toMatchObject({
      code: 'MARATHON_UNREACHABLE',
      facts: { outcome: 'not-sent', tries: 3 },
    });
  });

  it('is never forced', async () => {
    const { marathon, seen } = await setup(
      withPut((_request, response) => sendJson(response, 200, { version: 'v2', deploymentId: 'd1' })),
    );

    await write(marathon, await freshApp(marathon));

    expect(seen.map(({ url }) => url).filter((url) => /force=(?!false)/.test(url))).toEqual([]);
  });
});
