import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { makeBundle } from '../support/bundles.ts';
import { events, removeDirectories, run, start } from '../support/certathon.ts';
import { passInProcess } from '../support/in-process.ts';
import { change, mark, ordersAtCa, settled, shownByAll, writesSince } from '../support/lab.ts';
import { type Place, type PlacedLab, startPlacedLab } from '../support/place.ts';
import { until } from '../support/until.ts';
import { longTest } from '../support/whole.ts';

const [HOUR_MS, DAY_MS] = [3_600_000, 86_400_000];
let placed: PlacedLab;
beforeAll(async () => {
  placed = await startPlacedLab(4);
});
afterAll(async () => {
  await placed?.lab.stop();
  removeDirectories();
});

/** A certificate of 90 days that somebody else installed. */
function formerly(name: string, daysLeft: number): string {
  const { pem } = makeBundle({
    names: [name],
    notBefore: new Date(Date.now() - (90 - daysLeft) * DAY_MS),
    notAfter: new Date(Date.now() + daysLeft * DAY_MS),
  });
  return pem.trimEnd().replaceAll('\n', '\\n');
}
/** Puts it where ours belongs. */
async function install(place: Place, daysLeft: number): Promise<void> {
  await change(placed.lab, place.app, {
    env: { ...placed.lab.marathon.app(place.app)?.env, HAPROXY_SSL_CERT: formerly(place.name, daysLeft) },
  } as never);
  await settled(placed.lab, place.app);
}
/** A window of an hour that opens in six to seven hours. */
function laterToday(): { opensAt: Date; env: Record<string, string> } {
  const opensAt = new Date(Math.ceil(Date.now() / HOUR_MS) * HOUR_MS + 6 * HOUR_MS);
  return {
    opensAt,
    env: {
      CERTATHON_MAINTENANCE_WINDOWS: `0 ${opensAt.getUTCHours()} * * * for 1h`,
      CERTATHON_TIME_ZONE: 'UTC',
    },
  };
}
/** The same clock, ahead by as much as it takes to show this moment now. */
const clockAt = (at: Date) => {
  const aheadMs = at.getTime() - Date.now();
  return { ...systemClock, nowMs: () => Date.now() + aheadMs };
};
const putsSince = (since: string) => writesSince(placed.lab, since).filter(({ method }) => method === 'PUT');

test('a renewal waits for the maintenance window in the store, and is delivered when it opens', async () => {
  const place = await placed.place();
  await install(place, 20);
  const { opensAt, env } = laterToday();
  const [since, orders] = [mark(), ordersAtCa(placed.lab)];
  const postponed = [{ target: place.app, until: opensAt.toISOString(), reason: 'window' }];

  const first = await run(['renew', '--json'], { ...place.env, ...env });
  const second = await run(['renew'], { ...place.env, ...env });
  const early = await passInProcess({ ...place.env, ...env }, () => undefined, {
    clock: clockAt(new Date(opensAt.getTime() - 60_000)),
  });
  const writes = putsSince(since);
  const opened = await passInProcess({ ...place.env, ...env }, () => undefined, { clock: clockAt(opensAt) });

  expect(first.exit, first.stdout + first.stderr).toBe(0);
  const told = JSON.parse(first.stdout);
  expect(told).toMatchObject({ postponed, problems: [], checkAgainAt: opensAt.toISOString() });
  expect(told.done).toMatchObject([{ do: 'order' }]);
  expect([second.exit, second.stdout]).toEqual([
    0,
    expect.stringContaining(`delivery to ${place.app} waits (window) until ${opensAt.toISOString()}`),
  ]);
  expect(second.stdout).not.toContain('nothing to do');
  expect(events(first, 'delivery.postponed')).toMatchObject(postponed);
  expect(early.result.postponed).toHaveLength(1);
  expect(writes).toEqual([]);
  expect(opened.result).toMatchObject({
    exitStatus: 0,
    postponed: [],
    done: [{ do: 'deliver', reason: 'not-delivered' }],
  });
  expect(putsSince(since)).toHaveLength(1);
  expect(ordersAtCa(placed.lab)).toBe(orders + 1);
  expect(await shownByAll(placed.lab, place.app, place.name)).toMatchObject([{ isValid: true }]);
});

