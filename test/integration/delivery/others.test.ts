import { afterAll, beforeAll, expect, test } from 'vitest';
import { events, removeDirectories, start } from '../../support/certathon.ts';
import { passInProcess } from '../../support/in-process.ts';
import { appOf, change, mark, settled, shownByAll, writesSince } from '../../support/lab.ts';
import { type PlacedLab, startPlacedLab } from '../../support/place.ts';
import { until } from '../../support/until.ts';
import { longTest } from '../../support/whole.ts';

let placed: PlacedLab;
beforeAll(async () => {
  placed = await startPlacedLab(3);
});
afterAll(async () => {
  await placed?.lab.stop();
  removeDirectories();
});

const methodsOf = (since: string) =>
  writesSince(placed.lab, since).map(({ method, path, query }) => `${method} ${path}${query}`);

test('what somebody else writes between our read and our write is not lost', async () => {
  const { lab } = placed;
  const place = await placed.place({ env: { THEIRS: 'old', KEPT: 'yes' } });
  const since = mark();
  let isDone = false;

  const { result } = await passInProcess(place.env, (marathon) => {
    const updateApp = marathon.updateApp.bind(marathon);
    marathon.updateApp = async (...args) => {
      if (!isDone) {
        isDone = true;
        const { env } = await appOf(lab, place.app);
        await change(lab, place.app, { env: { ...env, THEIRS: 'new', MORE: 'of theirs' } });
        await settled(lab, place.app);
      }
      return updateApp(...args);
    };
  });

  const { env } = await settled(lab, place.app);
  expect(result.problems).toEqual([]);
  expect(env).toMatchObject({ THEIRS: 'new', MORE: 'of theirs', KEPT: 'yes' });
  expect(env.HAPROXY_SSL_CERT).toContain('BEGIN CERTIFICATE');
  expect(methodsOf(since).filter((call) => call.includes('force'))).toEqual([]);
  const shown = await shownByAll(lab, place.app, place.name);
  expect(shown).toMatchObject([
    { isValid: true, fingerprint: result.seen?.certificates[0]?.stored?.fingerprint },
  ]);
});

longTest(
  'somebody who forces another definition over our deployment is not undone, and what they wrote stays',
  async () => {
    const { lab } = placed;
    // The new task is held back by its neighbour, so that there is time to come in between.
    const place = await placed.place({ env: { THEIRS: 'old' }, taskKillGracePeriodSeconds: 5 });
    const program = start(['renew'], place.env);
    await program.logged('delivery.started');

    const { env } = await appOf(lab, place.app);
    const { HAPROXY_SSL_CERT: _ours, ...others } = env;
    const since = mark();
    await change(lab, place.app, { env: { ...others, THEIRS: 'new' } }, '?force=true');
    const ended = await program.ended;

    expect(ended.exit, ended.stderr).toBe(0);
    expect(events(ended, 'delivery.failed')).toMatchObject([{ level: 'warn', code: 'DELIVERY_OVERTAKEN' }]);
    expect(methodsOf(since)).toEqual([`PUT /v2/apps${place.app}force=true`, `PUT /v2/apps${place.app}`]);
    expect((await settled(lab, place.app)).env).toMatchObject({ THEIRS: 'new' });
    expect(await shownByAll(lab, place.app, place.name)).toMatchObject([{ isValid: true }]);
  },
);

test('Marathon without a leader during the delivery is waited out', async () => {
  const { lab } = placed;
  const place = await placed.place();
  const program = start(['renew'], place.env);
  await program.logged('delivery.started');

  lab.marathon.faults.set({ noLeader: 502, noLeaderHoldMs: 200 });
  lab.marathon.faults.failOver();
  await until('the program was told that there is no leader', () =>
    lab.marathon.requests().some(({ status }) => status === 502),
  );
  lab.marathon.faults.set({ noLeader: false });
  const ended = await program.ended;

  expect(ended.exit, ended.stderr).toBe(0);
  expect(events(ended, 'delivery.verified')).toHaveLength(1);
});
