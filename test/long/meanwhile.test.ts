import { afterAll, beforeAll, expect, test } from 'vitest';
import { fromVariable } from '../../src/delivery/variable.ts';
import { removeDirectories, start } from '../support/certathon.ts';
import { passInProcess } from '../support/in-process.ts';
import { installed } from '../support/installed.ts';
import { appOf, change, mark, settled, shownByAll, writesSince } from '../support/lab.ts';
import { type PlacedLab, startPlacedLab } from '../support/place.ts';
import { until } from '../support/until.ts';
import { longTest } from '../support/whole.ts';

const APP = '/marathon-lb';
const old = installed('shop.example.com');
let placed: PlacedLab;
/** Two balancers and an agent more, for who scales up. */
beforeAll(async () => {
  placed = await startPlacedLab(1, {
    balancers: 2,
    balancerApp: {
      env: { HAPROXY_SSL_CERT: old.variable },
      constraints: [
        ['hostname', 'UNIQUE'],
        ['public', 'CLUSTER', 'true'],
      ],
    },
  });
});
afterAll(async () => {
  await placed?.lab.stop();
  removeDirectories();
});

const ours = async () => {
  const { env, name } = await placed.placeWithoutTasks();
  return { name, env: { ...env, CERTATHON_MARATHON_LB_APP: APP, CERTATHON_REPLACE_FOREIGN: 'true' } };
};

test('a bundle that is cut short on its way to Marathon is taken back: every balancer serves the old one again', async () => {
  const { lab } = placed;
  const { env } = await ours();
  const since = mark();

  const { result } = await passInProcess(env, (marathon) => {
    const updateApp = marathon.updateApp.bind(marathon);
    marathon.updateApp = (app, patch, signal) => {
      const whole = String(patch.env?.HAPROXY_SSL_CERT);
      const cut = { ...patch.env, HAPROXY_SSL_CERT: whole.slice(0, whole.length / 2) };
      return updateApp(app, { ...patch, env: cut }, signal);
    };
  });

  const [problem] = result.problems;
  expect(problem?.code).toBe('MARATHON_ANSWER_INVALID');
  expect(problem?.message).toContain('was stored otherwise than it was sent; the change was taken back');
  expect(problem?.message).toContain('2 of 2 balancers serve the old certificate');
  expect(writesSince(lab, since).map(({ method }) => method)).not.toContain('PATCH');
  const app = await settled(lab, APP);
  expect(fromVariable(String(app.env.HAPROXY_SSL_CERT))).toBe(fromVariable(old.variable));
  // Which task a rollback stops first is Marathon's choice, so a moment without any is possible.
  const one = { fingerprint: old.fingerprint };
  expect(await shownByAll(lab, APP, 'shop.example.com')).toMatchObject([one, one]);
});

longTest(
  'a new balancer that dies during the delivery is replaced by Marathon, and the delivery ends well',
  async () => {
    const { lab } = placed;
    const { env, name } = await ours();
    const program = start(['renew'], env);
    await program.logged('delivery.started');
    const { version } = await appOf(lab, APP);
    const fresh = await until('a new balancer runs', () =>
      lab.marathon
        .tasks(APP)
        .find((task) => task.version === version && task.state === 'TASK_RUNNING' && task.pid !== undefined),
    );
    process.kill(fresh.pid as number, 'SIGKILL');

    const ended = await program.ended;

    expect(ended.exit, ended.stderr).toBe(0);
    expect(await shownByAll(lab, APP, name)).toMatchObject([{ isValid: true }, { isValid: true }]);
  },
);

longTest(
  'who scales the app between our read and our write keeps their balancer, and it serves ours too',
  async () => {
    const { lab } = placed;
    const { env, name } = await ours();
    let isScaled = false;

    const { result } = await passInProcess(
      env,
      (marathon) => {
        const updateApp = marathon.updateApp.bind(marathon);
        marathon.updateApp = async (...args) => {
          if (!isScaled) {
            isScaled = true;
            await change(lab, APP, { instances: 3 });
            await settled(lab, APP);
          }
          return updateApp(...args);
        };
      },
      { forced: true },
    );

    expect(result.problems).toEqual([]);
    expect((await settled(lab, APP)).instances).toBe(3);
    const shown = await shownByAll(lab, APP, name);
    expect(shown).toHaveLength(3);
    expect(new Set(shown.map(({ fingerprint }) => fingerprint))).toEqual(
      new Set([result.seen?.certificates[0]?.stored?.fingerprint]),
    );
  },
);
