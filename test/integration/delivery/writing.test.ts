import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { events, removeDirectories, run, start } from '../../support/certathon.ts';
import { passInProcess } from '../../support/in-process.ts';
import { installed } from '../../support/installed.ts';
import { appOf, mark, shownByAll, writesSince } from '../../support/lab.ts';
import { type PlacedLab, startPlacedLab } from '../../support/place.ts';
import { longTest } from '../../support/whole.ts';

let placed: PlacedLab;
beforeAll(async () => {
  placed = await startPlacedLab(4);
});
afterEach(() => {
  placed?.lab.marathon.faults.set({
    loseReply: 0,
    foreignDeployment: null,
  });
});
afterAll(async () => {
  await placed?.lab.stop();
  removeDirectories();
});

const methodsOf = (since: string) =>
  writesSince(placed.lab, since).map(({ method, path, query }) => `${method} ${path}${query}`);

test('a lost reply of the write is recognised as done: one deployment, watched to its end', async () => {
  const { lab } = placed;
  const place = await placed.place();
  lab.marathon.faults.set({ loseReply: 1 });
  const since = mark();

  const ended = await run(['renew'], place.env);

  expect(ended.exit, ended.stderr).toBe(0);
  expect(lab.marathon.faults.settings.loseReply).toBe(0);
  expect(events(ended, 'delivery.started')).toMatchObject([
    { reason: 'reply-lost', deployment: expect.stringMatching(/^[0-9a-f-]{36}$/) },
  ]);
  expect(methodsOf(since)).toEqual([`PUT /v2/apps${place.app}`]);
  expect(await shownByAll(lab, place.app, place.name)).toMatchObject([{ isValid: true }]);
});

test("somebody else's deployment is waited for, and the write goes out when it has ended", async () => {
  const { lab } = placed;
  const place = await placed.place();
  lab.marathon.faults.set({ foreignDeployment: place.app });
  const since = mark();
  const program = start(['renew'], place.env);

  await program.logged('delivery.waiting');
  expect(program.lines.at(-1)).toMatchObject({ reason: 'locked', app: place.app });
  expect(methodsOf(since)).toEqual([]);
  lab.marathon.faults.set({ foreignDeployment: null });
  const ended = await program.ended;

  expect(ended.exit, ended.stderr).toBe(0);
  expect(methodsOf(since)).toEqual([`PUT /v2/apps${place.app}`]);
});

longTest(
  'a lock that stays is given up on with APP_LOCKED after the time for it, naming the deployment',
  async () => {
    const { lab } = placed;
    const old = installed('locked.example.com');
    const place = await placed.place({ env: { HAPROXY_SSL_CERT: old.variable } });
    lab.marathon.faults.set({ foreignDeployment: place.app });
    const [held] = (await appOf(lab, place.app)).deployments;
    const since = mark();

    const ended = await run(['renew', '--replace-foreign'], { ...place.env, CERTATHON_LOCK_WAIT: '1s' });

    expect(ended.exit).toBe(17);
    expect(ended.stdout).toContain('APP_LOCKED');
    expect(ended.stdout).toContain(held?.id);
    expect(methodsOf(since)).toEqual([]);
    expect(await shownByAll(lab, place.app, place.name)).toMatchObject([{ fingerprint: old.fingerprint }]);
  },
);

longTest(
  'a write that meets a lock taken since the look is refused by Marathon with 409 and sent again later',
  async () => {
    const { lab } = placed;
    const place = await placed.place();
    const since = mark();
    let isHeld = false;

    const { result, lines } = await passInProcess(place.env, (marathon) => {
      const updateApp = marathon.updateApp.bind(marathon);
      marathon.updateApp = async (...args) => {
        if (isHeld) return updateApp(...args);
        isHeld = true;
        lab.marathon.faults.set({ foreignDeployment: place.app });
        const refused = await updateApp(...args);
        expect(refused.kind).toBe('locked');
        setTimeout(() => lab.marathon.faults.set({ foreignDeployment: null }), 1_000);
        return refused;
      };
    });

    expect(result.problems).toEqual([]);
    const statuses = writesSince(lab, since).map(({ method, status }) => `${method} ${status}`);
    expect(statuses).toEqual(['PUT 409', 'PUT 200']);
    expect(lines.filter(({ event }) => event === 'delivery.verified')).toHaveLength(1);
  },
);
