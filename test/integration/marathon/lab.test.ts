import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { type Log, silentLog } from '../../../src/lib/log.ts';
import { createMarathonClient } from '../../../src/marathon/client.ts';
import type { MarathonEvent } from '../../../src/marathon/event-schema.ts';
import { followEvents } from '../../../src/marathon/events.ts';
import { marathonVersion } from '../../../src/marathon/version.ts';
import { sendJson, startServer, until } from '../lib/loopback.ts';
import { addCleanup, httpOf, startLab } from './with-lab.ts';

describe('the client against a small Marathon', () => {
  it('reads info, leader, app and tasks', async () => {
    const { marathon, lab } = await startLab();

    const app = await marathon.app('app');

    expect(marathonVersion((await marathon.info()).version)).toEqual({ major: 1, minor: 8 });
    expect(await marathon.leader()).toBe(`127.0.0.1:${lab.port}`);
    await marathon.ping();
    expect(app).toMatchObject({
      id: '/app',
      instances: 2,
      network: 'host',
      env: { A: '1' },
      deployments: [],
    });
    expect(app.tasks.map(({ state }) => state)).toEqual(['TASK_RUNNING', 'TASK_RUNNING']);
    expect(app.tasks.map(({ host }) => host).sort()).toEqual(['127.0.32.11', '127.0.32.12']);
    expect(app.tasks.every(({ ports }) => ports.length === 1)).toBe(true);
    await expect(marathon.app('/none')).rejects.toMatchObject({ code: 'APP_MISSING' });
    expect((await marathon.apps({ label: 'GROUP==one' })).apps.map(({ id }) => id)).toEqual(['/app']);
    expect((await marathon.apps({ label: 'GROUP==two' })).apps).toEqual([]);
  });

  it('changes the environment, is locked meanwhile, and takes the change back', async () => {
    const { marathon, settled, lab } = await startLab();
    const before = await marathon.app('/app');
    lab.faults.set({ hangDeployment: '/app' });

    const written = await marathon.updateApp(before, { env: { ...before.env, B: '2' } });
    const changed = await marathon.app('/app');
    const again = await marathon.updateApp(changed, { env: { C: '3' } });
    const late = await marathon.updateApp(before, { env: { C: '3' } });

    if (written.kind !== 'accepted') throw new Error(`It was not accepted: ${written.kind}`);
    expect(changed).toMatchObject({ env: { A: '1', B: '2' }, deployments: [written.deploymentId] });
    expect(changed.versionInfo.lastConfigChangeAt).toBe(written.version);
    expect((await marathon.deployments()).map(({ id }) => id)).toEqual([written.deploymentId]);
    // Seen in the app without asking, and by the 409 when the app was read too early.
    expect([again, late]).toMatchObject(
      Array(2).fill({ kind: 'locked', deployments: [written.deploymentId] }),
    );

    const undone = await marathon.cancelDeployment(written.deploymentId);
    const after = await settled();

    expect(undone).not.toBe('gone');
    expect(after.env).toEqual({ A: '1' });
    expect(await marathon.cancelDeployment(written.deploymentId)).toBe('gone');
    expect((await marathon.versions('/app')).length).toBeGreaterThanOrEqual(3);
    expect((await marathon.appVersion('/app', written.version)).env).toEqual({ A: '1', B: '2' });
  });

  it('says unknown for a lost reply, and the next read shows that it was done', async () => {
    const { marathon, settled, lab } = await startLab();
    const before = await marathon.app('/app');
    lab.faults.set({ loseReply: 1 });

    const written = await marathon.updateApp(before, { env: { A: 'new' } });

    expect(written).toMatchObject({ kind: 'unknown', cause: { code: 'MARATHON_UNREACHABLE' } });
    expect((await settled()).env).toEqual({ A: 'new' });
    expect(lab.requests().filter(({ method }) => method === 'PUT')).toHaveLength(1);
  });

  it('waits through a time without a leader', async () => {
    const { http, lab } = await startLab();
    let retried = 0;
    const log: Log = { ...silentLog, warn: (event) => void (event === 'http.retried' && retried++) };
    const marathon = createMarathonClient({ http, clock: systemClock, log });
    lab.faults.set({ noLeader: true, noLeaderHoldMs: 10 });
    const reading = marathon.app('/app');
    await until(() => retried === 1, 'the first answer without a leader');

    lab.faults.set({ noLeader: false });

    expect(await reading).toMatchObject({ id: '/app' });
  });

  it('knows wrong credentials', async () => {
    const { lab } = await startLab();
    const stranger = createMarathonClient({
      http: httpOf(lab, 'wrong-one'),
      clock: systemClock,
      log: silentLog,
    });

    await expect(stranger.app('/app')).rejects.toMatchObject({ code: 'MARATHON_UNAUTHORIZED' });
  });

  it('kills a task, and another takes its place', async () => {
    const { marathon, lab } = await startLab();
    const [victim] = (await marathon.app('/app')).tasks;

    expect(
      await marathon.killTasks([
        victim?.id ?? '',
        'app.instance-c0caec0a-863a-11e9-915b-c610fee06dff._app.1',
      ]),
    ).toEqual([victim?.id]);
    await until(
      () =>
        lab.tasks('/app').filter(({ state, id }) => state === 'TASK_RUNNING' && id !== victim?.id).length ===
        2,
      'the replacement runs',
    );
  });

  it('says in the queue why a task waits', async () => {
    const { http, marathon } = await startLab();
    await http.request({ method: 'PUT', path: '/v2/apps/app', body: '{"instances":3}' });
    let queue = await marathon.queue();
    while (queue.length === 0) queue = await marathon.queue();

    expect(queue).toMatchObject([{ appId: '/app', count: 1, overdue: true }]);
  });
});

