import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLog } from '../../../src/lib/log.ts';
import type { MarathonEvent } from '../../../src/marathon/event-schema.ts';
import { followEvents } from '../../../src/marathon/events.ts';
import { marathonVersion } from '../../../src/marathon/version.ts';
import { until } from '../lib/loopback.ts';
import { addCleanup, startLab } from './with-lab.ts';

const HEALTH_CHECK = {
  protocol: 'COMMAND',
  command: { value: 'true' },
  intervalSeconds: 0.05,
  gracePeriodSeconds: 60,
};

describe.each([
  ['1.4.14', 4],
  ['1.8.222', 8],
  ['1.11.24', 11],
])('the client and Marathon %s', (version, minor) => {
  it('reads what it is, and an app in host mode with its tasks', async () => {
    const { marathon, lab } = await startLab({ version, features: ['task_killing'] });

    const info = await marathon.info();
    const app = await marathon.app('/app');

    expect(marathonVersion(info.version)).toEqual({ major: 1, minor });
    expect(info.marathon_config.features).toEqual(['task_killing']);
    expect(app).toMatchObject({
      id: '/app',
      instances: 2,
      cmd: 'exec sleep 1000',
      args: [],
      env: { A: '1' },
      labels: { GROUP: 'one' },
      network: 'host',
      portDefinitions: [{ port: 10_000, name: 'https', protocol: 'tcp' }],
      portMappings: [],
      image: undefined,
      healthChecks: [],
      readinessChecks: [],
      constraints: [['hostname', 'UNIQUE']],
      upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 },
      deployments: [],
      tasksRunning: 2,
    });
    expect([app.taskKillGracePeriodSeconds, app.lastTaskFailure]).toEqual([undefined, undefined]);
    expect(app.tasks.map(({ id, state, ports }) => ({ id, state, ports }))).toEqual(
      lab.tasks('/app').map(({ id, ports }) => ({ id, state: 'TASK_RUNNING', ports })),
    );
    expect(app.tasks.every((task) => task.version === app.version)).toBe(true);
    expect((await marathon.apps({ label: 'GROUP==one' })).unreadable).toEqual([]);
  });

  it('reads a bridge, whichever fields it is written in', async () => {
    const { http, marathon } = await startLab({ version });
    const docker = { image: 'x', network: 'BRIDGE', portMappings: [{ containerPort: 80, name: 'http' }] };
    const body = {
      id: '/bridge',
      cmd: 'exec sleep 1000',
      instances: 0,
      container: { type: 'DOCKER', docker },
    };
    await http.request({ method: 'POST', path: '/v2/apps', body: JSON.stringify(body) });

    expect(await marathon.app('/bridge')).toMatchObject({
      network: 'bridge',
      image: 'x',
      portMappings: [{ containerPort: 80, hostPort: 0, servicePort: 10_001, name: 'http' }],
    });
  });

  it('reads the health of tasks', async () => {
    const { marathon } = await startLab({ version });
    await marathon.createApp({
      id: '/checked',
      cmd: 'exec sleep 1000',
      cpus: 0.1,
      mem: 16,
      portDefinitions: [],
      healthChecks: [HEALTH_CHECK],
    });
    let app = await marathon.app('/checked');
    while (app.tasksHealthy === 0) app = await marathon.app('/checked');

    expect(app.tasks[0]?.healthCheckResults).toEqual([
      { alive: true, consecutiveFailures: 0, lastFailureCause: undefined },
    ]);
    expect(app.healthChecks).toMatchObject([{ protocol: 'COMMAND', gracePeriodSeconds: 60 }]);
  });

  it('changes the environment, is told so, and reads how it was before', async () => {
    const { http, marathon, settled, lab } = await startLab({ version });
    const before = await marathon.app('/app');
    const events: MarathonEvent[] = [];
    const stop = new AbortController();
    const following = followEvents({
      http,
      clock: systemClock,
      log: silentLog,
      signal: stop.signal,
      types: ['deployment_success'],
      onEvent: (event) => events.push(event),
      onAttached: () => undefined,
    });
    addCleanup(async () => {
      stop.abort(new Error('the test is over'));
      await following;
    });
    await until(() => lab.streams() === 1, 'the stream is open');

    const written = await marathon.updateApp(before, { env: { ...before.env, B: '2' } });
    const after = await settled();
    await until(() => events.length > 0, 'the deployment is told');

    if (written.kind !== 'accepted') throw new Error(`It was not accepted: ${written.kind}`);
    expect(after.env).toEqual({ A: '1', B: '2' });
    expect(after.versionInfo.lastConfigChangeAt).toBe(written.version);
    expect(after.tasks.filter(({ state }) => state === 'TASK_RUNNING')).toHaveLength(2);
    expect(events[0]).toMatchObject({ deploymentId: written.deploymentId, appIds: ['/app'] });
    expect((await marathon.appVersion('/app', before.version)).env).toEqual({ A: '1' });
  });

  it('is locked, undoes what it began, and says in the queue why a task waits', async () => {
    const { marathon, settled, lab } = await startLab({ version });
    const before = await marathon.app('/app');
    lab.faults.set({ hangDeployment: '/app' });

    const written = await marathon.updateApp(before, { env: { A: '2' } });
    const late = await marathon.updateApp(before, { env: { A: '3' } });
    if (written.kind !== 'accepted') throw new Error(`It was not accepted: ${written.kind}`);
    await marathon.cancelDeployment(written.deploymentId);
    const after = await settled();
    await marathon.scaleApp(after, 3);
    let queue = await marathon.queue();
    while (queue[0]?.rejections.length !== 1) queue = await marathon.queue();

    expect(late).toMatchObject({ kind: 'locked', deployments: [written.deploymentId] });
    expect(after.env).toEqual({ A: '1' });
    expect(queue).toMatchObject([
      {
        appId: '/app',
        count: 1,
        overdue: true,
        rejections: [{ reason: 'UnfulfilledConstraint', declined: 2, processed: 2 }],
      },
    ]);
  });
});
