import { afterEach, describe, expect, it } from 'vitest';
import { type CertathonError, describeError } from '../../../src/lib/errors.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { createMarathonHttp } from '../../../src/marathon/calls.ts';
import { createMarathonClient, type MarathonClient } from '../../../src/marathon/client.ts';
import type { App } from '../../../src/marathon/schema.ts';
import { type ManualClock, manualClock } from '../../support/clock.ts';
import {
  type Answer,
  cleanups,
  closedPort,
  sendHtml,
  sendJson,
  startServer,
  until,
} from '../lib/loopback.ts';

const { add, run } = cleanups();
afterEach(run);

interface Setup {
  marathon: MarathonClient;
  clock: ManualClock;
  seen: Awaited<ReturnType<typeof startServer>>['seen'];
}

function clientOf(baseUrls: string[], clock: ManualClock, timeoutMs = 20_000): MarathonClient {
  const http = createMarathonHttp({
    baseUrls,
    timeoutMs,
    connectTimeoutMs: 5_000,
    userAgent: 'certathon/test',
    clock,
    log: silentLog,
    auth: { user: 'joe', password: 'secret-1' },
  });
  add(() => http.close());
  return createMarathonClient({ http, clock, log: silentLog });
}

async function setup(answer: Answer, timeoutMs?: number): Promise<Setup> {
  const server = await startServer(answer);
  add(() => server.close());
  const clock = manualClock();
  return { marathon: clientOf([server.url], clock, timeoutMs), clock, seen: server.seen };
}

/** Lets every wait between the tries pass. */
async function letRetriesPass<T>(clock: ManualClock, promise: Promise<T>): Promise<T | CertathonError> {
  let isDone = false;
  const settled = promise.then(
    (value) => value,
    (error: unknown) => error as CertathonError,
  );
  void settled.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await until(() => isDone || clock.sleeping() > 0, 'a wait or the end');
    await clock.advance(clock.nextDueMs() ?? 0);
  }
  return settled;
}

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

