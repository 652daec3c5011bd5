import { describe, expect, it } from 'vitest';
import { type CertathonError, describeError } from '../../../src/lib/errors.ts';
import { manualClock } from '../../support/clock.ts';
import { closedPort, sendHtml, sendJson } from '../lib/loopback.ts';
import { clientOf, letRetriesPass, setup } from './against-server.ts';

/** What Marathon 1.8 shows of an app. */
const lb = { id: '/marathon-lb', env: { A: '1', S: { secret: 's0' } }, instances: 2, version: 'v1' };

describe('reads', () => {
  it('asks for an app with its embeds, and sends the credentials', async () => {
    const { marathon, seen } = await setup((_request, response) => sendJson(response, 200, { app: lb }));

    const app = await marathon.app('marathon-lb');

    expect(app).toMatchObject({ id: '/marathon-lb', instances: 2, env: lb.env });
    expect(seen[0]?.url).toBe(
      '/v2/apps/marathon-lb?embed=app.tasks&embed=app.counts&embed=app.deployments&embed=app.lastTaskFailure&embed=app.readiness',
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
    [401, 'does not accept the credentials'],
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
    expect(seen[0]?.url).toBe(
      '/v2/apps?embed=apps.tasks&embed=apps.counts&embed=apps.deployments&embed=apps.lastTaskFailure&embed=apps.readiness&label=HAPROXY_GROUP%3D%3Dexternal',
    );
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
