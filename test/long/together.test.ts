import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTargetStore } from '../../src/certificates/store-targets.ts';
import { events, keyLines, printed, removeDirectories, run, start } from '../support/certathon.ts';
import { mark, ordersAtCa, shownByAll, writesSince } from '../support/lab.ts';
import { type Place, type PlacedLab, startPlacedLab } from '../support/place.ts';
import { longTest } from '../support/whole.ts';

let placed: PlacedLab;
beforeAll(async () => {
  placed = await startPlacedLab(5);
});
afterAll(async () => {
  await placed?.lab.stop();
  removeDirectories();
});

const memoryOf = ({ store, app }: Place) => openTargetStore(store).deliveryMemory(app);
const methodsSince = (since: string): string[] => writesSince(placed.lab, since).map(({ method }) => method);

test('two runs at once on one store make one order and one deployment', async () => {
  const { lab } = placed;
  const place = await placed.place();
  const [since, orders] = [mark(), ordersAtCa(lab)];

  const both = await Promise.all([run(['renew'], place.env), run(['renew'], place.env)]);

  expect(both.map(({ exit }) => exit)).toEqual([0, 0]);
  expect(ordersAtCa(lab)).toBe(orders + 1);
  expect(methodsSince(since)).toEqual(['PUT']);
});

longTest('a cron that runs renew beside serve waits for it, and orders nothing a second time', async () => {
  const { lab } = placed;
  const place = await placed.place();
  const [since, orders] = [mark(), ordersAtCa(lab)];
  const serving = start(['serve'], place.env);
  await serving.logged('order.created');

  const ended = await run(['renew'], place.env);
  serving.kill('SIGTERM');

  expect((await serving.ended).exit).toBe(0);
  expect(ended.exit, ended.stderr).toBe(0);
  expect(events(ended, 'store.locked')).toHaveLength(1);
  expect(ended.stdout).toContain('nothing to do');
  expect(ordersAtCa(lab)).toBe(orders + 1);
  expect(methodsSince(since)).toEqual(['PUT']);
});

longTest(
  'SIGTERM in the middle of an order ends serve with 0, and the next start takes the order up again',
  async () => {
    const { lab } = placed;
    const place = await placed.place();
    const orders = ordersAtCa(lab);
    const serving = start(['serve'], place.env, (line, child) => {
      if (line.event === 'order.finalized') child.kill('SIGTERM');
    });
    const stopped = await serving.ended;
    const keys = keyLines(place.store);

    const next = await run(['renew'], place.env);

    expect([stopped.exit, stopped.signal]).toEqual([0, null]);
    // Also the key that waits in the order for its certificate is printed nowhere.
    expect(keys.length).toBeGreaterThanOrEqual(5);
    expect(keys.filter((key) => printed.some((text) => text.includes(key)))).toEqual([]);
    expect(stopped.lines.at(-1)?.event).toBe('service.stopped');
    expect(next.exit, next.stderr).toBe(0);
    expect(events(next, 'store.locked')).toEqual([]);
    expect(events(next, 'order.resumed')).toMatchObject([
      { order: events(stopped, 'order.created')[0]?.order },
    ]);
    expect(ordersAtCa(lab)).toBe(orders + 1);
  },
);

test('SIGTERM in the middle of a delivery ends renew with 130 and undoes nothing; the next run sees it through', async () => {
  const { lab } = placed;
  const place = await placed.place();
  const since = mark();
  const stopped = await start(['renew'], place.env, (line, child) => {
    if (line.event === 'delivery.started') child.kill('SIGTERM');
  }).ended;

  const next = await run(['renew'], place.env);

  expect([stopped.exit, stopped.signal], stopped.stderr).toEqual([130, null]);
  expect(stopped.stderr).toContain('STOPPED');
  expect(next.exit, next.stderr).toBe(0);
  expect(events(next, 'store.locked')).toEqual([]);
  expect(methodsSince(since)).toEqual(['PUT']);
  expect(await shownByAll(lab, place.app, place.name)).toMatchObject([{ isValid: true }]);
  expect(await (await memoryOf(place)).delivery()).toBeUndefined();
});

longTest('the record of a delivery whose end nobody saw is gone once everything is served', async () => {
  const place = await placed.place();
  const first = await run(['renew'], place.env);
  const [started] = events(first, 'delivery.started');
  const [issued] = events(first, 'certificate.issued');
  const record = {
    fingerprint: String(issued?.fingerprint),
    appId: place.app,
    beforeVersion: '',
    deploymentId: String(started?.deployment),
  };
  const memory = await memoryOf(place);
  await memory.saveDelivery(record);

  const next = await run(['renew'], place.env);

  expect(next.exit, next.stderr).toBe(0);
  expect(await memory.delivery()).toBeUndefined();
});