test('little life left overrides the window, and the step says that it is urgent', async () => {
  const place = await placed.place();
  await install(place, 5);

  const ended = await run(['renew'], { ...place.env, ...laterToday().env });

  expect(ended.exit, ended.stdout + ended.stderr).toBe(0);
  expect(ended.stdout).toMatch(/^deliver \(not-delivered\): .*urgency urgent/m);
  expect(events(ended, 'pass.step').at(-1)).toMatchObject({ do: 'deliver', urgency: 'urgent' });
  expect(await shownByAll(placed.lab, place.app, place.name)).toMatchObject([{ isValid: true }]);
});

longTest(
  'an app is restarted once an hour, unless a person asks: --now waits for coalescing alone',
  async () => {
    const place = await placed.place();
    const env = { ...place.env, CERTATHON_MAINTENANCE_WINDOWS: '* * * * * for 1h' };
    const first = await run(['renew'], env);
    const deliveredAt = Date.parse(String(events(first, 'delivery.started')[0]?.time));
    await install(place, 20);
    const since = mark();

    const paced = await run(['renew', '--json'], env);
    const anHourLater = { clock: clockAt(new Date(deliveredAt + HOUR_MS)) };
    const later = await passInProcess(env, () => undefined, anHourLater);
    const asked = await run(['renew', '--now', '--json'], {
      ...env,
      ...laterToday().env,
      CERTATHON_COALESCE: '2s',
    });

    expect(first.exit, first.stdout + first.stderr).toBe(0);
    const told = JSON.parse(paced.stdout);
    expect([paced.exit, told.done, told.postponed]).toMatchObject([
      0,
      [],
      [{ reason: 'pace', target: place.app }],
    ]);
    const waitedMs = Date.parse(told.postponed[0].until) - deliveredAt;
    expect(Math.abs(waitedMs - HOUR_MS)).toBeLessThan(10_000);
    expect(later.result).toMatchObject({ exitStatus: 0, done: [{ do: 'deliver' }] });
    expect(asked.exit, asked.stdout + asked.stderr).toBe(0);
    const [, wait] = JSON.parse(asked.stdout).done;
    expect(JSON.parse(asked.stdout).done.map((step: { do: string }) => step.do)).toEqual([
      'order',
      'wait',
      'deliver',
    ]);
    expect(wait).toMatchObject({ reason: 'coalescing', target: place.app });
    expect(putsSince(since)).toHaveLength(2);
  },
);

longTest('a name that is added while a certificate waits for others makes no second deployment', async () => {
  const place = await placed.place();
  const { lab } = placed;
  const own = `${place.app}-names`;
  const second = `www.${place.name}`;
  await lab.authority.dns.setA(second, [place.env.CERTATHON_BIND ?? '']);
  await lab.api('POST', '/v2/apps', { id: own, cmd: 'true', instances: 0 });
  const [since, orders] = [mark(), ordersAtCa(lab)];

  const program = start(['renew', '--json'], {
    ...place.env,
    CERTATHON_APP_ID: own,
    CERTATHON_COALESCE: '4s',
  });
  await until('it waits for others', () =>
    program.lines.find((line) => line.event === 'pass.step' && line.do === 'wait'),
  );
  await change(lab, own, { labels: { HAPROXY_0_VHOST: second } });
  const ended = await program.ended;

  expect(ended.exit, ended.stdout + ended.stderr).toBe(0);
  const done = JSON.parse(ended.stdout).done.map((step: { do: string }) => step.do);
  expect(done).toEqual(['order', 'wait', 'order', 'wait', 'deliver']);
  expect(ordersAtCa(lab)).toBe(orders + 2);
  expect(putsSince(since).map(({ path }) => path)).toEqual([`/v2/apps${own}`, `/v2/apps${place.app}`]);
  for (const name of [place.name, second])
    expect(await shownByAll(lab, place.app, name)).toMatchObject([{ isValid: true }]);
});