describe('reads', () => {
  it('asks for an app with its embeds, and sends the credentials', async () => {
    const { marathon, seen } = await setup((_request, response) => sendJson(response, 200, { app: lb }));

    const app = await marathon.app('marathon-lb');

    expect(app).toMatchObject({ id: '/marathon-lb', instances: 2, env: lb.env });
    expect(seen[0]?.url).toBe(
      '/v2/apps/marathon-lb?embed=app.tasks&embed=app.counts&embed=app.deployments&embed=app.lastTaskFailure',
    );
    expect(seen[0]?.headers.authorization).toMatch(/^Basic /);
    expect(seen[0]?.headers.accept).toBe('application/json');
  });

  it('knows a missing app by its 404', async () => {
    const { marathon } = await setup((_request, response) =>
      sendJson(response, 404, { message: "App '/marathon-lb' does not exist" }),
    );

    await expect(marathon.app('/marathon-lb')).rejects.toMatchObject({
      code: 'APP_MISSING',
      message: "Marathon has no app /marathon-lb: App '/marathon-lb' does not exist",
    });
  });

  it.each([
    ['the HTML 404 of another server', 404],
    ['HTML with status 200', 200],
    ['a redirect', 302],
  ])('takes %s for no answer of Marathon, and asks once', async (_name, status) => {
    const { marathon, seen } = await setup((_request, response) =>
      sendHtml(response, status, 'Welcome to nginx'),
    );

    const error = await marathon.app('/marathon-lb').catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ code: 'MARATHON_ANSWER_INVALID' });
    expect(describeError(error)).toMatch(/is not Marathon .*text\/html.*Welcome to nginx/);
    expect(seen).toHaveLength(1);
  });

  it.each([
    [401, 'does not know the user or password'],
    [403, 'does not allow'],
  ])('says what a %i means, and asks once', async (status, words) => {
    const { marathon, seen } = await setup((_request, response) => sendHtml(response, status, 'no'));

    const error = (await marathon.deployments().catch((thrown: unknown) => thrown)) as CertathonError;

    expect(error).toMatchObject({ code: 'MARATHON_UNAUTHORIZED' });
    expect(error.message).toContain(words);
    expect(seen).toHaveLength(1);
  });

  it.each([502, 503])('waits through an election that answers %i', async (status) => {
    let asked = 0;
    const { marathon, clock, seen } = await setup((_request, response) =>
      ++asked <= 3
        ? sendHtml(response, status, 'Could not determine the current leader')
        : sendJson(response, 200, { leader: '10.0.0.1:8080' }),
    );

    expect(await letRetriesPass(clock, marathon.leader())).toBe('10.0.0.1:8080');
    expect(seen).toHaveLength(4);
  });

  it.each([502, 503])('reports Marathon as unreachable when it goes on answering %i', async (status) => {
    const { marathon, clock, seen } = await setup((_request, response) =>
      sendHtml(response, status, 'Could not determine the current leader'),
    );

    const error = await letRetriesPass(clock, marathon.info());

    expect(error).toMatchObject({ code: 'MARATHON_UNREACHABLE', facts: { tries: 6 } });
    expect(describeError(error)).toMatch(
      /^Gave up after 6 tries in 20 s: .*Could not determine the current leader/,
    );
    expect(seen).toHaveLength(6);
  });

  it('reports Marathon as unreachable when nothing listens', async () => {
    const clock = manualClock();
    const marathon = clientOf([`http://127.0.0.1:${await closedPort()}`], clock);

    const error = await letRetriesPass(clock, marathon.ping());

    expect(error).toMatchObject({ code: 'MARATHON_UNREACHABLE' });
    expect(describeError(error)).toContain('ECONNREFUSED');
    expect(describeError(error)).not.toContain('secret-1');
  });

  it('says at once that an address without Marathon below it was given (500, 1.6 and newer)', async () => {
    const { marathon, seen } = await setup((_request, response) =>
      sendJson(response, 500, { message: 'URI not found: /x/v2/info' }),
    );

    await expect(marathon.info()).rejects.toMatchObject({ code: 'MARATHON_ANSWER_INVALID' });
    expect(seen).toHaveLength(1);
  });

  it('stops at once when aborted between two tries', async () => {
    const { marathon, clock } = await setup((_request, response) => sendHtml(response, 503, 'no leader'));
    const stop = new AbortController();
    const answer = marathon.queue(stop.signal);
    const failed = expect(answer).rejects.toThrow('stopping');
    await clock.untilSleeping();

    stop.abort(new Error('stopping'));

    await failed;
  });

  it('reports an app that can not be read beside the others', async () => {
    const { marathon, seen } = await setup((_request, response) =>
      sendJson(response, 200, { apps: [lb, { id: '/odd', instances: 'two' }, null] }),
    );

    const { apps, unreadable } = await marathon.apps({ label: 'HAPROXY_GROUP==external' });

    expect(apps.map(({ id }) => id)).toEqual(['/marathon-lb']);
    expect(unreadable.map(({ message }) => message.split(':')[0])).toEqual([
      'Marathon describes app /odd unusably',
      'Marathon describes app undefined unusably',
    ]);
    expect(seen[0]?.url).toContain('label=HAPROXY_GROUP%3D%3Dexternal');
  });

  it('reads leader, versions, an old version, deployments and queue', async () => {
    const answers: Record<string, unknown> = {
      '/v2/apps/marathon-lb/versions': { versions: ['2020-01-01T10:00:00.000Z'] },
      '/v2/apps/marathon-lb/versions/2020-01-01T10%3A00%3A00.000Z': { ...lb, instances: 7 },
      '/v2/deployments': [{ id: 'd1', affectedApps: ['/marathon-lb'] }],
      '/v2/queue': { queue: [{ app: { id: '/marathon-lb' }, count: 1, delay: { overdue: true } }] },
      '/ping': 'pong',
    };
    const { marathon } = await setup((request, response) => {
      if (request.url === '/v2/leader') return sendJson(response, 404, { message: 'There is no leader' });
      sendJson(response, 200, answers[request.url]);
    });

    expect(await marathon.leader()).toBeUndefined();
    expect(await marathon.versions('/marathon-lb')).toEqual(['2020-01-01T10:00:00.000Z']);
    expect(await marathon.appVersion('/marathon-lb', '2020-01-01T10:00:00.000Z')).toMatchObject({
      instances: 7,
    });
    expect(await marathon.deployments()).toMatchObject([{ id: 'd1' }]);
    expect(await marathon.queue()).toMatchObject([{ appId: '/marathon-lb', overdue: true }]);
    expect(await marathon.ping()).toBeUndefined();
  });
});

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