describe('the event stream of a small Marathon', () => {
  it('follows a deployment, and attaches again after the leader closed all streams', async () => {
    const { lab, http, marathon, settled } = await startLab();
    const events: MarathonEvent[] = [];
    const stop = new AbortController();
    let attached = 0;
    const following = followEvents({
      http,
      clock: systemClock,
      log: silentLog,
      signal: stop.signal,
      types: ['deployment_success', 'event_stream_attached'],
      onEvent: (event) => events.push(event),
      onAttached: () => attached++,
    });
    addCleanup(async () => {
      stop.abort(new Error('the test is over'));
      await following;
    });
    await until(() => attached === 1 && lab.streams() === 1, 'the stream is open');

    const written = await marathon.updateApp(await marathon.app('/app'), { env: { A: '2' } });
    await settled();
    await until(() => events.some(({ type }) => type === 'deployment_success'), 'the deployment is told');
    lab.faults.closeStreams();
    await until(() => attached === 2 && lab.streams() === 1, 'the second stream is open');

    expect(events.find(({ type }) => type === 'deployment_success')).toMatchObject({
      deploymentId: written.kind === 'accepted' ? written.deploymentId : 'none',
      appIds: ['/app'],
    });
    expect(new Set(events.map(({ type }) => type))).toEqual(
      new Set(['deployment_success', 'event_stream_attached']),
    );
  });

  it('reaches the leader by the redirect of a standby', async () => {
    const { lab } = await startLab();
    const standby = await startServer((request, response) =>
      request.url.startsWith('/v2/events')
        ? response.writeHead(302, { location: `${lab.url}${request.url}` }).end()
        : sendJson(response, 500, {}),
    );
    addCleanup(() => standby.close());
    const http = httpOf({ ...lab, url: standby.url });
    const stop = new AbortController();
    let attached = 0;
    const following = followEvents({
      http,
      clock: systemClock,
      log: silentLog,
      signal: stop.signal,
      onEvent: () => undefined,
      onAttached: () => attached++,
    });
    await until(() => attached === 1 && lab.streams() === 1, 'the stream is open');

    stop.abort(new Error('stopping'));

    expect(await following).toBeUndefined();
    await until(() => lab.streams() === 0, 'the stream is closed');
  });
});
